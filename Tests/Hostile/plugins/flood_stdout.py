#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers a call with notifications without end."""

import wire


def call(request):
    line = b'{"jsonrpc":"2.0","method":"host.log","params":{"level":"info","message":"%s"}}\n' % (b"x" * 900)
    while True:
        wire.raw(line * 64)


wire.serve(call)
