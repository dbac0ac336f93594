// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// btrfs subvolumes, by the file system's own requests on directories that were walked to by descriptor.

#include "broker.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

void check_btrfs(int fd) {
  struct statfs info;
  if (fstatfs(fd, &info) < 0) fail("file system");
  if (info.f_type != BTRFS_SUPER_MAGIC) fail_with(ENOTSUP, "%s is not on btrfs", text(request.root));
}

static void check_subvolume(int fd) {
  check_btrfs(fd);
  struct stat status;
  if (fstat(fd, &status) < 0) fail("subvolume");
  if (status.st_ino != BTRFS_FIRST_FREE_OBJECTID) fail_with(ENOTDIR, "%s is no subvolume", text(request.path));
}

int open_subvolume(uint32_t root, uint32_t path) {
  if (!*text(path)) fail_with(EINVAL, "path");
  int fd = open_beneath(root, path, O_RDONLY | O_DIRECTORY);
  check_subvolume(fd);
  return fd;
}

static void describe(int fd) {
  struct btrfs_ioctl_get_subvol_info_args info = {0};
  if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0) fail("subvolume");
  reply.id = info.treeid;
  reply.generation = info.generation;
  reply.number = info.flags & BTRFS_ROOT_SUBVOL_RDONLY ? 1 : 0;
  memcpy(reply.uuid, info.uuid, 16);
  memcpy(reply.parent, info.parent_uuid, 16);
}

static int open_made(int parent, const char *name) {
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) fail("%s", name);
  return fd;
}

static void create(void) {
  char name[256];
  int parent = open_parent(request.root, request.path, name);
  check_btrfs(parent);
  struct btrfs_ioctl_vol_args args = {0};
  memcpy(args.name, name, sizeof name);
  if (ioctl(parent, BTRFS_IOC_SUBVOL_CREATE, &args) < 0) fail("%s", name);
  int made = open_made(parent, name);
  struct stat owner;
  if (fstat(parent, &owner) < 0 || fchown(made, owner.st_uid, owner.st_gid) < 0) fail("%s: owner", name);
  if (fchmod(made, 0755) < 0) fail("%s: mode", name);
  describe(made);
}

static void snapshot(void) {
  char name[256];
  int source = open_subvolume(request.root, request.path);
  int parent = open_parent(request.root2, request.path2, name);
  check_btrfs(parent);
  struct btrfs_ioctl_vol_args_v2 args = {.fd = source};
  if (request.flags & BB_F_READ_ONLY) args.flags |= BTRFS_SUBVOL_RDONLY;
  memcpy(args.name, name, sizeof name);
  if (ioctl(parent, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0) fail("%s", name);
  describe(open_made(parent, name));
}

static void delete(void) {
  char name[256];
  int parent = open_parent(request.root, request.path, name);
  check_btrfs(parent);
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return;
  if (fd < 0) fail("%s", name);
  check_subvolume(fd);
  close(fd);
  struct btrfs_ioctl_vol_args args = {0};
  memcpy(args.name, name, sizeof name);
  if (ioctl(parent, BTRFS_IOC_SNAP_DESTROY, &args) < 0 && errno != ENOENT) fail("%s", name);
}

static void set_read_only(void) {
  int fd = open_subvolume(request.root, request.path);
  uint64_t flags;
  if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0) fail("%s", text(request.path));
  uint64_t wanted = request.flags & BB_F_READ_ONLY ? flags | BTRFS_SUBVOL_RDONLY : flags & ~BTRFS_SUBVOL_RDONLY;
  if (wanted != flags && ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &wanted) < 0) fail("%s", text(request.path));
}

void print_subvolume(int fd, const char *path) {
  struct btrfs_ioctl_get_subvol_info_args info = {0};
  if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0) fail("subvolume");
  struct bb_subvolume record = {
      .id = info.treeid, .generation = info.generation, .read_only = info.flags & BTRFS_ROOT_SUBVOL_RDONLY ? 1 : 0,
      .path_size = (uint32_t)strlen(path)};
  memcpy(record.uuid, info.uuid, 16);
  memcpy(record.parent, info.parent_uuid, 16);
  char message[sizeof record + 4096];
  memcpy(message, &record, sizeof record);
  memcpy(message + sizeof record, path, record.path_size);
  size_t size = sizeof record + record.path_size;
  for (size_t sent = 0; sent < size;) {
    ssize_t wrote = write(1, message + sent, size - sent);
    if (wrote < 0) fail("output");
    sent += (size_t)wrote;
  }
}

// Everything below `base`, which is `path` below the directory asked about.
static void list_below(int base, const char *path, int depth) {
  if (depth > 16) return;
  struct btrfs_ioctl_get_subvol_rootref_args refs = {0};
  for (;;) {
    int result = ioctl(base, BTRFS_IOC_GET_SUBVOL_ROOTREF, &refs);
    if (result < 0 && errno != EOVERFLOW) fail("%s", path);
    bool more = result < 0;
    for (unsigned i = 0; i < refs.num_items; i++) {
      struct btrfs_ioctl_ino_lookup_user_args lookup = {
          .dirid = refs.rootref[i].dirid, .treeid = refs.rootref[i].treeid};
      // One that lies in another part of the subvolume is not below this directory.
      if (ioctl(base, BTRFS_IOC_INO_LOOKUP_USER, &lookup) < 0) continue;
      char relative[4096], full[4096];
      snprintf(relative, sizeof relative, "%s%s", lookup.path, lookup.name);
      if (snprintf(full, sizeof full, "%s%s%s", path, *path ? "/" : "", relative) >= (int)sizeof full) continue;
      struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                             .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
      int fd = (int)syscall(SYS_openat2, base, relative, &how, sizeof how);
      if (fd < 0) continue; // removed in the meantime
      print_subvolume(fd, full);
      list_below(fd, full, depth + 1);
      close(fd);
    }
    if (!more) return;
  }
}

// What a receive that was killed left beside its target.
static void remove_stage(void) {
  char target[256], name[160];
  check_name(text(request.name), "name");
  // Not mounted now: to be tried again later.
  int root = open_beneath(request.root, 0, O_RDONLY | O_DIRECTORY);
  check_btrfs(root);
  close(root);
  snprintf(name, sizeof name, ".berth-%s", text(request.name));
  if (unstage(open_parent(request.root, request.path, target), name) < 0) fail("%s", name);
}

void op_btrfs(void) {
  switch ((enum bb_btrfs)request.verb) {
    case BB_BTRFS_CREATE: create(); break;
    case BB_BTRFS_SNAPSHOT: snapshot(); break;
    case BB_BTRFS_DELETE: delete(); break;
    case BB_BTRFS_LIST: {
      int base = open_beneath(request.root, request.path, O_RDONLY | O_DIRECTORY);
      check_btrfs(base);
      list_below(base, "", 0);
      break;
    }
    case BB_BTRFS_SET: set_read_only(); break;
    case BB_BTRFS_UNSTAGE: remove_stage(); break;
    case BB_BTRFS_COUNT: default: fail_with(EINVAL, "btrfs operation");
  }
}
