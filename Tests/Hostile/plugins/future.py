#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Chooses a protocol version nobody offered."""

import wire

wire.serve(initialize=lambda: wire.facts(protocol="7.0"))
