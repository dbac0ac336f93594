// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// nth LOG NUMBER N ERRNO PROGRAM...   runs a launcher in which the N-th call of that system call, counted over all of its
// processes until the plugin begins, gives that errno. What was failed is written to LOG; with NUMBER -1 nothing fails
// and every call made is written there: its number, its first two arguments and, where it has one, the path it names.
// The tracer is no relative of the program: whoever starts this finds the program in its place.

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDS = 1 << 22 };
static long number;
static int nth, failure, record;
static int counted;
static pid_t program;
static char failing[PIDS]; // by pid: this call is to fail
static int started;        // the program itself runs
static FILE *record_file;

static long peek(pid_t pid, struct __ptrace_syscall_info *info) {
  return ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, pid, sizeof *info, info);
}

static void skip_call(pid_t pid) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1l);
#else
  int none = -1;
  struct iovec part = {&none, sizeof none};
  ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
#endif
}

static void give_result(pid_t pid, long value) {
#if defined(__x86_64__)
  ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), value);
#else
  struct user_regs_struct regs;
  struct iovec part = {&regs, sizeof regs};
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
  regs.regs[0] = (unsigned long long)value;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
#endif
}

// The argument that is a path, -1 where there is none.
static int path_argument(long call) {
  switch (call) {
#ifdef SYS_open
    case SYS_open: case SYS_access: return 0;
#endif
    case SYS_execve: return 0;
    case SYS_openat: case SYS_openat2: case SYS_mkdirat: case SYS_mknodat: case SYS_unlinkat: case SYS_faccessat:
    case SYS_newfstatat: case SYS_readlinkat: return 1;
    default: return -1;
  }
}

// Calls that show which file their first argument is.
static int works_on_file(long call) {
  return call == SYS_read || call == SYS_write || call == SYS_fstat || call == SYS_fstatfs;
}

static void describe(pid_t pid, const struct __ptrace_syscall_info *info) {
  char path[256] = "";
  int argument = path_argument((long)info->entry.nr);
  if (argument >= 0) {
    struct iovec here = {path, sizeof path - 1}, there = {(void *)info->entry.args[argument], sizeof path - 1};
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) < 0) strcpy(path, "?");
  } else if (works_on_file((long)info->entry.nr)) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, (int)info->entry.args[0]);
    if (readlink(link, path, sizeof path - 1) < 0) path[0] = 0;
  }
  fprintf(record_file, "%lld %lld %lld %s\n", (long long)info->entry.nr, (long long)info->entry.args[0],
          (long long)info->entry.args[1], path);
  fflush(record_file);
}

// Whether the process goes on being traced.
static int at_call(pid_t pid) {
  struct __ptrace_syscall_info info;
  if (peek(pid, &info) <= 0) return 1;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY && started) {
#ifdef SYS_poll
    if (info.entry.nr == SYS_poll && info.entry.args[1] == 2) return 0; // the reaper has begun its work
#else
    if (info.entry.nr == SYS_ppoll && info.entry.args[1] == 2) return 0;
#endif
    if (record) {
      describe(pid, &info);
    } else if ((long)info.entry.nr == number && ++counted == nth) {
      describe(pid, &info);
      skip_call(pid);
      failing[pid] = 1;
    }
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing[pid]) {
    failing[pid] = 0;
    give_result(pid, -failure);
  }
  return 1;
}

// Whoever stands before it, such as setpriv, is not what is looked at.
static int is_launcher(pid_t pid) {
  char name[64], path[4096] = "";
  snprintf(name, sizeof name, "/proc/%d/exe", pid);
  return readlink(name, path, sizeof path - 1) > 0 && strstr(path, "/berth-launcher") != NULL;
}

static void trace(void) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) _exit(0);
    if (!WIFSTOPPED(status)) continue;
    int signal = WSTOPSIG(status), event = status >> 16, on = 1, pass = 0;
    if (signal == (SIGTRAP | 0x80)) {
      on = at_call(pid);
    } else if (event == PTRACE_EVENT_EXEC) {
      if (pid == program) started = is_launcher(pid); else on = 0; // the plugin begins
    } else if (event == 0) {
      pass = signal;
    }
    ptrace(on ? PTRACE_SYSCALL : PTRACE_DETACH, pid, 0l, (long)pass);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  number = atol(argv[2]);
  nth = atoi(argv[3]);
  failure = atoi(argv[4]);
  record = number < 0;
  program = getpid();
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) < 0) return 3;
  pid_t between = fork();
  if (between == 0) {
    if (fork() > 0) _exit(0);
    setsid();
    record_file = fopen(argv[1], "we");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC;
    if (!record_file || ptrace(PTRACE_SEIZE, program, 0l, options) < 0) _exit(4);
    ptrace(PTRACE_INTERRUPT, program, 0l, 0l);
    int kept = fileno(record_file), go = ready[1];
    for (int fd = 0; fd < 64; fd++) {
      if (fd != kept && fd != go) close(fd);
    }
    if (write(go, "", 1) != 1) _exit(4);
    close(go);
    trace();
  }
  close(ready[1]);
  waitpid(between, NULL, 0);
  char byte;
  if (read(ready[0], &byte, 1) != 1) return 4;
  execv(argv[5], argv + 5);
  return 5;
}
