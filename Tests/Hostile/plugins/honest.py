#!/usr/bin/python3
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Does what it is told, politely; the positive control beside the hostile ones. `scfg.do` says what."""

import json
import os
import sys
import time
import zlib

import wire

next_id = 100


def ask(method, **params):
    """One request to the host, answered with its result or its error."""
    global next_id
    next_id += 1
    wire.send({"jsonrpc": "2.0", "id": next_id, "method": method, "params": params})
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message.get("id") == next_id and "method" not in message:
            return message.get("result", message.get("error"))


def wait_for_cancel(request):
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message.get("method") == "$/cancel" and message["params"]["id"] == request["id"]:
            return


def do(request, what, params):
    me = request["id"]
    if what == "secret":
        return ask("host.secret.get", parent=me, name=params["scfg"]["name"])
    if what == "orphan":
        return ask("host.secret.get", parent=me + 1000, name="password")
    if what == "config":
        return ask("host.config.read", parent=me)
    if what == "journal":
        ask("host.journal.put", parent=me, key="k", value="kept")
        first = ask("host.journal.get", parent=me, key="k")
        ask("host.journal.delete", parent=me, key="k")
        return [first, ask("host.journal.get", parent=me, key="k")]
    if what == "lock":
        return ask("host.lock.acquire", parent=me, name="mine", waitMs=1000, ttlMs=5000)
    if what == "detach":
        return ask("host.loop.detach", parent=me, loop="loop-1")
    if what == "mount":
        return ask("host.mount", parent=me, kind="nfs", source="server:/x")
    if what == "unknown":
        return ask("host.reboot", parent=me)
    if what == "reenter":
        return ask("host.journal.get", parent=me, key="reenter")
    if what == "sleep":
        time.sleep(params["scfg"]["seconds"])
    if what == "environment":
        return {"args": sys.argv, "environ": dict(os.environ)}
    if what == "log":
        fields = {"volume": "vm-1-disk-0"}
        wire.send(
            {"jsonrpc": "2.0", "method": "host.log", "params": {"level": "warning", "message": "hello\x1b[1m", "fields": fields}})
    if what == "context":
        return params["context"]
    if what == "state":
        path = "/state/count"
        count = int(open(path).read()) if os.path.exists(path) else 0
        with open(path, "w") as file:
            file.write(str(count + 1))
        return count + 1
    return None


def export(params):
    size = params["scfg"]["size"]
    crc = 0
    chunk = bytes(range(256)) * 256
    with open(params["stream"]["path"], "wb", buffering=0) as stream:
        left = size
        while left:
            piece = chunk[: min(left, len(chunk))]
            sent = stream.write(piece)
            crc = zlib.crc32(piece[:sent], crc)
            left -= sent
            if left < size // 2 and params["scfg"].get("do") == "die":
                os.abort()
    result = {"bytes": size}
    if "digest" in params:
        result["digest"] = {"algorithm": "crc32", "value": "%08x" % crc}
    return result


def receive(params):
    crc = total = 0
    with open(params["stream"]["path"], "rb", buffering=0) as stream:
        while data := stream.read(1 << 16):
            crc = zlib.crc32(data, crc)
            total += len(data)
    result = {"bytes": total, "volname": params["volname"]}
    if "digest" in params:
        result["digest"] = {"algorithm": "crc32", "value": "%08x" % crc}
    return result


def call(request):
    params = request["params"]
    what = params.get("scfg", {}).get("do")
    if request["method"] == "volume_export":
        wire.answer(request, export(params))
    elif request["method"] == "volume_import":
        wire.answer(request, receive(params))
    elif what == "cancel":
        wait_for_cancel(request)
        wire.refuse(request, 1007, "CANCELLED", "undone", outcome="rolled_back")
    elif what == "refuse":
        wire.refuse(request, 1110, "NO_SPACE", "the pool is full", outcome="rolled_back")
    elif what == "progress":
        for done in range(3):
            report = {"id": request["id"], "seq": done + 1, "done": done, "total": 3, "phase": "copy"}
            wire.send({"jsonrpc": "2.0", "method": "$/progress", "params": report})
            time.sleep(0.25)
        wire.answer(request, wire.STATUS)
    else:
        wire.answer(request, dict(wire.STATUS, said=do(request, what, params)))


wire.serve(call)
