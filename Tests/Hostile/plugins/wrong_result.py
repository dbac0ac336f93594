#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers with a result that is not what the method returns."""

import wire

wire.serve(call=lambda request: wire.answer(request, {"total": "plenty"}))
