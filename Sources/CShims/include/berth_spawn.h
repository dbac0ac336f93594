// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <sys/types.h>

/// In a process group, or a session, of its own.
enum { BERTH_SPAWN_GROUP = 1, BERTH_SPAWN_SESSION = 2 };

/// Starts a program with a clean slate: every signal handled by default and none blocked (ignored signals would survive
/// exec), in its own process group or session when `own_group` says so (0: in the caller's), descriptors 0, 1, 2 as
/// given (-1: /dev/null), nothing else unless the caller left it without close-on-exec. `path` is not searched for;
/// `argv` and `envp` end with NULL.
/// Never forks the address space: costs the same whatever the caller's memory. Returns the child's pid.
pid_t berth_spawn(
    const char *path, char *const argv[], char *const envp[], int stdin_fd, int stdout_fd, int stderr_fd,
    int own_group);
