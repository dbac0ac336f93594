// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES = 4096 };

static struct process {
  pid_t pid, parent;
} processes[PROCESSES];
static size_t count;

/// Lists the processes of the machine but this one; -1 when that is not possible.
static int list(void) {
  DIR *all = opendir("/proc");
  if (!all) return -1;
  for (struct dirent *entry; count < PROCESSES && (entry = readdir(all));) {
    pid_t pid = atoi(entry->d_name), parent;
    char path[300], state;
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE *status = pid > 0 && pid != getpid() ? fopen(path, "r") : NULL;
    if (!status) continue;
    if (fscanf(status, "%*d (%*[^)]) %c %d", &state, &parent) == 2) processes[count++] = (struct process){pid, parent};
    fclose(status);
  }
  closedir(all);
  return 0;
}

static const struct process *find(pid_t pid) {
  for (size_t i = 0; i < count; i++) {
    if (processes[i].pid == pid) return &processes[i];
  }
  return NULL;
}

static int is_below(pid_t pid, pid_t ancestor) {
  for (const struct process *at = find(pid); at; at = find(at->parent)) {
    if (at->parent == ancestor) return 1;
  }
  return 0;
}

static int has_child(pid_t pid) {
  for (size_t i = 0; i < count; i++) {
    if (processes[i].parent == pid) return 1;
  }
  return 0;
}

/// Every thread of a process; one that has ended meanwhile is no loss.
static int place(pid_t pid, const cpu_set_t *wanted) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  if (!threads) return -1;
  for (struct dirent *entry; (entry = readdir(threads));) {
    pid_t thread = atoi(entry->d_name);
    if (thread > 0) sched_setaffinity(thread, sizeof *wanted, wanted);
  }
  closedir(threads);
  return 0;
}

int peer_place(const char *how, const char *whose) {
  pid_t pid = atoi(whose);
  cpu_set_t all, last, rest;
  CPU_ZERO(&all);
  // This process may itself have inherited one processor: the kernel cuts what does not exist.
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) CPU_SET(cpu, &all);
  if (sched_setaffinity(0, sizeof all, &all) < 0 || sched_getaffinity(0, sizeof all, &all) < 0) return 1;
  last = all;
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&last) > 1; cpu++) CPU_CLR(cpu, &last);
  CPU_XOR(&rest, &all, &last);
  if (strcmp(how, "one") == 0) return place(pid, &last) < 0;
  if (strcmp(how, "all") == 0) {
    if (list() < 0 || place(pid, &all) < 0) return 1;
    for (size_t i = 0; i < count; i++) {
      if (is_below(processes[i].pid, pid)) place(processes[i].pid, &all);
    }
    return 0;
  }
  // Apart: the process on all processors but the last, which is for whoever below it has no children, the plugins.
  if (CPU_COUNT(&all) < 2 || list() < 0 || place(pid, &rest) < 0) return 1;
  for (size_t i = 0; i < count; i++) {
    if (is_below(processes[i].pid, pid)) place(processes[i].pid, has_child(processes[i].pid) ? &rest : &last);
  }
  return 0;
}
