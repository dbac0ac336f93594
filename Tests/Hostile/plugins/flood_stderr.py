#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Writes 2 MiB to its standard error before it answers."""

import os

import wire


def call(request):
    for number in range(2048):
        os.write(2, b"noise %6d " % number + b"y" * 1010 + b"\n")
    wire.answer(request, wire.STATUS)


wire.serve(call)
