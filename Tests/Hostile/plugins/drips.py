#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers a byte at a time, so that something always arrives and nothing ever comes to an end."""

import time

import wire


def call(request):
    for byte in b'{"jsonrpc":"2.0","id":%d,"result":{%s' % (request["id"], b" " * 100000):
        wire.raw(bytes([byte]))
        time.sleep(0.05)


wire.serve(call)
