#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Prints two stray lines, which is forgiven, and then answers."""

import wire


def call(request):
    wire.raw(b"Loading...\nstill loading\n")
    wire.answer(request, wire.STATUS)


wire.serve(call)
