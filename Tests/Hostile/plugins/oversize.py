#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with a line beyond the limit."""

import wire

wire.serve(call=lambda request: wire.answer(request, dict(wire.STATUS, padding="z" * (5 << 20))))
