#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Looks into a directory that it was granted, from which there may be no coming back."""

import os

import wire


def call(request):
    if request["method"] == "alloc_image":
        with open(os.path.join(request["params"]["scfg"]["path"], "file"), "w") as file:
            file.write("x")
    wire.answer(request, wire.STATUS)


wire.serve(call)
