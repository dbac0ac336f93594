#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Leaves a child on its standard output and exits in the middle of a call."""

import os
import time

import wire


def call(request):
    if os.fork() == 0:
        os.setsid()
        while True:
            time.sleep(1)
    os._exit(0)


wire.serve(call)
