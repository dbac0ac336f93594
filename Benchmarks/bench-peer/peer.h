// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Copies a file into a FIFO as a plugin does in an export, and prints `bytes digest`. An exit status.
int peer_copy(const char *from, const char *to, const char *digest);

/// Two processes, two pipes, blocking reads and writes: for every line with a count on standard input sends messages of
/// `size` bytes to a child and back so many times, one after the other, and prints the median and the 99th percentile
/// in nanoseconds. An exit status.
int peer_pingpong(size_t size);

/// Mounts a file system at a directory and serves it until told (SIGUSR1) never to answer again. An exit status.
int peer_fuse(const char *directory);

/// Where a process may run: `one`, the last processor there is; `all`; `apart`, all but the last, which the processes
/// below it that have no children share. An exit status.
int peer_place(const char *how, const char *pid);

/// A plugin on standard input and output: greets as the benchmark's manifest says and answers every other request with
/// its params. With `polls` it looks for the next request for a short time before it sleeps. An exit status.
int peer_plugin(bool polls);

/// A piece of text; `from` is NULL when there is none.
struct span {
  const char *from;
  size_t count;
};

/// The members of a JSON-RPC message that matter to who answers it, as they stand in the text.
struct message {
  struct span id, method, params;
};

/// Reads a whole line as one JSON object, members in any order; -1 when it is none. Of all of JSON's rules only that
/// the bytes be UTF-8 and names unique is left to the host.
int message_read(const char *line, size_t count, struct message *message);

/// Reads what is there into the buffer, waiting for it; as read(2). With `polls` the descriptor must be non-blocking.
long input_read(int fd, void *buffer, size_t room, bool polls);

/// The same until its first call, then `flood`, `fork`, `hog` or `hang`; `crowd` is five hundred daemons. An exit status.
int peer_neighbour(const char *kind);

/// Greets or echoes; -1 when the host is gone.
int peer_answer_line(const char *line, size_t length);
