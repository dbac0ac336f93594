// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#include "berth_clock.h"

#include <time.h>

static int64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t berth_monotonic_ns(void) { return now(CLOCK_MONOTONIC); }

int64_t berth_realtime_ns(void) { return now(CLOCK_REALTIME); }
