#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Exits before the handshake."""

import os

os.write(2, b"cannot find my library\n")
os._exit(127)
