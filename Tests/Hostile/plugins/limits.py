#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Reads lines of another length than usual, as its member `x-reads` of the manifest says; tells the longest it got."""

import json
import sys

import wire

longest = 0


def requests():
    global longest
    for line in sys.stdin.buffer:
        longest = max(longest, len(line) - 1)
        yield json.loads(line)


def call(request):
    size = request["params"]["scfg"].get("size", 0)
    wire.answer(request, dict(wire.STATUS, longest=longest, padding="z" * size))


wire.requests = requests
wire.serve(call=call, initialize=lambda: wire.facts(limits={"maxMessageBytes": wire.MANIFEST["x-reads"]}))
