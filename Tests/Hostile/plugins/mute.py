#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Is polite in the handshake and never answers a call, not even a cancelled one."""

import wire

wire.serve(call=lambda request: None)
