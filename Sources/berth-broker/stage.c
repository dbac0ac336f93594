// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// The place that a btrfs stream is received in: a directory of root's beside the target, with `t`, a subvolume that
// takes what arrives, and `m`, empty directories that lead to the base snapshot by the path the tool will ask for.

#include "broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEEPEST = 64 };

int open_folder(int directory, const char *path) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int make_subvolume(int parent, const char *name) {
  struct btrfs_ioctl_vol_args args = {0};
  snprintf(args.name, sizeof args.name, "%s", name);
  if (ioctl(parent, BTRFS_IOC_SUBVOL_CREATE, &args) < 0) return -1;
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int destroy_subvolume(int parent, const char *name) {
  struct btrfs_ioctl_vol_args args = {0};
  if (snprintf(args.name, sizeof args.name, "%s", name) > 255) return errno = ENAMETOOLONG, -1;
  return ioctl(parent, BTRFS_IOC_SNAP_DESTROY, &args) < 0 && errno != ENOENT ? -1 : 0;
}

// Every subvolume in the subvolume `top`, the deepest first.
static int destroy_inside(int top, int depth) {
  if (depth > DEEPEST) return errno = ELOOP, -1;
  struct btrfs_ioctl_get_subvol_rootref_args refs = {0};
  for (bool more = true; more;) {
    int result = ioctl(top, BTRFS_IOC_GET_SUBVOL_ROOTREF, &refs);
    if (result < 0 && errno != EOVERFLOW) return -1;
    more = result < 0;
    for (unsigned i = 0; i < refs.num_items; i++) {
      struct btrfs_ioctl_ino_lookup_user_args lookup = {
          .dirid = refs.rootref[i].dirid, .treeid = refs.rootref[i].treeid};
      if (ioctl(top, BTRFS_IOC_INO_LOOKUP_USER, &lookup) < 0) continue; // gone in the meantime
      int parent = open_folder(top, *lookup.path ? lookup.path : ".");
      int inner = parent < 0 ? -1 : open_folder(parent, lookup.name);
      int bad = inner < 0 || destroy_inside(inner, depth + 1) < 0 || destroy_subvolume(parent, lookup.name) < 0;
      int error = errno;
      if (inner >= 0) close(inner);
      if (parent >= 0) close(parent);
      if (bad) return errno = error, -1;
    }
  }
  return 0;
}

// Directories and nothing else: they were made here.
static int remove_folders(int parent, const char *name, int depth) {
  if (depth > DEEPEST) return errno = ELOOP, -1;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? 0 : -1;
  DIR *directory = fdopendir(fd);
  if (!directory) return close(fd), -1;
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    result = remove_folders(fd, entry->d_name, depth + 1);
  }
  int error = errno;
  closedir(directory);
  if (result < 0) return errno = error, -1;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

int unstage(int parent, const char *name) {
  int stage = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (stage < 0) return errno == ENOENT ? 0 : -1;
  int result = 0;
  int inside = openat(stage, "t", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (inside >= 0) {
    result = destroy_inside(inside, 0);
    close(inside);
    if (result == 0) result = destroy_subvolume(stage, "t");
  } else if (errno != ENOENT) {
    result = -1;
  }
  if (result == 0) result = remove_folders(stage, "m", 0);
  int error = errno;
  close(stage);
  if (result < 0) return errno = error, -1;
  return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

// The empty directories `m`/path.
int make_folders(int stage, const char *path) {
  char copy[4096];
  if (snprintf(copy, sizeof copy, "m/%s", path) >= (int)sizeof copy) return errno = ENAMETOOLONG, -1;
  int depth = 0;
  for (char *slash = copy; (slash = strchr(slash, '/')); slash++) {
    *slash = 0;
    if (++depth >= DEEPEST) return errno = ELOOP, -1;
    if (mkdirat(stage, copy, 0700) < 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return copy[strlen(copy) - 1] == '/' || mkdirat(stage, copy, 0700) == 0 ? 0 : -1;
}
