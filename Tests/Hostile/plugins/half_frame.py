#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Ends in the middle of an answer."""

import os

import wire


def call(request):
    wire.raw(b'{"jsonrpc":"2.0","id":%d,"result":{"tot' % request["id"])
    os._exit(0)


wire.serve(call)
