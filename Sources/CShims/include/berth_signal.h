// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// Ignores SIGPIPE in the whole process: a write to a closed pipe is then an error of that write.
int berth_ignore_sigpipe(void);

/// Blocks every signal in the calling thread, so that the process's own threads get them.
int berth_block_signals(void);
