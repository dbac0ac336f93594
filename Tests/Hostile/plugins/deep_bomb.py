#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers a call with a million opening brackets."""

import wire

wire.serve(lambda request: wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":%s\n' % (request["id"], b"[" * 1000000)))
