// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The room in which `btrfs receive` reads a stranger's stream: a root of its own that holds the system's programs
// (read-only), the place to write to, and the base snapshot (read-only) at the path that the tool finds it by. Owners
// other than the directory's own and those of containers cannot be given, device nodes and file capabilities cannot be
// made, and nothing that changes mounts, namespaces, modules or other processes is called any more.

#include "broker.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

// User and group ids of containers, which are nobody's on the host.
enum { CONTAINERS = 100000, CONTAINER_COUNT = 500000 };

static _Noreturn void give_up(const char *what) {
  dprintf(2, "ERROR: %s: %s\n", what, strerror(errno));
  _exit(ROOM_FAILED);
}

static int clone_of(int directory, const char *path) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH);
  return (int)syscall(SYS_open_tree, directory, path, flags);
}

// Private above all: a copy of a shared mount is its peer, and what is mounted on the one appears on the other.
static void restrict_mount(int mount, uint64_t attributes, const char *what) {
  if (set_attributes(mount, attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, MS_PRIVATE, -1) < 0) give_up(what);
}

static void place(int mount, int root, const char *path) {
  if (syscall(SYS_move_mount, mount, "", root, path, MOVE_MOUNT_F_EMPTY_PATH) < 0) give_up(path);
}

static int make_root(void) {
  int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
      syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
      syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
    give_up("a root to receive in");
  }
  int root = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (root < 0) give_up("a root to receive in");
  close(fs);
  return root;
}

// Only the directory's owner and container ids exist here: to give a file to anybody else is an error.
static void map_owners(int mount, uint32_t uid, uint32_t gid) {
  char maps[2][96];
  const uint32_t owners[] = {uid, gid};
  for (int i = 0; i < 2; i++) {
    bool contained = owners[i] >= CONTAINERS && owners[i] < CONTAINERS + CONTAINER_COUNT;
    int size = snprintf(maps[i], sizeof maps[i], "%d %d %d\n", CONTAINERS, CONTAINERS, CONTAINER_COUNT);
    if (!contained) snprintf(maps[i] + size, sizeof maps[i] - (size_t)size, "%u %u 1\n", owners[i], owners[i]);
  }
  int namespace = open_mapping(maps[0], maps[1]);
  if (namespace < 0) give_up("mapping of owners");
  if (set_attributes(mount, 0, 0, namespace) < 0) give_up("mapping of owners");
  close(namespace);
}

static void enter(const struct room *room) {
  // Copies first: what is open belongs to the namespace that is left.
  static const char *const links[] = {"lib", "lib64", "bin", "sbin"};
  int usr = clone_of(AT_FDCWD, "/usr"), inside = clone_of(room->inside, ""), way = clone_of(room->stage, "m");
  // What is looked at only: the base, and what has arrived already.
  const char *const paths[] = {room->paths[0], room->paths[1], room->paths[2], room->own};
  int seen[4];
  for (int i = 0; i < 4; i++) {
    seen[i] = *paths[i] ? clone_of(i < 3 ? room->base : room->inside, "") : -1;
    if (*paths[i] && seen[i] < 0) give_up("copies of mounts");
  }
  if (usr < 0 || inside < 0 || way < 0) give_up("copies of mounts");
  restrict_mount(usr, MOUNT_ATTR_RDONLY, "/usr");
  restrict_mount(inside, MOUNT_ATTR_NOEXEC, "the place to receive in");
  restrict_mount(way, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, "the way to the base");
  for (int i = 0; i < 4; i++) {
    if (seen[i] >= 0) restrict_mount(seen[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, paths[i]);
  }
  map_owners(inside, room->uid, room->gid);
  if (unshare(CLONE_NEWNS) < 0) give_up("mount namespace");
  if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) give_up("private mounts");
  int root = make_root();
  static const char *const folders[] = {"usr", "t", "m"};
  for (int i = 0; i < 3; i++) {
    if (mkdirat(root, folders[i], 0755) < 0) give_up(folders[i]);
  }
  for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
    char target[16];
    snprintf(target, sizeof target, "usr/%s", links[i]);
    if (symlinkat(target, root, links[i]) < 0) give_up(links[i]);
  }
  if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/usr", MOVE_MOUNT_F_EMPTY_PATH) < 0) give_up("the root");
  place(usr, root, "usr");
  place(inside, root, "t");
  place(way, root, "m");
  for (int i = 0; i < 4; i++) {
    char path[4400];
    snprintf(path, sizeof path, "m/%s", paths[i]);
    if (seen[i] >= 0) place(seen[i], root, path);
  }
  if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
      syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) < 0 || chdir("/") < 0) {
    give_up("the root");
  }
}

// The directory's owner, with what the tool needs of root and no more, across the start of the program.
static void become_owner(const struct room *room) {
  static const int kept[] = {CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER, CAP_FSETID, CAP_SYS_CHROOT};
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(room->gid, room->gid, room->gid) < 0 ||
      setresuid(room->uid, room->uid, room->uid) < 0) {
    give_up("the directory's owner");
  }
  uint32_t mask = 0;
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) mask |= 1u << kept[i];
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{.effective = mask, .permitted = mask, .inheritable = mask}, {0}};
  if (syscall(SYS_capset, &header, sets) < 0) give_up("capabilities");
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) < 0) give_up("capabilities");
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) give_up("parent");
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(call) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "which architecture is this?"
#endif

// What CAP_SYS_ADMIN would open besides the file system's own requests, and what a taken-over tool would go on with.
static void refuse_calls(void) {
  struct sock_filter program[] = {
      LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), LOAD(nr),
      // Calls of the x32 table.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      REFUSE(mount), REFUSE(umount2), REFUSE(move_mount), REFUSE(open_tree), REFUSE(fsopen), REFUSE(fsmount),
      REFUSE(fspick), REFUSE(fsconfig), REFUSE(mount_setattr), REFUSE(pivot_root), REFUSE(setns), REFUSE(unshare),
      REFUSE(ptrace), REFUSE(bpf), REFUSE(init_module), REFUSE(finit_module), REFUSE(delete_module),
      REFUSE(kexec_load), REFUSE(reboot), REFUSE(swapon), REFUSE(swapoff), REFUSE(add_key), REFUSE(keyctl),
      REFUSE(request_key), REFUSE(perf_event_open), REFUSE(io_uring_setup), REFUSE(open_by_handle_at),
      REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(userfaultfd), REFUSE(quotactl), REFUSE(syslog),
      REFUSE(sethostname), REFUSE(setdomainname), REFUSE(socket), REFUSE(socketpair), REFUSE(memfd_create),
      REFUSE(pidfd_open), REFUSE(kill), REFUSE(tkill),
      // A new process is a copy of this one: no new namespaces.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3), LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7e020080, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) give_up("system call filter");
}

_Noreturn void receive_in(const struct room *room) {
  static const char *const argv[] = {"btrfs", "receive", "-m", "/m", "--chroot", "/t", NULL};
  enter(room);
  // Nothing of the worker's own is left to the tool: standard streams only, and it prints to the error stream.
  if (dup2(2, 1) < 0 || syscall(SYS_close_range, 3u, ~0u, 0) < 0) give_up("descriptors");
  umask(022);
  become_owner(room);
  refuse_calls();
  char *environment[] = {"PATH=/usr/sbin:/usr/bin", "LC_ALL=C", "HOME=/", NULL};
  execve(room->program, (char *const *)argv, environment);
  give_up(room->program);
}
