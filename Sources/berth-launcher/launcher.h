// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// berth-launcher: starts one confined plugin for a request, or serves requests with one worker process each.
// Single-threaded, static, allocates nothing (bl_request_make, which does, is the daemon's). Every set-up step is fatal: a plugin starts with all of its layers or not
// at all.

#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "berth_launch.h"

// Not every C library's header has it.
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

enum { FILTER_MAX = 4096, V1_HIERARCHIES = 5 };

// The namespaces of a kit (kit.c), and how many kits a server keeps ready.
enum { KIT_MOUNTS, KIT_NET, KIT_IPC, KIT_UTS, KIT_NAMESPACES, KITS = 4 };

// Everything about the one request a worker serves.
struct job {
  struct bl_request request;
  int fds[BL_REQUEST_FDS];
  int sources[BL_MAX_MOUNTS]; // mounts, first detached and then in place; -1 where none
  bool source_is_file[BL_MAX_MOUNTS];
  struct device {
    char type; // 'b' or 'c', 0 where the source is no device
    unsigned major, minor;
  } devices[BL_MAX_MOUNTS];
  int listeners[BL_MAX_ENDPOINTS];
  int listener_count;
  int cgroup;                  // the leaf in the unified hierarchy, -1 when none
  int v1_tasks[V1_HIERARCHIES]; // tasks of the leaf in each v1 hierarchy used, -1 where none
  bool cgroups_made;
  bool has_kit;
  int kit[KIT_NAMESPACES];
  int network;  // without a kit: whence the network namespace comes, -1 when it is made with the others
  pid_t helper; // makes it
  int pidfd;
  pid_t pid;
  uint32_t layers;
  int landlock_abi;
  int ruleset; // Landlock's, -1 where there is none
  int own_descriptors; // the directory that shows them
  struct bl_seen seen;
  uint16_t filter_count;
  uint64_t filter[FILTER_MAX];
};

// How this process serves: in exec mode one request from descriptor 0, as a server many.
struct server {
  const char *socket_path;  // NULL in exec mode
  const char *cgroup_base;  // below every hierarchy's root
  const char *writable[16]; // as a server: writable sources must lie beneath one of these
  int writable_count;
  uid_t client; // as a server: the one user besides root that may ask
  uint32_t first_uid, last_uid;
  int host_mounts; // the host's mount namespace while this process is in a small one of its own, else -1
  int own_mounts;
  int proc;         // /proc of the host
  uint64_t namespaces[BL_NAMESPACE_MAX]; // that this process was started in
  char broker[1024]; // path of berth-broker
  int memfd_sysctl; // vm.memfd_noexec for writing, -1 when the kernel has none
};
extern struct server server;

const char *text(const struct job *job, uint32_t offset);

// report.c: before the clone a failure goes to the daemon, after it to the worker through the status socket.
extern int daemon_socket;
extern int status_socket;
_Noreturn void die(struct job *job, enum bl_step step, const char *detail);
_Noreturn void die_with(struct job *job, enum bl_step step, int error, const char *detail);
void report_layers(struct job *job, int notify);
void await_status(struct job *job, int status, struct bl_reply *reply, int *notify);
_Noreturn void answer(struct job *job, struct bl_reply *reply, int notify);

// request.c
const char *validate(const struct job *job, ssize_t size, int fd_count);
bool is_beneath(const char *path, const char *directory);
void read_filter(struct job *job);

// cgroup.c
void cgroup_open_hierarchies(void);
void cgroup_adopt_self(void);
uint32_t cgroup_layers(void);
void cgroup_create(struct job *job);
void cgroup_create_v1(struct job *job);
void cgroup_send_v1(struct job *job, int status);
void cgroup_receive_v1(struct job *job);
void cgroup_join(struct job *job);
int cgroup_open_devices(struct job *job, bool allows);
int cgroup_leaf(const struct job *job);
int cgroup_kill_descriptor(const struct job *job);
int cgroup_cpu_descriptor(const struct job *job);
int cgroup_remove(const char *scope, const char *instance);
int cgroup_sweep(const char *scope);

// mounts.c
struct option {
  const char *name, *value;
};
void open_sources(struct job *job);
void build_root(struct job *job);
int make_mount(const char *type, const struct option *options, size_t count, unsigned attributes);
int new_root(void);
void enter_small_namespace(void);

// kit.c
void kit_open_shelf(void);
int kit_count(void);
_Noreturn void kit_make(void);
void kit_take(struct job *job);
uint64_t kit_enter(struct job *job);
void kit_enter_network(struct job *job);
void kit_close(struct job *job);
void kit_settle(struct job *job);

// image.c
int open_image(struct job *job);

// network.c
void network_check(struct job *job);
void network_set_up(struct job *job);

// confine.c
void limit_resources(struct job *job);
void drop_privileges(struct job *job);
int landlock_probe(void);
void prepare_landlock(struct job *job);
void restrict_with_landlock(struct job *job);
int load_filter(struct job *job);

// seen.c
void find_own_namespaces(struct job *job);
void open_own_descriptors(struct job *job);
void read_own_state(struct job *job);

// spawn.c
_Noreturn void spawn(struct job *job);
void enter_session(struct job *job);
uint32_t machine_layers(bool user_namespace);

// broker.c
void broker_find(void);
uint32_t broker_kinds(void);
_Noreturn void broker(struct job *job);

// reaper.c
_Noreturn void reap(struct job *job, pid_t plugin, int gate);

// files.c
struct listing {
  int directory; // open for reading; whoever opened it closes it
  long size, at;
  _Alignas(8) char bytes[2048];
};
struct entry {
  const char *name;
  unsigned char type; // DT_DIR and so on
};
int next_entry(struct listing *listing, struct entry *entry);
int close_all_but(const int *kept, int count);
int write_at(int directory, const char *name, const char *value);
__attribute__((format(printf, 3, 4))) const char *format(char *out, size_t size, const char *pattern, ...);
