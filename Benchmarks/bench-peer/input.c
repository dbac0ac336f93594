// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

// What the host does for an answer (PeerConfiguration.answerPolling) done for a request: whoever is called again and
// again looks for a moment before it sleeps, unless that has been of no use.

enum { SPIN_NS = 20000 };

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// As read(2); -1 with EAGAIN when nothing came.
static long spin(int fd, void *buffer, size_t room) {
  static int misses, skips;
  if (skips > 0) {
    skips--;
    errno = EAGAIN;
    return -1;
  }
  for (long long end = now() + SPIN_NS;;) {
    ssize_t got = read(fd, buffer, room);
    if (got >= 0 || errno != EAGAIN) {
      misses = 0;
      return got;
    }
    if (now() >= end) break;
  }
  misses = misses < 6 ? misses + 1 : 6;
  skips = (1 << misses) - 1;
  errno = EAGAIN;
  return -1;
}

long input_read(int fd, void *buffer, size_t room, bool polls) {
  for (;;) {
    ssize_t got = polls ? spin(fd, buffer, room) : read(fd, buffer, room);
    if (got >= 0 || !polls || errno != EAGAIN) return got;
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    if (poll(&wanted, 1, -1) < 0 && errno != EINTR) return -1;
    got = read(fd, buffer, room);
    if (got >= 0 || errno != EAGAIN) return got;
  }
}
