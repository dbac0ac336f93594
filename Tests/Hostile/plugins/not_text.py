#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with bytes that are no text: NUL, broken and overlong UTF-8."""

import wire

wire.serve(lambda request: wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":{"a":"\x00\xff\xc0\xaf"}}\n' % request["id"]))
