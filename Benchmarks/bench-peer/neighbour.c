// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "peer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// A plugin that greets like the one in plugin.c and then, at its first call, does its worst and never answers.

static void flood(void) {
  static char lines[1 << 16];
  size_t size = 0;
  const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"host.log\",\"params\":{\"level\":\"info\",\"message\":\"noise\"}}\n";
  while (size + sizeof line < sizeof lines) size += (size_t)snprintf(lines + size, sizeof lines - size, "%s", line);
  while (write(1, lines, size) > 0) {}
}

static void fork_on(void) {
  for (;;) {
    pid_t pid = fork();
    if (pid == 0) {
      for (volatile unsigned i = 0; i < 1000000; i++) {}
      _exit(0);
    }
    while (waitpid(-1, NULL, pid < 0 ? 0 : WNOHANG) > 0) {}
  }
}

static void hog(void) {
  for (;;) {
    pid_t pid = fork();
    if (pid == 0) {
      for (;;) {
        char *part = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (part == MAP_FAILED) _exit(1);
        memset(part, 1, 16 << 20); // until the group's limit kills this process
      }
    }
    if (pid > 0) waitpid(pid, NULL, 0);
  }
}

// The call names a directory from which there is no coming back.
static void hang(const char *line) {
  char path[512];
  const char *from = strstr(line, "\"path\":\"");
  if (!from || sscanf(from, "\"path\":\"%400[^\"]", path) != 1) return;
  strcat(path, "/file");
  open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

// Five hundred daemons that ignore what can be ignored.
static int crowd(void) {
  for (int number = 1; number < 32; number++) signal(number, SIG_IGN);
  for (int i = 0; i < 499; i++) {
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid == 0) {
      setsid();
      for (;;) pause();
    }
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}

int peer_neighbour(const char *kind) {
  static char line[1 << 16];
  if (strcmp(kind, "crowd") == 0) return crowd();
  while (fgets(line, sizeof line, stdin)) {
    if (strstr(line, "\"method\":\"initialize\"")) {
      if (peer_answer_line(line, strlen(line) - 1) < 0) return 1;
      continue;
    }
    if (!strstr(line, "\"method\":\"status\"")) continue;
    if (strcmp(kind, "flood") == 0) flood();
    if (strcmp(kind, "fork") == 0) fork_on();
    if (strcmp(kind, "hog") == 0) hog();
    if (strcmp(kind, "hang") == 0) hang(line);
  }
  return 0;
}
