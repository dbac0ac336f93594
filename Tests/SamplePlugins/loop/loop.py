#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""A plugin for tests: the host mounts the file system in `disk.img`, and from there on this is the directory plugin."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import directory  # noqa: E402
from berth_files import write_whole  # noqa: E402
from berth_plugin import PluginError  # noqa: E402
from directory import plugin  # noqa: E402

inherited = dict(plugin.methods)
place = None


def on_initialize(session):
    directory.on_initialize(session)


plugin.on_initialize = on_initialize


def note():
    return os.path.join(plugin.state.directory, "mount.json")


def with_path(call, path):
    scfg = {key: value for key, value in call.table("scfg").items() if key != "fs"}
    call.params = {**call.params, "scfg": {**scfg, "path": path}}
    return call


def on_mount(handler):
    def handle(call):
        if place is None:
            raise PluginError("STORAGE_NOT_ACTIVE", "the image is not mounted")
        return handler(with_path(call, place))
    return handle


for method, handler in inherited.items():
    plugin.methods[method] = on_mount(handler)


@plugin.method("activate_storage")
def activate_storage(call):
    global place
    scfg = call.table("scfg")
    answer = call.host("host.mount", kind="loop", source=os.path.join(scfg["path"], "disk.img"),
                       options={"fs": scfg["fs"]}, access="rw")
    write_whole(note(), json.dumps(answer).encode(), 0o600)
    place = answer["path"]
    return inherited["activate_storage"](with_path(call, place))


@plugin.method("deactivate_storage")
def deactivate_storage(call):
    global place
    try:
        with open(note(), "rb") as file:
            call.host("host.unmount", mount=json.load(file)["mount"])
    except FileNotFoundError:
        return {}
    place = None
    os.unlink(note())
    return {}


if __name__ == "__main__":
    plugin.run()
