// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

#pragma once

/// Serves connections until a signal ends the process: one worker each.
_Noreturn void serve(void);

/// Reads one request from the socket, does it, answers and exits.
_Noreturn void serve_one(int socket);
