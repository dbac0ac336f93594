#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Answers first for a call nobody made, then for another type of id, then truthfully."""

import wire


def call(request):
    lie = dict(wire.STATUS, total=2)
    for other in (request["id"] + 1, str(request["id"]), None, -request["id"], [request["id"]]):
        wire.answer({"id": other}, lie)
    wire.answer(request, wire.STATUS)


wire.serve(call)
