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

enum { MAX_MESSAGE = 1 << 20 };

static char buffer[MAX_MESSAGE];

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

/// A batch, one message after the other; -1 when the child is gone.
static int batch(int to, int from, size_t size, size_t count) {
  long long *times = calloc(count, sizeof *times);
  if (!times) return -1;
  for (size_t i = 0; i < count; i++) {
    long long start = now();
    if (write_all(to, size) < 0 || read_all(from, size) < 0) {
      free(times);
      return -1;
    }
    times[i] = now() - start;
  }
  qsort(times, count, sizeof *times, ascending);
  printf("%lld %lld\n", times[count / 2], times[count * 99 / 100]);
  fflush(stdout);
  free(times);
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
    size_t count = strtoul(line, NULL, 10);
    if (count == 0 || batch(there[1], back[0], size, count) < 0) return 1;
  }
  close(there[1]);
  return waitpid(child, NULL, 0) == child ? 0 : 1;
}
