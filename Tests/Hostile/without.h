// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Put in front of every source file of the launcher (cc -include) by the leave-one-layer-out test: the one layer that
// without_layers names is not set up though its step reports success. The launcher itself knows nothing of this; no
// option, variable or request makes the shipped program leave anything out.

#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <grp.h>

// Which layers this program goes without: a list of names between commas, ",seccomp,landlock,", which the test writes over
// this text in the built program.
static volatile char without_layers[512] = "@@ the layers that are left out @@";

static inline int without(const char *layer) {
  char name[64] = ",";
  strcat(strcat(name, layer), ",");
  return strstr((const char *)without_layers, name) != NULL;
}

static inline int without_setresuid(uid_t a, uid_t b, uid_t c) { return without("own-uid") ? 0 : setresuid(a, b, c); }
static inline int without_setresgid(gid_t a, gid_t b, gid_t c) { return without("own-uid") ? 0 : setresgid(a, b, c); }
static inline int without_setgroups(size_t n, const gid_t *g) { return without("own-uid") ? 0 : setgroups(n, g); }
static inline int without_sethostname(const char *name, size_t n) {
  return without("uts-namespace") ? 0 : sethostname(name, n); // would be the host's
}
static inline int without_setrlimit(__rlimit_resource_t which, const struct rlimit *value) {
  return without("resource-limits") ? 0 : setrlimit(which, value);
}
static inline int without_unshare(int flags) {
  if (without("network-namespace")) flags &= ~CLONE_NEWNET;
  if (without("ipc-namespace")) flags &= ~CLONE_NEWIPC;
  if (without("uts-namespace")) flags &= ~CLONE_NEWUTS;
  return without("cgroup-namespace") && flags == CLONE_NEWCGROUP ? 0 : unshare(flags);
}

static inline long without_prctl(int option, unsigned long a) {
  if (without("no-capabilities")) {
    if (option == PR_SET_SECUREBITS) return prctl(PR_SET_KEEPCAPS, 1ul, 0ul, 0ul, 0ul);
    if (option == PR_CAPBSET_DROP && a <= CAP_LAST_CAP) return 0;
    if (option == PR_CAP_AMBIENT && a == PR_CAP_AMBIENT_CLEAR_ALL) return 0;
  }
  if (without("no-new-privileges") && option == PR_SET_NO_NEW_PRIVS) return 0;
  if (without("write-xor-execute") && option == 65) return 0; // PR_SET_MDWE
  return prctl(option, a, 0ul, 0ul, 0ul);
}

// Everything that root had, through execve.
static inline long without_dropping(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct all[2];
  if (syscall(SYS_capget, &header, all) < 0) return -1;
  for (int i = 0; i < 2; i++) all[i].effective = all[i].inheritable = all[i].permitted;
  if (syscall(SYS_capset, &header, all) < 0) return -1;
  for (int i = 0; i <= CAP_LAST_CAP; i++) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)i, 0ul, 0ul);
  return 0;
}

// The host's own tree instead of what was built, with what was built (the bundle, the state) still in place.
static inline int show_host(int root) {
  static const char *const all[] = {"dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char path[16] = "/";
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, strcat(path, all[i]), 1u | O_CLOEXEC | 0x8000u); // CLONE, RECURSIVE
    if (tree < 0) continue;
    mkdirat(root, all[i], 0755);
    if (syscall(SYS_move_mount, tree, "", root, all[i], 4u) < 0) return -1;
    close(tree);
  }
  return 0;
}

static inline int without_fchdir(int fd) {
  if (without("mount-tree") && show_host(fd) < 0) return -1;
  return fchdir(fd);
}

static inline int without_openat(int directory, const char *path, int flags, mode_t mode) {
  static const char *const files[][2] = {
      {"memory-limit", "memory.limit_in_bytes"}, {"memory-limit", "memory.memsw.limit_in_bytes"},
      {"memory-limit", "memory.max"}, {"memory-limit", "memory.swap.max"}, {"process-limit", "pids.max"},
      {"cpu-limit", "cpu.max"}, {"cpu-limit", "cpu.cfs_quota_us"}, {"device-group", "devices.deny"}, {"group-joining", "tasks"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (strcmp(path, files[i][1]) == 0 && without(files[i][0])) return open("/dev/null", O_WRONLY | O_CLOEXEC);
  }
  return openat(directory, path, flags, mode);
}

static inline int without_open(const char *path, int flags, mode_t mode) {
  // The setting belongs to the pid namespace: without one of its own it would be the host's.
  if ((without("memfd-noexec") || without("pid-namespace")) && strcmp(path, "/proc/sys/vm/memfd_noexec") == 0) {
    errno = ENOENT;
    return -1;
  }
  return open(path, flags, mode);
}

static inline long without_syscall(long number, long a, long b, long c, long d, long e, long f) {
  switch (number) {
    case SYS_seccomp: if (without("seccomp")) return 0; break;
    case SYS_landlock_restrict_self: if (without("landlock")) return 0; break;
    case SYS_close_range:
      if (without("descriptor-closing")) return 0;
      // Only the plugin's: the reaper closes what would keep its start from being noticed.
      if (without("plugin-descriptor-closing") && !strstr(__BASE_FILE__, "reaper.c")) return 0;
      break;
    case SYS_move_mount: if (without("tmp-mount") && strcmp((const char *)d, "tmp") == 0) return 0; break;
    case SYS_capset: if (without("no-capabilities")) return without_dropping(); break;
    case SYS_clone3: {
      struct clone_args *arguments = (struct clone_args *)a;
      if (without("mount-namespace")) arguments->flags &= ~(uint64_t)CLONE_NEWNS; // to be run in one already
      if (without("pid-namespace")) arguments->flags &= ~(uint64_t)CLONE_NEWPID;
      if (without("network-namespace")) arguments->flags &= ~(uint64_t)CLONE_NEWNET;
      if (without("ipc-namespace")) arguments->flags &= ~(uint64_t)CLONE_NEWIPC;
      if (without("uts-namespace")) arguments->flags &= ~(uint64_t)CLONE_NEWUTS;
      break;
    }
    case SYS_mount_setattr: {
      struct mount_attr *attributes = (struct mount_attr *)d;
      if (without("read-only-mounts")) attributes->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
      if (without("noexec-mounts")) attributes->attr_set &= ~(uint64_t)MOUNT_ATTR_NOEXEC;
      if (without("nosuid-nodev-mounts")) attributes->attr_set &= ~(uint64_t)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
      break;
    }
    case SYS_fsmount:
      if (without("noexec-mounts")) c &= ~(long)MOUNT_ATTR_NOEXEC;
      if (without("nosuid-nodev-mounts")) c &= ~(long)(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
      break;
    default: break;
  }
  return syscall(number, a, b, c, d, e, f);
}

#define setresuid(a, b, c) without_setresuid(a, b, c)
#define setresgid(a, b, c) without_setresgid(a, b, c)
#define setgroups(n, g) without_setgroups(n, g)
#define sethostname(name, n) without_sethostname(name, n)
#define setrlimit(which, value) without_setrlimit(which, value)
#define unshare(flags) without_unshare(flags)
#define fchdir(fd) without_fchdir(fd)
#define prctl(option, a, ...) without_prctl((int)(option), (unsigned long)(a))
#define openat(directory, path, ...) WITHOUT_OPENAT(directory, path, __VA_ARGS__, 0, 0)
#define WITHOUT_OPENAT(directory, path, flags, mode, ...) without_openat(directory, path, flags, (mode_t)(mode))
#define open(path, ...) WITHOUT_OPEN(path, __VA_ARGS__, 0, 0)
#define WITHOUT_OPEN(path, flags, mode, ...) without_open(path, flags, (mode_t)(mode))
#define syscall(...) WITHOUT_SYSCALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define WITHOUT_SYSCALL(n, a, b, c, d, e, f, ...) \
  without_syscall((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
