// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <sys/types.h>

/// How a process ended.
struct berth_exit {
  int exited; // 1 when it has ended
  int code;   // exit code, when `signal` is 0
  int signal; // signal that killed it, else 0
};

/// A descriptor for a process: readable once it has ended.
int berth_pidfd_open(pid_t pid);

/// Sends a signal to exactly that process; -ESRCH when it is gone, whoever has its number now.
int berth_pidfd_send_signal(int pidfd, int signal);

/// Reaps a child that has ended, without waiting. `exit->exited` is 0 when it still runs; -ECHILD when it is no child
/// of ours (any more).
int berth_pidfd_reap(int pidfd, struct berth_exit *exit);

/// The same, but waits for the end. Blocks.
int berth_pidfd_wait(int pidfd, struct berth_exit *exit);

/// Reaps every child in that process group, as each ends, until there is none. Blocks. The number stays the group's as
/// long as one of them, dead or alive, is in it.
void berth_group_reap(pid_t group);
