// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// Copies a file into a FIFO as a plugin does in an export, and prints `bytes digest`. An exit status.
int peer_copy(const char *from, const char *to, const char *digest);
