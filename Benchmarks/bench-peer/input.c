// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

// What the host does for an answer (PeerConfiguration.answerPolling) done for a request: whoever is called again and
// again looks for a moment before it sleeps, as long as not too much time goes that way in vain.

enum { SPIN_NS = 20000, BUDGET_NS = 10000000, SHARE = 16 };

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// As read(2); -1 with EAGAIN when nothing came.
static long spin(int fd, void *buffer, size_t room) {
  static long long budget = BUDGET_NS, budgeted;
  long long start = now();
  budget += (start - budgeted) / SHARE;
  if (budget > BUDGET_NS) budget = BUDGET_NS;
  budgeted = start;
  while (budget > 0) {
    ssize_t got = read(fd, buffer, room);
    if (got >= 0 || errno != EAGAIN) return got;
    long long spent = now() - start;
    if (spent < SPIN_NS) continue;
    budget -= spent;
    break;
  }
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
