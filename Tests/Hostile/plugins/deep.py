#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with arrays in arrays in arrays."""

import wire


def call(request):
    depth = 100
    nested = b"[" * depth + b"]" * depth
    wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":%s}\n' % (request["id"], nested))


wire.serve(call)
