#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Says in the handshake something else than in its manifest."""

import wire

plugin = {"id": wire.MANIFEST["id"], "version": "9.9.9"}
wire.serve(initialize=lambda: wire.facts(plugin=plugin))
