// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// Mounts. Where they appear is the host's choice alone; they are set up detached and restricted before anybody sees them.

#include "broker.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

enum {
  PROPAGATE_PRIVATE = 1 << 18, PROPAGATE_SHARED = 1 << 20, UNMOUNT_FORCE = 1, UNMOUNT_DETACH = 2,
  UNMOUNT_NOFOLLOW = 8,
};

int set_attributes(int mount, uint64_t set, uint64_t propagation, int user_namespace) {
  struct mount_attr attributes = {.attr_set = set, .propagation = propagation};
  if (user_namespace >= 0) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = (uint64_t)user_namespace;
  }
  return (int)syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

static void put(int mount, int target, const char *what) {
  unsigned how = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (syscall(SYS_move_mount, mount, "", target, "", how) < 0) fail("%s cannot be mounted", what);
}

static int make(const char *type, const char *size, unsigned attributes) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
      syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0711", 0) < 0 ||
      syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
    fail("%s", type);
  }
  int mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
  if (mount < 0) fail("%s", type);
  close(fs);
  return mount;
}

// Later mounts below `mounts` and nodes below `dev` appear in a running plugin, which holds slaves of the two.
void op_prepare(void) {
  int place = open_place();
  for (int i = 0; i < 2; i++) {
    const char *name = i ? "dev" : "mounts";
    if (mkdirat(place, name, 0711) < 0 && errno != EEXIST) fail("%s/%s", text(request.place), name);
    int directory = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) fail("%s/%s", text(request.place), name);
    if (is_mount_point(directory)) continue; // of an earlier daemon's life
    if (fchmod(directory, 0711) < 0) fail("%s/%s", text(request.place), name);
    int mount;
    if (i) {
      // A tmpfs of its own: the run directory's usually allows no devices.
      mount = make("tmpfs", "64k", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    } else {
      mount = (int)syscall(SYS_open_tree, directory, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
      if (mount < 0) fail("%s/%s", text(request.place), name);
      uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
      if (set_attributes(mount, attributes, PROPAGATE_PRIVATE, -1) < 0) fail("%s", name);
    }
    put(mount, directory, name);
    if (set_attributes(mount, 0, PROPAGATE_SHARED, -1) < 0) fail("%s cannot be shared", name);
  }
}

void op_dismiss(void) {
  int place = open_place();
  if (fchdir(place) < 0) fail("%s", text(request.place));
  const char *const names[] = {"mounts", "dev"};
  for (int i = 0; i < 2; i++) {
    // Twice mounted cannot happen; a loop would hide it.
    if (syscall(SYS_umount2, names[i], UNMOUNT_DETACH | UNMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT) {
      fail("%s/%s", text(request.place), names[i]);
    }
    if (unlinkat(place, names[i], AT_REMOVEDIR) < 0 && errno != ENOENT && errno != ENOTEMPTY) {
      fail("%s/%s", text(request.place), names[i]);
    }
  }
}

// Makes the empty directory that the host chose and opens it.
static int open_target(void) {
  const char *name = text(request.name);
  check_name(name, "name");
  int place = open_place();
  if (!is_mount_point(place)) fail_with(EINVAL, "%s is not prepared", text(request.place));
  if (mkdirat(place, name, 0711) < 0 && errno != EEXIST) fail("%s/%s", text(request.place), name);
  int target = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (target < 0) fail("%s/%s", text(request.place), name);
  if (is_mount_point(target)) fail_with(EBUSY, "%s/%s is mounted already", text(request.place), name);
  return target;
}

static int write_map(int pid, const char *file, const char *lines) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t size = strlen(lines);
  int result = write(fd, lines, size) == (ssize_t)size ? 0 : -1;
  close(fd);
  return result;
}

int open_mapping(const char *uids, const char *gids) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) < 0) return -1;
  int pid = (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
  if (pid == 0) {
    char byte;
    close(gate[1]);
    _exit(read(gate[0], &byte, 1) != 0);
  }
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  int namespace = -1;
  if (pid > 0 && write_map(pid, "uid_map", uids) == 0 && write_map(pid, "gid_map", gids) == 0) {
    namespace = open(path, O_RDONLY | O_CLOEXEC);
  }
  int error = errno;
  close(gate[0]);
  close(gate[1]);
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  errno = error;
  return namespace;
}

// The owner of the file system's root appears as the plugin; on the disk everything stays the owner's.
static void map_owner(int mount) {
  struct stat status;
  if (fstat(mount, &status) < 0) fail("the root of the file system");
  if (status.st_uid == request.uid) return;
  char uids[64], gids[64];
  snprintf(uids, sizeof uids, "%u %u 1\n", status.st_uid, request.uid);
  snprintf(gids, sizeof gids, "%u %u 1\n", status.st_gid, request.gid);
  int namespace = open_mapping(uids, gids);
  if (namespace < 0) fail("mapping of the owner");
  if (set_attributes(mount, 0, 0, namespace) < 0) fail("this file system cannot map its owner");
  close(namespace);
}

static unsigned mount_attributes(void) {
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (!(request.flags & BB_F_EXEC)) attributes |= MOUNT_ATTR_NOEXEC;
  if (request.flags & BB_F_READ_ONLY) attributes |= MOUNT_ATTR_RDONLY;
  return attributes;
}

// What the kernel said while it refused, without what it was given.
static _Noreturn void fail_mount(int fs, const char *what) {
  int error = errno;
  char message[200] = "";
  ssize_t size = read(fs, message, sizeof message - 1);
  if (size > 0) {
    message[size] = 0;
    for (char *c = message; *c; c++) {
      if (*c < 0x20 || *c == 0x7f) *c = ' ';
    }
  }
  bool secret = request.kind == BB_MOUNT_REMOTE && strcmp(text(request.type), "nfs") != 0;
  fail_with(error, "%s%s%s", what, size > 0 && !secret ? ": " : "", secret ? "" : message);
}

static int create(int fs) {
  if ((request.flags & BB_F_READ_ONLY) && syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) {
    fail_mount(fs, "read-only");
  }
  set_options(fs, text(request.type));
  if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) fail_mount(fs, "the file system was refused");
  int mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, mount_attributes());
  if (mount < 0) fail_mount(fs, "the mount was refused");
  return mount;
}

static int open_type(const char *type) {
  int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (fs < 0) fail("the kernel has no file system %s", type);
  return fs;
}

void op_mount_local(void) {
  const char *type = text(request.type);
  if (strcmp(type, "ext4") != 0 && strcmp(type, "xfs") != 0 && strcmp(type, "btrfs") != 0) {
    fail_with(EINVAL, "file system type");
  }
  if (request.flags & BB_F_MAP_OWNER) check_plugin();
  bool read_only = request.flags & BB_F_READ_ONLY;
  char path[BB_NODE];
  int device;
  if (*text(request.node)) {
    snprintf(path, sizeof path, "%s", text(request.node));
    device = open_block(path, request.major, request.minor, !read_only);
    check_mountable(device, path, request.major, request.minor);
    // A second mount of a mounted device would be the first one's file system.
    check_unused(path, request.major, request.minor);
  } else {
    check_name(text(request.label), "label");
    int file = open_image(request.root, request.path, !read_only);
    unsigned number; // the kernel frees it with the mount
    device = loop_attach(file, text(request.label), read_only, true, &number, path, sizeof path);
  }
  int target = open_target();
  int fs = open_type(type);
  if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", path, 0) < 0) fail_mount(fs, path);
  int mount = create(fs);
  close(device);
  if (request.flags & BB_F_MAP_OWNER) map_owner(mount);
  put(mount, target, text(request.name));
}

void op_mount_remote(void) {
  const char *type = text(request.type), *source = text(request.source);
  if (strcmp(type, "nfs") != 0 && strcmp(type, "cifs") != 0 && strcmp(type, "ceph") != 0) {
    fail_with(EINVAL, "file system type");
  }
  check_plain(source, "._-:/[]@=%+~,", 1024, "source");
  if (strcmp(type, "ceph") != 0 && strchr(source, ',')) fail_with(EINVAL, "source: ','");
  int target = open_target();
  int fs = open_type(type);
  if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0) fail_mount(fs, "source");
  int mount = create(fs);
  put(mount, target, text(request.name));
}

void op_unmount(void) {
  const char *name = text(request.name);
  check_name(name, "name");
  int place = open_place();
  if (fchdir(place) < 0) fail("%s", text(request.place));
  int flags = UNMOUNT_NOFOLLOW | (request.flags & BB_F_FORCE ? UNMOUNT_FORCE | UNMOUNT_DETACH : 0);
  if (syscall(SYS_umount2, name, flags) < 0 && errno != EINVAL && errno != ENOENT) fail("%s/%s", text(request.place), name);
  if (unlinkat(place, name, AT_REMOVEDIR) < 0 && errno != ENOENT) fail("%s/%s", text(request.place), name);
}
