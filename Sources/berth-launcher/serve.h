// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// Serves connections until a signal ends the process: one worker each.
_Noreturn void serve(void);

/// Touches the memory that a request will need, while nobody waits.
void worker_warm_up(void);

/// Reads one request from the socket, does it, answers and exits.
_Noreturn void serve_one(int socket);
