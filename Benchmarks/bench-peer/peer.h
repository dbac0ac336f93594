// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>

/// Copies a file into a FIFO as a plugin does in an export, and prints `bytes digest`. An exit status.
int peer_copy(const char *from, const char *to, const char *digest);

/// Sends messages of `size` bytes to a child and back over two pipes, `count` times, and prints the median and the 99th
/// percentile in nanoseconds. An exit status.
int peer_pingpong(size_t size, size_t count);

/// Answers requests on standard input with their params until it ends. An exit status.
int peer_answer(void);

/// A sandboxed plugin on standard input and output that answers every request with its params. An exit status.
int peer_plugin(void);

/// Mounts a file system at a directory and serves it until told (SIGUSR1) never to answer again. An exit status.
int peer_fuse(const char *directory);

/// The same until its first call, then `flood`, `fork`, `hog` or `hang`; `crowd` is five hundred daemons. An exit status.
int peer_neighbour(const char *kind);

/// Greets or echoes; -1 when the host is gone.
int peer_answer_line(const char *line, size_t length);
