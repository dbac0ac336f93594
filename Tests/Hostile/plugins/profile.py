#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Chooses a version of a profile that nobody offered."""

import wire

wire.serve(initialize=lambda: wire.facts(profiles={"pve-storage": 999}))
