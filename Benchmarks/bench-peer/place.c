// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int peer_place(const char *pid, bool one) {
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  // This process may itself have inherited one processor: the kernel cuts what does not exist.
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) CPU_SET(cpu, &wanted);
  if (sched_setaffinity(0, sizeof wanted, &wanted) < 0 || sched_getaffinity(0, sizeof wanted, &wanted) < 0) return 1;
  for (int cpu = 0; one && cpu < CPU_SETSIZE && CPU_COUNT(&wanted) > 1; cpu++) CPU_CLR(cpu, &wanted);
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *threads = opendir(path);
  if (!threads) return 1;
  for (struct dirent *entry; (entry = readdir(threads));) {
    // A thread that has ended meanwhile is no loss.
    pid_t thread = atoi(entry->d_name);
    if (thread > 0) sched_setaffinity(thread, sizeof wanted, &wanted);
  }
  closedir(threads);
  return 0;
}
