// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int make_parents(const char *path, mode_t mode) {
  char copy[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof copy) return -ENAMETOOLONG;
  memcpy(copy, path, length + 1);
  for (char *slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = 0;
    if (mkdir(copy, mode) < 0 && errno != EEXIST) return -errno;
    *slash = '/';
  }
  if (mkdir(copy, mode) < 0 && errno != EEXIST) return -errno;
  return 0;
}

int berth_durable_open_directory(const char *path, mode_t mode, const char **step) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (step) *step = "open";
  int fd = open(path, flags);
  if (fd >= 0 || errno != ENOENT) return fd >= 0 ? fd : -errno;
  if (step) *step = "make";
  int made = make_parents(path, mode);
  if (made < 0) return made;
  if (step) *step = "open";
  fd = open(path, flags);
  return fd >= 0 ? fd : -errno;
}

int berth_durable_lock(int directory, const char *name, mode_t mode, int wait_ms) {
  int fd = openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return -errno;
  struct timespec pause = {0, 10 * 1000 * 1000};
  for (;;) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    int error = errno;
    if (error == EINTR) continue;
    if (error != EWOULDBLOCK || wait_ms <= 0) {
      close(fd);
      return -error;
    }
    nanosleep(&pause, NULL);
    wait_ms -= 10;
  }
}

ssize_t berth_durable_read(int directory, const char *name, void *buffer, size_t capacity) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return -errno;
  struct stat status;
  ssize_t result = 0;
  if (fstat(fd, &status) < 0) {
    result = -errno;
  } else if (!S_ISREG(status.st_mode)) {
    result = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
  } else {
    size_t count = 0;
    while (count < capacity) {
      ssize_t got = read(fd, (char *)buffer + count, capacity - count);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        result = -errno;
        break;
      }
      if (got == 0) break;
      count += (size_t)got;
    }
    if (result == 0) result = (ssize_t)count;
  }
  close(fd);
  return result;
}

static int write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t put = write(fd, bytes, count);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -errno;
    bytes += put;
    count -= (size_t)put;
  }
  return 0;
}

int berth_durable_replace(
    int directory, const char *name, const void *bytes, size_t count, mode_t mode, const char **step) {
  static atomic_uint serial;
  char temporary[NAME_MAX + 1];
  // The name is the process's and the call's own: what an earlier crash left behind is in nobody's way, and two writers
  // in one directory never meet in one temporary file.
  int length = snprintf(
      temporary, sizeof temporary, ".%.180s.%ld.%u.tmp", name, (long)getpid(), atomic_fetch_add(&serial, 1));
  if (length < 0 || (size_t)length >= sizeof temporary) return -ENAMETOOLONG;

  const char *ignored;
  if (!step) step = &ignored;
  *step = "create a temporary file for";
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  int fd = openat(directory, temporary, flags, mode);
  if (fd < 0 && errno == EEXIST) {
    // An earlier process with this number died before its rename.
    if (unlinkat(directory, temporary, 0) < 0) return -errno;
    fd = openat(directory, temporary, flags, mode);
  }
  if (fd < 0) return -errno;

  int result = 0;
  *step = "write";
  result = write_all(fd, bytes, count);
  if (result == 0) {
    *step = "set the mode of";
    if (fchmod(fd, mode) < 0) result = -errno;
  }
  if (result == 0) {
    *step = "sync";
    if (fsync(fd) < 0) result = -errno;
  }
  if (close(fd) < 0 && result == 0) {
    *step = "close";
    result = -errno;
  }
  if (result == 0) {
    *step = "rename the new version of";
    if (renameat(directory, temporary, directory, name) < 0) result = -errno;
  }
  if (result < 0) {
    unlinkat(directory, temporary, 0);
    return result;
  }
  *step = "sync directory of";
  return fsync(directory) < 0 ? -errno : 0;
}

int berth_durable_remove(int directory, const char *name) {
  if (unlinkat(directory, name, 0) < 0) return errno == ENOENT ? 0 : -errno;
  return fsync(directory) < 0 ? -errno : 0;
}

int berth_durable_note(int fd, const void *bytes, size_t count) {
  if (ftruncate(fd, 0) < 0) return -errno;
  ssize_t put = pwrite(fd, bytes, count, 0);
  return put < 0 ? -errno : 0;
}

int berth_durable_close(int fd) { return close(fd) < 0 ? -errno : 0; }
