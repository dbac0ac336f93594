#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Closes its standard output in the middle of a call but lives on."""

import os
import time

import wire


def call(request):
    os.close(1)
    while True:
        time.sleep(1)


wire.serve(call)
