// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// What the launcher shares with the daemon, compiled once more: against the launcher's own C library (Package.swift).

#include "../CShims/broker.c"
#include "../CShims/launch.c"
#include "../CShims/socket.c"
