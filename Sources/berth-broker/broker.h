// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// berth-broker: carries out one privileged storage operation and exits. It trusts neither the plugin that wished for it
// nor the daemon that passed it on: names, paths and options are checked again here, paths are walked by descriptor
// below a directory without following a link, and there is no shell. What it cannot know is which volume, disk or server
// a grant allows: those it takes from the daemon, unless somebody uses them.

#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "berth_broker.h"

extern struct bb_request request;
extern struct bb_reply reply;
// Directories below which a launcher server lets anything be changed; none in exec mode, where the daemon is root itself.
extern char **writable;
extern int writable_count;
// The user ids of plugins, by the launcher's word.
extern unsigned first_uid, last_uid;

// main.c
const char *text(uint32_t offset);
// Ends the worker with errno, or the error given; `pattern` names what failed and must hold no secret.
__attribute__((format(printf, 1, 2))) _Noreturn void fail(const char *pattern, ...);
__attribute__((format(printf, 2, 3))) _Noreturn void fail_with(int error, const char *pattern, ...);
_Noreturn void done(void);

// check.c
void check_name(const char *name, const char *what);
void check_lvm_name(const char *name, const char *what);
void check_tag(const char *tag);
void check_plain(const char *value, const char *allowed, size_t most, const char *what);
void check_directory(const char *path, const char *what);
// The request's user and group are a plugin's: one id, in the launcher's range.
void check_plugin(void);

// paths.c
int open_directory(const char *path);
int open_place(void);
// Opens root/path; "" is the root itself. Never follows a link, never leaves the root.
int open_beneath(uint32_t root, uint32_t path, uint64_t flags);
// Opens the directory of root/path and tells the last component.
int open_parent(uint32_t root, uint32_t path, char name[256]);
int open_image(uint32_t root, uint32_t path, bool writes);
int open_block(const char *node, unsigned major, unsigned minor, bool writes);
bool is_mount_point(int directory);
int read_small(const char *path, char *out, size_t size);

// disk.c
// Ends the worker when the kernel or anybody else has the device for himself: mounted (in any namespace), swap, part of
// another device.
void check_unused(const char *node, unsigned major, unsigned minor);
// Ends the worker unless the device is one whose file system a storage may ask for: a loop device of ours, the device
// mapper's, or a disk of another machine's.
void check_mountable(int device, const char *node, unsigned major, unsigned minor);

// loop.c
#define LOOP_LABEL "berth-" // what the label of every loop device of ours begins with
int loop_attach(int file, const char *label, bool read_only, bool autoclear, unsigned *number, char *path, size_t size);
void op_loop_attach(void);
void op_loop_detach(void);

// mount.c
void op_prepare(void);
void op_dismiss(void);
void op_mount_local(void);
void op_mount_remote(void);
void op_unmount(void);
int set_attributes(int mount, uint64_t set, uint64_t propagation, int user_namespace);
// A user namespace with these lines as its maps, for mounts; -1 when the kernel refuses.
int open_mapping(const char *uids, const char *gids);

// options.c
void set_options(int fs, const char *type);

// device.c
void op_device_open(void);
void op_device_close(void);
void op_device_find(void);

// run.c
// Runs a program with the worker's standard streams and capabilities; its end goes to `reply.status`.
void run(const char *const *candidates, const char *const argv[]);
// The first that is there; NULL when none is.
const char *find_program(const char *const *candidates);
void wait_for(pid_t pid);
void op_exec(void);

// remote.c
bool read_attribute(const char *directory, const char *entry, const char *file, char *out, size_t size);
void check_remote(void);
// Whether these words of the kernel's are the request's portal.
bool is_portal(const char *address, const char *port);
// Waits for a disk whose name begins with `prefix`, with the request's identity, that `belongs` finds on its connection.
void await_disk(const char *prefix, bool (*belongs)(const char *disk));
// Whether the request's device still is that disk.
bool is_disk(bool (*belongs)(const char *disk));
// Ends the worker when the request's device is in use and nobody forces it.
void check_idle(void);

// lvm.c, btrfs.c, nvme.c, iscsi.c
void op_lvm(void);
void op_btrfs(void);
void check_btrfs(int fd);
int open_subvolume(uint32_t root, uint32_t path);
void print_subvolume(int fd, const char *path);
void op_nvme_attach(void);
void op_nvme_detach(void);
void op_iscsi(void);

// stage.c: these return -1 with errno; they are used while something is undone
int open_folder(int directory, const char *path);
int make_subvolume(int parent, const char *name);
int destroy_subvolume(int parent, const char *name);
int make_folders(int stage, const char *path);
int unstage(int parent, const char *name);

// stream.c
void op_btrfs_send(void);
void op_btrfs_receive(void);

// lineage.c
// The path, from the root of the subvolume `root`, of the subvolume that is found by a received id; false when none is.
bool other_place(int fd, const uint8_t uuid[16], uint64_t root, char *out, size_t size);

// room.c
struct room {
  int inside, stage, base; // the subvolume to write to, the directory it is in, the base snapshot or -1
  // From the root of the subvolume that `stage` belongs to: where the base is looked for, and where `inside` is when the
  // stream may hold several snapshots; "" for none.
  char paths[3][4352], own[4352];
  uint32_t uid, gid;       // whom the received files may belong to
  const char *program;     // below /usr
};
enum { ROOM_FAILED = 125 }; // how the process ends that could not make it
// Becomes `btrfs receive`; standard input is the stream.
_Noreturn void receive_in(const struct room *room);
