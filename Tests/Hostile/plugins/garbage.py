#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Prints text where only messages belong."""

import wire


def call(request):
    for number in range(5):
        wire.raw(b"debug: line %d \x1b[31m\n" % number)
    wire.answer(request, wire.STATUS)


wire.serve(call)
