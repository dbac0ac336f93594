#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth plugin `nfs`: the host mounts an export, and from there on this is the directory plugin."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import directory  # noqa: E402
import export  # noqa: E402
import layout  # noqa: E402
import server  # noqa: E402
from berth_plugin import PluginError  # noqa: E402
from directory import plugin  # noqa: E402

mounted = None
inherited = dict(plugin.methods)


def on_initialize(session):
    global mounted
    directory.on_initialize(session)
    mounted = export.Export(plugin.state.directory)


plugin.on_initialize = on_initialize


def with_path(call, path):
    """The same call for the directory plugin: its storage is where the export is mounted."""
    call.params = {**call.params, "scfg": {**call.table("scfg"), "path": path}}
    return call


def on_mount(handler):
    def handle(call):
        if mounted.path is None:
            raise PluginError("STORAGE_NOT_ACTIVE", "the export is not mounted")
        return handler(with_path(call, mounted.path))
    return handle


for method, handler in inherited.items():
    plugin.methods[method] = on_mount(handler)


def check(scfg):
    """What can be said without the server. The place of the mount is the host's to choose; any will do here."""
    export.source(scfg)
    export.options(scfg)
    layout.Layout({**scfg, "path": "/"}).check()


@plugin.method("check_config")
def check_config(call):
    scfg = call.table("scfg")
    check(scfg)
    return {"scfg": scfg}


@plugin.method("on_add_hook", mutating=True)
def on_add_hook(call):
    check(call.table("scfg"))
    return {}


@plugin.method("on_update_hook_full", mutating=True)
def on_update_hook_full(call):
    scfg = {**call.table("scfg"), **call.table("update")}
    for name in call.strings("delete") or []:
        scfg.pop(name, None)
    check(scfg)
    return {}


# Neither says anything about where the export is.
plugin.methods["parse_volname"] = inherited["parse_volname"]
plugin.methods["get_formats"] = inherited["get_formats"]


@plugin.method("check_connection")
def check_connection(call):
    scfg = call.table("scfg")
    export.source(scfg)
    return {"connected": server.answers(scfg["server"])}


def unreachable(scfg):
    return PluginError("STORAGE_UNAVAILABLE", f"the NFS server {scfg['server']} does not answer on port {server.PORT}",
                       hint="is it up, and is NFS over TCP allowed through?")


@plugin.method("activate_storage")
def activate_storage(call):
    scfg = call.table("scfg")
    check(scfg)
    if not server.answers(scfg["server"]):
        raise unreachable(scfg)
    return inherited["activate_storage"](with_path(call, mounted.mount(call, scfg)))


@plugin.method("deactivate_storage")
def deactivate_storage(call):
    mounted.unmount(call)
    return {}


@plugin.method("status")
def status(call):
    scfg = call.table("scfg")
    export.source(scfg)
    if mounted.path is None or not server.answers(scfg["server"]):
        return {"total": 0, "used": 0, "available": 0, "active": False}
    return inherited["status"](with_path(call, mounted.path))


if __name__ == "__main__":
    plugin.run()
