#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Asks the host for what it was not granted, and answers with the number of times it got it."""

import json
import sys

import wire


def call(request):
    granted = 0
    wishes = (("host.secret.get", {"name": "root"}), ("host.config.read", {"parent": 1 << 40}), ("host.reboot", {}),
              ("host.mount", {"kind": "nfs", "source": "server:/x"}), ("initialize", {}), ("shutdown", {}))
    for number, (method, params) in enumerate(wishes):
        wire.send({"jsonrpc": "2.0", "id": 70 + number, "method": method, "params": dict({"parent": request["id"]}, **params)})
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message.get("id") == 70 + number and "method" not in message:
                granted += "result" in message
                break
    wire.answer(request, dict(wire.STATUS, total=wire.STATUS["total"] + granted))


wire.serve(call)
