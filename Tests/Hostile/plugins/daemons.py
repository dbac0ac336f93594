#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Leaves fifty daemons that ignore every signal and hold its output, and ends."""

import os
import signal
import time

import wire


def call(request):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for _ in range(50):
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
    os._exit(0)


wire.serve(call)
