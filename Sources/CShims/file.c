// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// Beneath the directory and through no link, one component at a time: for services under systemd's RestrictSUIDSGID=,
// whose filter takes openat2 away (it cannot look into its arguments).
static int open_walking(int directory, const char *path, int flags, mode_t mode) {
  char copy[PATH_MAX];
  if (path[0] == '/') return -EXDEV;
  if (path[0] == 0) return -ENOENT;
  if (strlen(path) >= sizeof copy) return -ENAMETOOLONG;
  strcpy(copy, path);
  int at = fcntl(directory, F_DUPFD_CLOEXEC, 0);
  for (char *rest = NULL, *part = strtok_r(copy, "/", &rest); part && at >= 0; part = strtok_r(NULL, "/", &rest)) {
    while (*rest == '/') rest++;
    int next = -1, error = EXDEV;
    if (strcmp(part, "..") != 0) {
      int how = *rest ? O_PATH | O_NOFOLLOW | O_CLOEXEC : flags | O_NOFOLLOW | O_CLOEXEC;
      next = openat(at, part, how, mode);
      error = errno;
    }
    struct stat status;
    // With O_PATH a link itself is opened; as the next directory it would be followed no further, but say what it is.
    if (next >= 0 && fstat(next, &status) == 0 && S_ISLNK(status.st_mode)) {
      close(next);
      next = -1;
      error = ELOOP;
    }
    close(at);
    errno = error;
    at = next;
  }
  return at < 0 ? -errno : at;
}

int berth_openat2(int directory, const char *path, int flags, mode_t mode, uint32_t resolve) {
  struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = mode};
  if (resolve & BERTH_RESOLVE_BENEATH) how.resolve |= RESOLVE_BENEATH;
  if (resolve & BERTH_RESOLVE_IN_ROOT) how.resolve |= RESOLVE_IN_ROOT;
  if (resolve & BERTH_RESOLVE_NO_SYMLINKS) how.resolve |= RESOLVE_NO_SYMLINKS;
  if (resolve & BERTH_RESOLVE_NO_XDEV) how.resolve |= RESOLVE_NO_XDEV;
  long fd;
  do {
    fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0 && errno == ENOSYS && resolve == (BERTH_RESOLVE_BENEATH | BERTH_RESOLVE_NO_SYMLINKS)) {
    return open_walking(directory, path, flags, mode);
  }
  return fd < 0 ? -errno : (int)fd;
}

int berth_rename(int from_directory, const char *from, int to_directory, const char *to, int exclusive) {
  return renameat2(from_directory, from, to_directory, to, exclusive ? RENAME_NOREPLACE : 0) < 0 ? -errno : 0;
}

int berth_rename_exchange(int left_directory, const char *left, int right_directory, const char *right) {
  return renameat2(left_directory, left, right_directory, right, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int berth_flock(int fd, int exclusive) {
  int result;
  do {
    result = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

int berth_funlock(int fd) { return flock(fd, LOCK_UN) < 0 ? -errno : 0; }

int berth_memfd(const char *name) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int fill(int result, const struct statfs *from, struct berth_space *space) {
  if (result < 0) return -errno;
  uint64_t unit = (uint64_t)(from->f_frsize ? from->f_frsize : from->f_bsize);
  space->total = from->f_blocks * unit;
  space->free = from->f_bfree * unit;
  space->available = from->f_bavail * unit;
  space->inodes = from->f_files;
  space->free_inodes = from->f_ffree;
  space->type = (uint64_t)from->f_type;
  return 0;
}

int berth_statfs(int fd, struct berth_space *space) {
  struct statfs from;
  return fill(fstatfs(fd, &from), &from, space);
}

int berth_statfs_path(const char *path, struct berth_space *space) {
  struct statfs from;
  return fill(statfs(path, &from), &from, space);
}
