// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <stddef.h>
#include <sys/types.h>

// Files that are whole or absent after any crash. All calls block; errors come back as negative errno, and where a
// `step` is asked for it is set to a static text that says what failed ("create", "write", "sync", ...).

/// Opens a directory, making it (and its parents) with `mode` when it is missing. Refuses symbolic links at its end.
int berth_durable_open_directory(const char *path, mode_t mode, const char **step);

/// Opens `name` in the directory and takes an exclusive flock on it, waiting at most `wait_ms` milliseconds.
/// -EWOULDBLOCK when it stays taken. The lock goes when the descriptor is closed.
int berth_durable_lock(int directory, const char *name, mode_t mode, int wait_ms);

/// Reads at most `capacity` bytes from the start of `name`. Returns the count; `capacity` itself may mean more follows.
/// Refuses symbolic links and what is no regular file.
ssize_t berth_durable_read(int directory, const char *name, void *buffer, size_t capacity);

/// Replaces `name` by `count` bytes: temporary file beside it, sync, rename, sync of the directory. After an error the
/// old content stands, except when `step` is "sync directory of": then either one may stand after a power failure.
int berth_durable_replace(
    int directory, const char *name, const void *bytes, size_t count, mode_t mode, const char **step);

/// Removes `name` and syncs the directory; 0 also when it was not there.
int berth_durable_remove(int directory, const char *name);

/// Overwrites an open file (a held lock file) with `count` bytes, without any durability: for people to read.
int berth_durable_note(int fd, const void *bytes, size_t count);

/// Closes a descriptor.
int berth_durable_close(int fd);
