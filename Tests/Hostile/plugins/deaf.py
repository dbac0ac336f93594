#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Ignores calls, cancels and SIGTERM."""

import signal

import wire

signal.signal(signal.SIGTERM, signal.SIG_IGN)
wire.serve(call=lambda request: None)
while True:
    signal.pause()
