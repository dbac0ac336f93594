#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Takes more of one thing than it was given; `scfg.do` says of what."""

import os
import signal
import time

import wire


def fill(place):
    with open(place + "/x", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))


def memory():
    return bytearray(400 << 20)


def processes():
    while True:
        if os.fork() == 0:
            time.sleep(1000)


def file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    fill("/tmp")


def cpu():
    while True:
        pass


def descriptors():
    try:
        while True:
            os.open("/", os.O_RDONLY)
    except OSError:
        time.sleep(1000)


GREED = {
    "memory": memory,
    "processes": processes,
    "file size": file_size,
    "cpu": cpu,
    "descriptors": descriptors,
    "temporary space": lambda: fill("/tmp"),
    "state space": lambda: fill("/state"),
}


def call(request):
    what = request["params"].get("scfg", {}).get("do")
    if what is not None:
        GREED[what]()
    wire.answer(request, wire.STATUS)


wire.serve(call)
