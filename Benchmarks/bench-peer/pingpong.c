// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MESSAGE = 1 << 20, MOST_TIMES = 1 << 21, MOST_MS = 60000 };

static char buffer[MAX_MESSAGE];
static long long times[MOST_TIMES];

static int read_all(int fd, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t got = read(fd, buffer + done, count - done);
    if (got <= 0) return -1;
    done += (size_t)got;
  }
  return 0;
}

static int write_all(int fd, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t put = write(fd, buffer + done, count - done);
    if (put <= 0) return -1;
    done += (size_t)put;
  }
  return 0;
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int ascending(const void *left, const void *right) {
  long long a = *(const long long *)left, b = *(const long long *)right;
  return (a > b) - (a < b);
}

/// A batch of so many ms, one message after the other; -1 when the child is gone.
static int batch(int to, int from, size_t size, unsigned long milliseconds) {
  size_t count = 0;
  long long start = now(), end = start + (long long)milliseconds * 1000000;
  while (start < end && count < MOST_TIMES) {
    if (write_all(to, size) < 0 || read_all(from, size) < 0) return -1;
    long long time = now();
    times[count++] = time - start;
    start = time;
  }
  qsort(times, count, sizeof *times, ascending);
  printf("%lld %lld\n", times[count / 2], times[count * 99 / 100]);
  fflush(stdout);
  return 0;
}

int peer_pingpong(size_t size) {
  int there[2], back[2];
  if (size == 0 || size > MAX_MESSAGE || pipe(there) < 0 || pipe(back) < 0) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    close(there[1]);
    close(back[0]);
    while (read_all(there[0], size) == 0 && write_all(back[1], size) == 0) {}
    _exit(0);
  }
  close(there[0]);
  close(back[1]);
  memset(buffer, 'x', size);
  char line[32];
  while (fgets(line, sizeof line, stdin)) {
    unsigned long milliseconds = strtoul(line, NULL, 10);
    if (milliseconds == 0 || milliseconds > MOST_MS || batch(there[1], back[0], size, milliseconds) < 0) return 1;
  }
  close(there[1]);
  return waitpid(child, NULL, 0) == child ? 0 : 1;
}
