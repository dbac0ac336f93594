// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "berth_signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int berth_ignore_sigpipe(void) { return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0; }

int berth_block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  return -pthread_sigmask(SIG_BLOCK, &all, NULL);
}
