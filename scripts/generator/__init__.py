# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What scripts/generate is made of: the model of protocol.json and one module a kind of output."""
