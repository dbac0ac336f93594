// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <sys/types.h>

/// A pipe: `ends[0]` reads, `ends[1]` writes. Both blocking.
int berth_pipe(int ends[2]);

/// Makes a descriptor non-blocking (1) or blocking (0). The flag belongs to the open file: whoever shares it sees it.
int berth_set_nonblocking(int fd, int nonblocking);

/// The size of a pipe's buffer in bytes.
int berth_pipe_size(int fd);

/// Asks for a pipe buffer of at least that many bytes; returns what it got.
int berth_pipe_set_size(int fd, int bytes);

/// Moves bytes from one descriptor to another, at least one of them a pipe, without copying. `nonblocking` concerns the
/// pipes. Returns the count; 0 at the end of the source.
ssize_t berth_splice(int from, int to, size_t count, int nonblocking);

/// Reads once; interrupted reads are repeated.
ssize_t berth_read(int fd, void *buffer, size_t count);

/// Writes once; interrupted writes are repeated.
ssize_t berth_write(int fd, const void *buffer, size_t count);
