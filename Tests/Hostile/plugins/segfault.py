#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Ends by a signal in the middle of a call."""

import os
import signal

import wire

wire.serve(call=lambda request: os.kill(os.getpid(), signal.SIGSEGV))
