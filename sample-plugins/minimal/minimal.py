#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth plugin `minimal`: six methods make a storage of raw images; the host's defaults do the rest."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from berth_plugin import Plugin, PluginError  # noqa: E402

plugin = Plugin()
NAME = re.compile(r"[0-9]{1,9}/[A-Za-z0-9_-][A-Za-z0-9._-]*\.raw")


def root(call):
    return os.path.join(call.table("scfg")["path"], "images")


def file(call):
    name = call.text("volname", limit=250)
    if not NAME.fullmatch(name):
        raise PluginError("NAME_INVALID", f"{name[:80]!r} is not VMID/NAME.raw", field="/volname")
    return name, os.path.join(root(call), name)


def entry(name, info):
    return {"volname": name, "format": "raw", "size": info.st_size, "used": info.st_blocks * 512,
            "vmid": int(name.split("/")[0])}


@plugin.method("activate_storage")
def activate_storage(call):
    os.makedirs(root(call), exist_ok=True)
    return {}


@plugin.method("status")
def status(call):
    fs = os.statvfs(root(call))
    return {"total": fs.f_blocks * fs.f_frsize, "used": (fs.f_blocks - fs.f_bfree) * fs.f_frsize,
            "available": fs.f_bavail * fs.f_frsize, "active": True}


@plugin.method("list_images")
def list_images(call):
    wanted, owner = call.strings("volnames"), call.params.get("vmid")
    names = sorted(f"{folder}/{name}" for folder in os.listdir(root(call)) if folder.isdigit()
                   for name in os.listdir(os.path.join(root(call), folder)))
    after, limit = call.text("cursor", "", required=False), call.integer("limit", 1000, 1, 10000)
    names = [name for name in names if NAME.fullmatch(name) and name > after and (
        name in wanted if wanted is not None else owner in (None, int(name.split("/")[0])))]
    page = {"volumes": [entry(name, os.stat(os.path.join(root(call), name))) for name in names[:limit]]}
    if len(names) > limit:
        page["nextCursor"] = names[limit - 1]
    return page


@plugin.method("alloc_image", mutating=True)
def alloc_image(call):
    name, path = file(call)
    size = call.integer("size", minimum=1, maximum=1 << 62)
    if call.text("format") != "raw":
        raise PluginError("FORMAT_UNSUPPORTED", "only raw images here")
    # The key stays with the image: the same request sent again after a crash finds its own work.
    key = call.context.get("idempotencyKey", "").encode()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temp = os.path.join(os.path.dirname(path), ".new")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        os.ftruncate(fd, size)
        os.setxattr(fd, "user.berth.key", key)
        os.fsync(fd)
        os.link(temp, path)  # whole or not at all
    except FileExistsError:
        if not key or os.getxattr(path, "user.berth.key") != key:
            raise PluginError("VOLUME_EXISTS", f"'{name}' exists already") from None
        if os.stat(path).st_size != size:
            raise PluginError("IDEMPOTENCY_CONFLICT", "this key was used for another size") from None
    finally:
        os.close(fd)
        os.unlink(temp)
    return {"volname": name}


@plugin.method("free_image", mutating=True)
def free_image(call):
    try:
        os.unlink(file(call)[1])
    except FileNotFoundError:
        pass  # already gone: what was asked for
    return {}


@plugin.method("volume_size_info")
def volume_size_info(call):
    name, path = file(call)
    try:
        found = entry(name, os.stat(path))
    except FileNotFoundError:
        raise PluginError("VOLUME_NOT_FOUND", f"there is no volume '{name}'") from None
    return {key: found[key] for key in ("size", "format", "used")}


plugin.run()
