#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with two results in one message."""

import json

import wire


def call(request):
    first, second = json.dumps(wire.STATUS), json.dumps(dict(wire.STATUS, total=2))
    wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":%s,"result":%s}\n' % (request["id"], first.encode(), second.encode()))


wire.serve(call)
