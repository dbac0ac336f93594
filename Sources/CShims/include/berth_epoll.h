// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdint.h>

enum {
  BERTH_EPOLL_IN = 1u << 0,
  BERTH_EPOLL_OUT = 1u << 1,
  BERTH_EPOLL_HANGUP = 1u << 2, // hang-up or error: reading or writing will tell which
};

/// What one descriptor is ready for; `data` is what it was added with.
struct berth_epoll_event {
  uint64_t data;
  uint32_t events; // BERTH_EPOLL_*
};

enum { BERTH_EPOLL_BATCH = 64 };

int berth_epoll_create(void);

/// Watches a descriptor, level-triggered. `events` may be 0: hang-ups are always told.
int berth_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);

/// Changes what a watched descriptor is watched for.
int berth_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data);

/// Stops watching. Call it before the descriptor is closed: a copy in a child that is about to exec would otherwise keep
/// the registration alive under a number that is soon used for something else.
int berth_epoll_remove(int epoll, int fd);

/// Waits at most `timeout_ns` (negative: without end) and fills at most `count` (<= BERTH_EPOLL_BATCH) events.
/// Returns how many; an interrupted wait is 0.
int berth_epoll_wait(int epoll, struct berth_epoll_event *events, int count, int64_t timeout_ns);
