// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What the stream relay needs beyond pipes and eventfds.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Bytes waiting in a pipe.
int berth_relay_pending(int pipe);

/// `send` that neither blocks nor raises SIGPIPE; returns the bytes sent.
ssize_t berth_relay_send(int socket, const void *bytes, size_t length);

/// Opens a name by itself (O_PATH, never following a link at its end).
int berth_relay_open_path(const char *path);

/// Gives what an O_PATH descriptor names to a user and the group of the same number.
int berth_relay_give(int handle, uint32_t owner);
