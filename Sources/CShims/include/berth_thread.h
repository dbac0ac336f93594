// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>

/// Starts a detached thread named `name` (15 bytes are kept) with every signal blocked; `run` gets `context`.
/// `stack` in bytes, 0 for the default. Returns 0 or -errno.
int berth_thread_start(const char *name, size_t stack, void (*run)(void *context), void *context);
