// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <sys/types.h>

/// Has the kernel send `signal` to this process when its parent dies; -ESRCH when the parent is already another than
/// `parent`.
int berth_die_with_parent(int signal, pid_t parent);

/// Whether the process may be traced and its memory dumped (1) or not (0).
int berth_set_dumpable(int dumpable);

/// Orphaned descendants become children of this process.
int berth_become_subreaper(void);

/// Closes (or, with `cloexec`, only marks close-on-exec) every descriptor from `first` up.
int berth_close_from(unsigned first, int cloexec);

/// Raises the limit of open descriptors to the most this process may have; returns it, at most INT_MAX.
int berth_raise_descriptor_limit(void);
