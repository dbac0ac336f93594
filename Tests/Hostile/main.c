// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// hostile TARGETS inside|outside [NAME|together]
//   runs every attempt, or that one, in a process of its own and prints one line each:
//     NAME THREAT ESCAPED|BLOCKED|INCONCLUSIVE|APART always|stock|nowhere detail
//   with the machines on which it must succeed outside. `together` leaves out (APART) what uses something up, T17 to T21:
//   after a fork bomb or a full disk another attempt might be refused for want of a process or a block, and not by a
//   layer. Those are run by name, each in a sandbox of its own.
// hostile --euid                   exits 0 when it gained root (for planted set-uid copies)

#include "hostile.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ESCAPED = 0, INCONCLUSIVE = 255, SECONDS = 10 };
static char targets[64][2][256];
static int target_count;

const char *target(const char *name) {
  for (int i = 0; i < target_count; i++) {
    if (strcmp(targets[i][0], name) == 0) return targets[i][1];
  }
  fprintf(stderr, "hostile: no target called %s\n", name);
  exit(2);
}

long target_number(const char *name) { return strtol(target(name), NULL, 10); }

long refused(int error) {
  errno = error;
  return -1;
}

static void read_targets(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) exit(2);
  while (target_count < 64 && fscanf(file, " %255[^=]=%255[^\n]", targets[target_count][0], targets[target_count][1]) == 2) {
    target_count++;
  }
  fclose(file);
}

static int is_refusal(int error, int flags) {
  switch (error) {
    case EPERM: case EACCES: case ENOSYS: case EROFS: return 1;
    case ENOENT: return !!(flags & (PATH_ABSENT | NO_OBJECT));
    case ENOTDIR: return !!(flags & PATH_ABSENT);
    case ESRCH: return !!(flags & NO_PROCESS);
    case ENXIO: case ENOTTY: return !!(flags & NO_OBJECT);
    case ENETUNREACH: case ECONNREFUSED: case EADDRNOTAVAIL: case EAFNOSUPPORT: return !!(flags & NO_NETWORK);
    case EAGAIN: case ENOMEM: case ENOSPC: case EMFILE: case EFBIG: case EDQUOT: return !!(flags & LIMITED);
    case EOVERFLOW: case EINVAL: return !!(flags & UNMAPPED);
    default: return 0;
  }
}

// The exit status of one attempt's process: 0 escaped, 1–254 the refusing errno, 255 neither.
static int judge(const struct attempt *attempt, int outside) {
  if (outside && (attempt->flags & UNPRIVILEGED)) {
    if (setgroups(0, NULL) < 0 || setresgid(65533, 65533, 65533) < 0 || setresuid(65533, 65533, 65533) < 0) return INCONCLUSIVE;
  }
  errno = 0;
  long result = attempt->run();
  if (result >= 0) return ESCAPED;
  if (is_refusal(errno, attempt->flags)) return errno;
  return attempt->flags & REACH ? ESCAPED : INCONCLUSIVE;
}

static void tell(const struct attempt *attempt, const char *verdict, const char *detail) {
  const char *where = attempt->flags & NOWHERE ? "nowhere" : attempt->flags & STOCK ? "stock" : "always";
  printf("%s %s %s %s %s\n", attempt->name, attempt->threat, verdict, where, detail);
}

static void report(const struct attempt *attempt, int outside) {
  fflush(stdout);
  int errors[2];
  if (pipe(errors) < 0) exit(2);
  pid_t pid = fork();
  if (pid < 0) {
    tell(attempt, "INCONCLUSIVE", strerrorname_np(errno));
    return;
  }
  if (pid == 0) {
    // Whatever an attempt or its children print must not look like a result.
    int null = open("/dev/null", O_RDWR);
    dup2(null, 1);
    close(null);
    close(errors[0]);
    alarm(SECONDS);
    int verdict = judge(attempt, outside);
    if (verdict == INCONCLUSIVE) dprintf(errors[1], "%s", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
    _exit(verdict);
  }
  close(errors[1]);
  int status = 0;
  char text[32] = "";
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (read(errors[0], text, sizeof text - 1) < 0) text[0] = 0;
  close(errors[0]);
  const char *verdict = "BLOCKED", *detail = text;
  if (WIFSIGNALED(status)) {
    detail = sigabbrev_np(WTERMSIG(status));
    if (WTERMSIG(status) != SIGSYS && !(WTERMSIG(status) == SIGKILL && (attempt->flags & LIMITED))) verdict = "INCONCLUSIVE";
  } else if (WEXITSTATUS(status) == ESCAPED) {
    verdict = "ESCAPED";
  } else if (WEXITSTATUS(status) == INCONCLUSIVE) {
    verdict = "INCONCLUSIVE";
  } else {
    detail = strerrorname_np(WEXITSTATUS(status));
  }
  tell(attempt, verdict, detail);
}

static int uses_up(const struct attempt *attempt) {
  long threat = strtol(attempt->threat + 1, NULL, 10);
  return threat >= 17 && threat <= 21;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--euid") == 0) return geteuid() == 0 ? 0 : EPERM;
  if (argc == 2 && strcmp(argv[1], "--cap") == 0) return sethostname("x", 1) == 0 ? 0 : EPERM;
  if (argc == 2 && strcmp(argv[1], "--ran") == 0) return 0;
  if (argc < 3) return 2;
  read_targets(argv[1]);
  int outside = strcmp(argv[2], "outside") == 0;
  if (outside && (unshare(CLONE_NEWNS | CLONE_NEWUTS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)) return 2;
  int together = argc > 3 && strcmp(argv[3], "together") == 0;
  for (size_t i = 0; i < attempt_count; i++) {
    if (argc > 3 && !together && strcmp(argv[3], attempts[i].name) != 0) continue;
    if (together && uses_up(&attempts[i])) {
      tell(&attempts[i], "APART", "");
      continue;
    }
    report(&attempts[i], outside);
  }
  printf("end %zu\n", attempt_count);
  return 0;
}
