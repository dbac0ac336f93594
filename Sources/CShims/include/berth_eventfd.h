// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// A non-blocking eventfd with counter 0.
int berth_eventfd_create(void);

/// Adds one: whoever watches the descriptor wakes.
int berth_eventfd_signal(int fd);

/// Takes the counter down to 0.
int berth_eventfd_drain(int fd);
