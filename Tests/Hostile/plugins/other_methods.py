#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Says in the handshake that it has a method more than its manifest lists."""

import wire

wire.serve(initialize=lambda: wire.facts(methods=wire.MANIFEST["methods"] + ["volume_snapshot"]))
