# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Just enough of the protocol for plugins that misbehave on purpose."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as file:
    MANIFEST = json.load(file)


def facts(**changes):
    """What a truthful plugin answers to `initialize`."""
    result = {
        "protocol": MANIFEST["protocol"]["max"],
        "profiles": {"pve-storage": MANIFEST["profiles"]["pve-storage"]["max"]},
        "plugin": {"id": MANIFEST["id"], "version": MANIFEST["version"]},
        "methods": MANIFEST["methods"],
        "concurrency": MANIFEST.get("concurrency", "serial"),
        "fencing": MANIFEST.get("fencing", "none"),
    }
    result.update(changes)
    return result


def raw(data):
    """Writes bytes as they are; the host may be gone."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]


def send(message):
    raw(json.dumps(message).encode() + b"\n")


def answer(request, result):
    send({"jsonrpc": "2.0", "id": request["id"], "result": result})


def refuse(request, code, symbol, message, outcome="not_started"):
    data = {"symbol": symbol, "outcome": outcome, "retry": {"class": "never"}}
    send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}})


def requests():
    """Every message from the host until it closes the pipe."""
    for line in sys.stdin.buffer:
        yield json.loads(line)


STATUS = {"total": 1000, "used": 1, "available": 999, "active": True}


def serve(call=lambda request: answer(request, STATUS), initialize=facts):
    """Answers the handshake and shutdown truthfully and hands everything else to `call`."""
    for request in requests():
        method = request.get("method")
        if method == "initialize":
            answer(request, initialize())
        elif method == "shutdown":
            answer(request, {})
        elif "id" in request and method:
            call(request)
