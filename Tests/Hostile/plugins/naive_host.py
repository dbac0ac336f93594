#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The positive control of the plugins beside it: a host as one writes it in an afternoon.

naive_host.py SCRIPT   runs the plugin unconfined, calls it twice and prints, in one line, what it did to this host:
hangs misled dies memory outlives stays forges, or `nothing`. A plugin that does nothing here proves nothing there.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

PATIENCE = 2.0
GREED = 4 << 20
TRUTH = {"total": 1000, "used": 1, "available": 999, "active": True}
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
done = set()
buffer = bytearray()
child = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         start_new_session=True)
out = child.stdout.fileno()


def read_line():
    """The next line, however long; None when none comes in time."""
    end = time.monotonic() + PATIENCE
    while b"\n" not in buffer:
        left = end - time.monotonic()
        if left <= 0 or not select.select([out], [], [], left)[0]:
            done.add("hangs")
            return None
        piece = os.read(out, 1 << 16)
        if not piece:
            return bytes(buffer)
        buffer.extend(piece)
        if len(buffer) > GREED:
            done.add("memory")
            return None
    line, _, rest = bytes(buffer).partition(b"\n")
    buffer[:] = rest
    return line


def call(number, method, params):
    """Takes the next thing that is not a notification for the answer."""
    try:
        os.write(child.stdin.fileno(), json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")
    except OSError:
        done.add("dies")
        return None
    began, taken = time.monotonic(), 0
    while True:
        line = read_line()
        if line is None:
            return None
        taken += len(line)
        if taken > GREED or time.monotonic() - began > PATIENCE:
            done.add("memory")
            return None
        try:
            message = json.loads(line)
            if "method" in message and "id" not in message:
                continue
            return message["result"]
        except (ValueError, KeyError, RecursionError, UnicodeDecodeError):
            done.add("dies")
            return None


signal.signal(signal.SIGPIPE, signal.SIG_IGN)
manifest = json.load(open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "manifest.json")))
facts = call(1, "initialize", {})
if facts is not None and not done:
    same = facts.get("plugin") == {"id": manifest["id"], "version": manifest["version"]}
    if not same or facts.get("methods") != manifest["methods"] or facts.get("protocol") != manifest["protocol"]["max"]:
        done.add("misled")
for number in (2, 3):
    if done:
        break
    answer = call(number, "list_images", {})
    if answer is not None and answer != TRUTH:
        done.add("misled")
try:
    while select.select([child.stderr], [], [], 0.2)[0]:
        piece = os.read(child.stderr.fileno(), 1 << 16)
        if not piece:
            break
        if any(byte < 32 and byte not in (9, 10) for byte in piece):
            done.add("forges")  # would stand in the log, or on a terminal, as it is
except OSError:
    pass
if child.poll() is None:
    child.terminate()
    try:
        child.wait(1)
    except subprocess.TimeoutExpired:
        done.add("stays")
        child.kill()
        child.wait()
# The child is gone: its output must be at its end.
end = time.monotonic() + 1
while True:
    if not select.select([out], [], [], max(0, end - time.monotonic()))[0]:
        done.add("outlives")
        break
    if not os.read(out, 1 << 16):
        break
# Whatever it left has become a child of this process.
while True:
    left = open(f"/proc/self/task/{os.getpid()}/children").read().split()
    if not left:
        break
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
        os.waitpid(int(pid), 0)
print(" ".join(sorted(done)) or "nothing")
