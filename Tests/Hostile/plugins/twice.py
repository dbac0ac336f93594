#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers everything twice, and something that nobody asked."""

import wire


def call(request):
    wire.answer(request, wire.STATUS)
    wire.answer(request, dict(wire.STATUS, total=2))
    wire.answer({"id": 999999}, {})


wire.serve(call)
