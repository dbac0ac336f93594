// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "berth_process.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int berth_die_with_parent(int signal, pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, (unsigned long)signal) < 0) return -errno;
  // The parent may have died before the call: then no signal will ever come.
  return getppid() == parent ? 0 : -ESRCH;
}

int berth_set_dumpable(int dumpable) { return prctl(PR_SET_DUMPABLE, (unsigned long)!!dumpable) < 0 ? -errno : 0; }

int berth_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1ul) < 0 ? -errno : 0; }

int berth_close_from(unsigned first, int cloexec) {
  return syscall(SYS_close_range, first, ~0u, cloexec ? CLOSE_RANGE_CLOEXEC : 0) < 0 ? -errno : 0;
}

int berth_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  if (limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  }
  return limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
}
