#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Reads everything, says nothing."""

import wire

for _ in wire.requests():
    pass
