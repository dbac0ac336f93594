// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdint.h>

/// Nanoseconds of CLOCK_MONOTONIC.
int64_t berth_monotonic_ns(void);

/// Nanoseconds of CLOCK_REALTIME since the epoch.
int64_t berth_realtime_ns(void);
