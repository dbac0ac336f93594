// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>

/// Fills the buffer with random bytes of the kernel; 0 or -errno.
int berth_random(void *buffer, size_t count);
