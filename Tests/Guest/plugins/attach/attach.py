#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""A plugin of the guest's tests: the host attaches or mounts what the configuration says, and from there on this is the
directory plugin."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import directory  # noqa: E402
from berth_files import write_whole  # noqa: E402
from berth_plugin import PluginError  # noqa: E402
from directory import plugin  # noqa: E402

inherited = dict(plugin.methods)
held = {}


def note():
    return os.path.join(plugin.state.directory, "held.json")


def on_initialize(session):
    directory.on_initialize(session)
    try:
        with open(note(), "rb") as file:
            held.update(json.load(file))
    except FileNotFoundError:
        pass


plugin.on_initialize = on_initialize


def take(call, scfg):
    """Attaches and mounts; asking again gives the same."""
    source = scfg["source"]
    if scfg["protocol"] != "none":
        more = {"lun": scfg["lun"]} if "lun" in scfg else {}
        if "login" in scfg.get("options", "").split(","):
            more["secret"] = "login"
        answer = call.host("host.block.attach", protocol=scfg["protocol"], portals=scfg["portals"],
                           target=scfg["target"], wwid=scfg["wwid"], access="rw", **more)
        held["attachment"] = source = answer["attachment"]
        write_whole(note(), json.dumps(held).encode(), 0o600)
    options = dict((part.partition("=")[0], part.partition("=")[2]) for part in scfg.get("options", "").split(",")
                   if part and part != "login")
    more = {"secret": "login"} if scfg["kind"] == "cifs" else {}
    answer = call.host("host.mount", kind=scfg["kind"], source=source, options=options, access="rw", **more)
    held.update(mount=answer["mount"], path=answer["path"])
    write_whole(note(), json.dumps(held).encode(), 0o600)
    return answer["path"]


def with_path(call, path):
    call.params = {**call.params, "scfg": {**call.table("scfg"), "path": path}}
    return call


def on_mount(handler):
    def handle(call):
        if "path" not in held:
            raise PluginError("STORAGE_NOT_ACTIVE", "nothing is mounted")
        return handler(with_path(call, held["path"]))
    return handle


for method, handler in inherited.items():
    plugin.methods[method] = on_mount(handler)
plugin.methods["parse_volname"] = inherited["parse_volname"]
plugin.methods["get_formats"] = inherited["get_formats"]


@plugin.method("check_config")
def check_config(call):
    return {"scfg": call.table("scfg")}


@plugin.method("on_add_hook", mutating=True)
def on_add_hook(call):
    return {}


@plugin.method("on_update_hook_full", mutating=True)
def on_update_hook_full(call):
    return {}


@plugin.method("check_connection")
def check_connection(call):
    return {"connected": True}


@plugin.method("activate_storage")
def activate_storage(call):
    return inherited["activate_storage"](with_path(call, take(call, call.table("scfg"))))


@plugin.method("deactivate_storage")
def deactivate_storage(call):
    for kind, method, key in (("mount", "host.unmount", "mount"), ("attachment", "host.block.detach", "attachment")):
        if kind in held:
            call.host(method, **{key: held[kind]})
            del held[kind]
    held.clear()
    write_whole(note(), b"{}", 0o600)
    return {}


@plugin.method("status")
def status(call):
    if "path" not in held:
        return {"total": 0, "used": 0, "available": 0, "active": False}
    return inherited["status"](with_path(call, held["path"]))


if __name__ == "__main__":
    plugin.run()
