// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

// System calls that the C library's Swift overlay does not show: one small file a topic. Unless a comment says otherwise
// a call returns what the kernel returned, or -errno: no caller needs to read errno after Swift code may have run.
// Every descriptor made here is close-on-exec.

#pragma once

#include "berth_broker.h"
#include "berth_clock.h"
#include "berth_durable.h"
#include "berth_epoll.h"
#include "berth_eventfd.h"
#include "berth_file.h"
#include "berth_launch.h"
#include "berth_notify.h"
#include "berth_pidfd.h"
#include "berth_pipe.h"
#include "berth_process.h"
#include "berth_random.h"
#include "berth_relay.h"
#include "berth_signal.h"
#include "berth_socket.h"
#include "berth_spawn.h"
#include "berth_thread.h"
