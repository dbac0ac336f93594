#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with numbers that are none."""

import wire

wire.serve(lambda request: wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":{"total":NaN,"used":-1e400}}\n' % request["id"]))
