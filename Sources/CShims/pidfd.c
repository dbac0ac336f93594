// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_pidfd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int berth_pidfd_open(pid_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0u);
  return fd < 0 ? -errno : (int)fd;
}

int berth_pidfd_send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u) < 0 ? -errno : 0;
}

static int reap(int pidfd, struct berth_exit *end, int flags) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  memset(end, 0, sizeof *end);
  int result;
  do {
    result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | flags);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return -errno;
  if (info.si_pid == 0) return 0;
  end->exited = 1;
  if (info.si_code == CLD_EXITED) end->code = info.si_status;
  else end->signal = info.si_status;
  return 0;
}

int berth_pidfd_reap(int pidfd, struct berth_exit *end) { return reap(pidfd, end, WNOHANG); }

int berth_pidfd_wait(int pidfd, struct berth_exit *end) { return reap(pidfd, end, 0); }

void berth_group_reap(pid_t group) {
  siginfo_t info;
  while (waitid(P_PGID, (id_t)group, &info, WEXITED) == 0 || errno == EINTR) {
  }
}
