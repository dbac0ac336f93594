#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Explains itself on its standard error and exits in the middle of a call."""

import os

import wire


def call(request):
    os.write(2, b"opening the pool\nfatal: pool \x1b[1mgone\x1b[0m\n")
    os._exit(3)


wire.serve(call)
