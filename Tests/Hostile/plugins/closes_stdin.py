#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Stops listening after the handshake but lives on."""

import os
import time

import wire

for request in wire.requests():
    if request.get("method") == "initialize":
        wire.answer(request, wire.facts())
        os.close(0)
        break
while True:
    time.sleep(1)
