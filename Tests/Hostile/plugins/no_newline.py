#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers a call with eight megabytes in which no line ends."""

import signal

import wire


def call(request):
    wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":"' % request["id"] + b"x" * (8 << 20))
    signal.pause()


wire.serve(call)
