// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int berth_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int berth_set_nonblocking(int fd, int nonblocking) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return wanted != flags && fcntl(fd, F_SETFL, wanted) < 0 ? -errno : 0;
}

int berth_pipe_size(int fd) {
  int size = fcntl(fd, F_GETPIPE_SZ);
  return size < 0 ? -errno : size;
}

int berth_pipe_set_size(int fd, int bytes) {
  int size = fcntl(fd, F_SETPIPE_SZ, bytes);
  return size < 0 ? -errno : size;
}

ssize_t berth_splice(int from, int to, size_t count, int nonblocking) {
  ssize_t moved;
  do {
    moved = splice(from, NULL, to, NULL, count, SPLICE_F_MOVE | (nonblocking ? SPLICE_F_NONBLOCK : 0));
  } while (moved < 0 && errno == EINTR);
  return moved < 0 ? -errno : moved;
}

ssize_t berth_read(int fd, void *buffer, size_t count) {
  ssize_t got;
  do {
    got = read(fd, buffer, count);
  } while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

ssize_t berth_write(int fd, const void *buffer, size_t count) {
  ssize_t put;
  do {
    put = write(fd, buffer, count);
  } while (put < 0 && errno == EINTR);
  return put < 0 ? -errno : put;
}
