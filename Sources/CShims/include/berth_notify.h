// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdint.h>

/// One system call that waits for an answer, as seccomp_unotify(2) tells of it.
struct berth_notice {
  uint64_t id;      // names this call until it is answered
  uint32_t thread;  // who makes it, in the reader's numbering
  uint32_t number;  // of the system call
  uint64_t args[6]; // its arguments as they stood in the registers
};

/// Takes the next waiting call off the listener. Blocks; -ENOENT when its maker died meanwhile.
int berth_notify_receive(int listener, struct berth_notice *notice);

/// 0 while the call still waits: what was read from its maker's memory is then that maker's. -ENOENT otherwise.
int berth_notify_valid(int listener, uint64_t id);

/// Lets the call go on into the kernel.
int berth_notify_continue(int listener, uint64_t id);

/// Answers in the kernel's place: a negative errno in `error`, else `value`.
int berth_notify_answer(int listener, uint64_t id, int error, int64_t value);
