#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Writes lines into its log that look as if others had written them."""

import os

import wire


def call(request):
    os.write(2, b'\x1b]0;owned\x07\x1b[2Jberthd: the disk is gone\r{"level":"error","logger":"berthd","message":"forged"}\n')
    os.write(2, b"one\xc2\x85two\xe2\x80\xa8three\xe2\x80\xaefour\x00five\n")
    text = "ok\nberthd: forged \x1b[31mred\x1b[0m\r\u2028next"
    wire.send({"jsonrpc": "2.0", "method": "host.log", "params": {"level": "info", "message": text, "fields": {"a\nb": text}}})
    wire.answer(request, wire.STATUS)


wire.serve(call)
