#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Stops itself with SIGSTOP in the middle of a call."""

import os
import signal

import wire

wire.serve(lambda request: os.kill(os.getpid(), signal.SIGSTOP))
