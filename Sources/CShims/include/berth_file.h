// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdint.h>
#include <sys/types.h>

enum berth_resolve {
  BERTH_RESOLVE_BENEATH = 1u << 0,     // nothing outside the directory, neither by ".." nor by a link
  BERTH_RESOLVE_IN_ROOT = 1u << 1,     // the directory is the root: absolute links start there
  BERTH_RESOLVE_NO_SYMLINKS = 1u << 2, // no symbolic link anywhere
  BERTH_RESOLVE_NO_XDEV = 1u << 3,     // no other mount
};

/// openat2(2): opens a path below a directory under those rules, close-on-exec.
int berth_openat2(int directory, const char *path, int flags, mode_t mode, uint32_t resolve);

/// Renames; with `exclusive` refuses (-EEXIST) to replace anything.
int berth_rename(int from_directory, const char *from, int to_directory, const char *to, int exclusive);

/// Swaps two names atomically.
int berth_rename_exchange(int left_directory, const char *left, int right_directory, const char *right);

/// Takes the flock(2) of an open file without waiting: -EWOULDBLOCK when someone holds it.
int berth_flock(int fd, int exclusive);

/// Releases it.
int berth_funlock(int fd);

/// An anonymous file in memory; `name` only shows in /proc.
int berth_memfd(const char *name);

/// Space of the filesystem a descriptor is on.
struct berth_space {
  uint64_t total;     // bytes
  uint64_t free;      // bytes, the reserve for root included
  uint64_t available; // bytes an ordinary user can still write
  uint64_t inodes;
  uint64_t free_inodes;
  uint64_t type;      // f_type: the filesystem's magic number
};

int berth_statfs(int fd, struct berth_space *space);
int berth_statfs_path(const char *path, struct berth_space *space);
