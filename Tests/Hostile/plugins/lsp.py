#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Frames messages as editors' servers do."""

import json

import wire

for request in wire.requests():
    body = json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": wire.facts()}).encode()
    wire.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
