#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth plugin `lvmthin`: disks as thin logical volumes. The host runs LVM; this plugin says what is wanted."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import streams  # noqa: E402
import volumes  # noqa: E402
from berth_files import State  # noqa: E402
from berth_plugin import Plugin, PluginError  # noqa: E402
from group import Group, parse, snapshot_name  # noqa: E402
from unfinished import Unfinished  # noqa: E402

plugin = Plugin()
unfinished = None
FORMATS = ["raw+size"]


def group(call):
    return Group(call).look()


def volume(call, key="volname"):
    return parse(call.text(key), f"/{key}")


def snapname(call, key="snapname", required=True):
    text = call.text(key, required=required, limit=1000)
    return snapshot_name(text) if text is not None else None


def on_initialize(session):
    global unfinished
    directory = session.get("stateDir") or "/state"
    plugin.state, unfinished = State(directory), Unfinished(directory)


plugin.on_initialize = on_initialize


# MARK: The storage

@plugin.method("check_connection")
def check_connection(call):
    try:
        group(call)
    except PluginError as error:
        if error.symbol != "STORAGE_UNAVAILABLE":
            raise
        return {"connected": False}
    return {"connected": True}


@plugin.method("activate_storage")
def activate_storage(call):
    settled = unfinished.settle(group(call))
    if settled:
        call.log(f"put right what an interrupted run left of {', '.join(settled[:10])}", "notice")
    return {}


@plugin.method("status")
def status(call):
    try:
        here = group(call)
    except PluginError as error:
        if error.symbol != "STORAGE_UNAVAILABLE":
            raise
        return {"total": 0, "used": 0, "available": 0, "active": False}
    used = here.used(here.thin_pool)
    return {"total": here.thin_pool["size"], "used": used, "available": here.thin_pool["size"] - used, "active": True}


def located(call):
    name, snapshot = volume(call), snapname(call, required=False)
    here = Group(call)
    lv = here.snapshot_lv(name, snapshot) if snapshot else name.text
    return {"path": here.path(lv), "vmid": name.vmid, "vtype": "images"}


@plugin.method("filesystem_path")
def filesystem_path(call):
    return located(call)


@plugin.method("path")
def path(call):
    return located(call)


# MARK: Volumes

@plugin.method("list_images")
def list_images(call):
    return volumes.listing(call, group(call))


@plugin.method("volume_size_info")
def volume_size_info(call):
    here, name = group(call), volume(call)
    entry = volumes.describe(here, name, here.find(name))
    return {key: entry[key] for key in ("size", "format", "used", "parent", "ctime") if key in entry}


@plugin.method("alloc_image", mutating=True)
def alloc_image(call):
    return volumes.alloc(call, group(call), volume(call), call.integer("vmid", minimum=1, maximum=999999999),
                         call.text("format", limit=32), call.integer("size"))


@plugin.method("free_image", mutating=True)
def free_image(call):
    return volumes.free(call, group(call), volume(call))


@plugin.method("create_base", mutating=True)
def create_base(call):
    return volumes.create_base(call, group(call), volume(call), volume(call, "targetVolname"))


@plugin.method("clone_image", mutating=True)
def clone_image(call):
    target = volume(call, "targetVolname")
    if target.vmid != call.integer("vmid", minimum=1, maximum=999999999):
        raise PluginError("NAME_INVALID", f"'{target.text}' does not belong to that guest", field="/targetVolname")
    return volumes.clone(call, group(call), volume(call), snapname(call, required=False), target)


@plugin.method("rename_volume", mutating=True)
def rename_volume(call):
    return volumes.rename(call, group(call), volume(call), volume(call, "targetVolname"),
                          call.integer("targetVmid", minimum=1, maximum=999999999))


@plugin.method("volume_resize", mutating=True)
def volume_resize(call):
    if call.text("snapname", required=False):
        raise PluginError("NOT_SUPPORTED", "a snapshot cannot be resized")
    return volumes.resize(call, group(call), volume(call), call.integer("size"))


# MARK: Use

def addressed(call):
    """(group, volume's name, logical volume's name, access) of what a call is about, which must exist."""
    here, name, snapshot = group(call), volume(call), snapname(call, required=False)
    lv = here.find(name, snapshot)["name"]
    return here, name, lv, "ro" if snapshot or name.is_base else "rw"


@plugin.method("activate_volume")
def activate_volume(call):
    here, _, lv, access = addressed(call)
    here.activate(lv, access)
    return {}


@plugin.method("deactivate_volume")
def deactivate_volume(call):
    here, name, snapshot = group(call), volume(call), snapname(call, required=False)
    lv = here.snapshot_lv(name, snapshot) if snapshot else name.text
    if here.thin(lv) is not None:
        here.deactivate(lv)
    return {}


@plugin.method("map_volume")
def map_volume(call):
    here, _, lv, access = addressed(call)
    return {"path": here.activate(lv, access)}


@plugin.method("unmap_volume")
def unmap_volume(call):
    volume(call)
    return {}


@plugin.method("qemu_blockdev_options")
def qemu_blockdev_options(call):
    here, _, lv, access = addressed(call)
    return {"blockdev": {"driver": "host_device", "filename": here.path(lv), **({"read-only": True} if access == "ro"
                                                                               else {})}}


# MARK: Snapshots

@plugin.method("volume_snapshot", mutating=True)
def volume_snapshot(call):
    return volumes.snapshot(call, group(call), volume(call), snapname(call))


@plugin.method("volume_snapshot_info")
def volume_snapshot_info(call):
    return volumes.snapshot_info(group(call), volume(call))


@plugin.method("volume_rollback_is_possible")
def volume_rollback_is_possible(call):
    group(call).find(volume(call), snapname(call))
    return {}


@plugin.method("volume_snapshot_rollback", mutating=True)
def volume_snapshot_rollback(call):
    return volumes.rollback(call, group(call), unfinished, volume(call), snapname(call))


@plugin.method("volume_snapshot_delete", mutating=True)
def volume_snapshot_delete(call):
    return volumes.delete_snapshot(call, group(call), volume(call), snapname(call))


@plugin.method("rename_snapshot", mutating=True)
def rename_snapshot(call):
    return volumes.rename_snapshot(call, group(call), volume(call), snapname(call),
                                   snapname(call, "targetSnapname"))


@plugin.method("volume_qemu_snapshot_method")
def volume_qemu_snapshot_method(call):
    volume(call)
    return {"method": "storage"}


# MARK: Streams

@plugin.method("volume_export_formats")
def volume_export_formats(call):
    volume(call)
    plain = not call.flag("withSnapshots") and not call.text("baseSnapshot", required=False)
    return {"formats": FORMATS if plain else []}


@plugin.method("volume_import_formats")
def volume_import_formats(call):
    plain = not call.flag("withSnapshots") and not call.text("baseSnapshot", required=False)
    return {"formats": FORMATS if plain and not volume(call).is_base else []}


def stream(call, formats):
    """(FIFO's path, digest) of a call that may use one of `formats`."""
    form = call.text("format", limit=64)
    if form not in formats:
        raise PluginError("FORMAT_UNSUPPORTED", f"this volume does not travel as '{form}' with these options",
                          field="/format")
    reference = call.table("stream")
    if not isinstance(reference.get("path"), str):
        raise PluginError("INVALID_PARAMS", "stream.path is missing", field="/stream/path")
    return reference["path"], call.text("digest", required=False, limit=32)


@plugin.method("volume_export")
def volume_export(call):
    fifo, digest = stream(call, volume_export_formats(call)["formats"])
    here, _, lv, _ = addressed(call)
    return streams.send(call, here, lv, fifo, digest)


@plugin.method("volume_import", mutating=True)
def volume_import(call):
    if call.text("snapname", required=False):
        raise PluginError("NOT_SUPPORTED", "a snapshot cannot be imported")
    fifo, digest = stream(call, volume_import_formats(call)["formats"])
    return streams.receive(call, group(call), unfinished, volume(call), fifo, digest)


if __name__ == "__main__":
    plugin.run()
