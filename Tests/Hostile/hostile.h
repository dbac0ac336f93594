// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// A plugin that tries to get out. The same program runs inside the sandbox, where every attempt must be refused, and
// outside as root, where every attempt must succeed (else it proves nothing). Some succeed on no kernel but one that has
// what they need: on the stock kernel of the guest those must, elsewhere they may.

#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What an attempt may be refused with besides EPERM, EACCES, ENOSYS and EROFS.
enum {
  PATH_ABSENT = 1 << 0,  // ENOENT, ENOTDIR: the host's path does not exist inside
  NO_PROCESS = 1 << 1,   // ESRCH: the host's process does not exist inside
  NO_NETWORK = 1 << 2,   // ENETUNREACH, ECONNREFUSED, EADDRNOTAVAIL, EAFNOSUPPORT: nothing but an empty stack
  LIMITED = 1 << 3,      // EAGAIN, ENOMEM, ENOSPC, EMFILE, EFBIG, EDQUOT: a limit
  NO_OBJECT = 1 << 4,    // ENOENT for System V and POSIX objects, ENXIO, ENOTTY
  REACH = 1 << 5,        // success is to reach the kernel's own code: any other error is an escape
  STOCK = 1 << 6,        // the guest's kernel shows it outside; another machine may lack what it needs, see `why`
  UNMAPPED = 1 << 8,     // EOVERFLOW, EINVAL: the user does not exist in the mount's id map
  UNPRIVILEGED = 1 << 7, // the control runs as an ordinary user: it is about gaining what root has
  NOWHERE = 1 << 9,      // neither the guest's kernel nor this one shows it outside, see `why`
};

struct attempt {
  const char *name;
  const char *threat;
  int flags;
  const char *why; // what a machine lacks on which it does not succeed outside; NULL when it must everywhere
  long (*run)(void);
};
extern const struct attempt attempts[];
extern const size_t attempt_count;

// What the test prepared on the host: names and numbers, from NAME=VALUE lines of the targets file.
const char *target(const char *name);
long target_number(const char *name);

long refused(int error); // sets errno, returns -1

// files.c
long read_file(const char *path, const char *forbidden);
long open_for_writing(const char *path);
long create_in(const char *directory);
long replace_in_bundle(const char *name);
long run_copy_from(const char *directory);
long run_from_memory(void);
long map_writable_executable(void);
long make_page_executable(void);
long map_file_executable(const char *directory);
long gain_by(const char *helper);
long list_directory(const char *path, const char *forbidden);
long change_with(const char *what);
long fill_directory(const char *directory);
long many_files(const char *directory);
long take_lease(const char *directory);
long plant(const char *directory, const char *what);
long make_set_id(const char *directory, const char *how);

// kernel.c
long clone_with(unsigned long flags);
long clone3_with(unsigned long flags);
long old_call(long number, long argument);
long x32_call(void);
long connect_tcp(const char *address, int port);
long send_udp(void);
long connect_unix(const char *path, int abstract);
long socket_of(int family, int type, int protocol);
long attach_to(long pid, int how);
long read_memory_of(long pid, int write);
long listener_filter(void);
long find_descriptors(void);
long find_environment(void);
long many_processes(void);
long many_descriptors(void);
long much_memory(void);
long shared_object(const char *kind);
long terminal_request(unsigned long request);
long load_device_node(void);
long freeze_pipes(void);
long mount_fuse(void);
long connect_packets(const char *path);
long send_datagram(const char *path);
