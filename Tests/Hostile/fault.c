// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// fault NUMBER ERRNO [INDEX:]ARGUMENT|- PROGRAM...   runs a program in which one system call fails (or, with errno 0,
// pretends to have succeeded, or, with -1, kills whoever makes it), optionally only with that argument (the first
// without an index).

#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  unsigned number = (unsigned)atoi(argv[1]), error = (unsigned)atoi(argv[2]);
  unsigned action = atoi(argv[2]) < 0 ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | error;
  int any = strcmp(argv[3], "-") == 0;
  const char *colon = strchr(argv[3], ':');
  unsigned index = colon ? (unsigned)atoi(argv[3]) : 0;
  unsigned argument = any ? 0 : (unsigned)strtoul(colon ? colon + 1 : argv[3], NULL, 0);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * index),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, any ? 0 : 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = 6, .filter = code};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) return 3;
  execv(argv[4], argv + 4);
  return 4;
}
