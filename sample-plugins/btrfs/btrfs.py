#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth plugin `btrfs`: raw disks and container trees as btrfs subvolumes, with snapshots and instant clones."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attributes  # noqa: E402
import increments  # noqa: E402
import layout  # noqa: E402
import listing  # noqa: E402
import names  # noqa: E402
import privileged  # noqa: E402
import streams  # noqa: E402
import subvolumes  # noqa: E402
import transfer  # noqa: E402
import volumes  # noqa: E402
from berth_files import State, Stream, Temp  # noqa: E402
from berth_plugin import Plugin, PluginError  # noqa: E402

class Served(Plugin):
    """Remembers in each thread which call it serves, for what the host is asked deep inside."""

    def method(self, name, mutating=False):
        register = super().method(name, mutating)

        def wrap(function):
            def serve(call):
                privileged.serving.call = call
                try:
                    return function(call)
                finally:
                    privileged.serving.call = None
            register(serve)
            return function
        return wrap


plugin = Served()
store = None


def place(call):
    return volumes.Layout(call.table("scfg")).active()


def volume(call, key="volname"):
    return names.parse(call.text(key))


def image(call):
    name = volume(call)
    if name.vtype != "images" or name.format not in ("raw", "subvol"):
        raise PluginError("NOT_SUPPORTED", f"'{name.text}' is neither a disk nor a container volume of this storage")
    return place(call), name


def snapname(call, key="snapname", required=True):
    text = call.text(key, required=required, limit=1000)
    return names.snapshot(text) if text is not None else None


def on_initialize(session):
    global store
    plugin.state = State(session.get("stateDir") or "/state")
    store = volumes.Volumes(plugin.state)
    privileged.services = set(session.get("hostServices") or [])


plugin.on_initialize = on_initialize


@plugin.method("on_update_hook", mutating=True)
def on_update_hook(call):
    """Refuses values no storage of this type could work with. This older form of the hook is told the new values only."""
    update = call.table("update")
    volumes.Layout({"content": [], "path": "/", **update}).check()
    if not isinstance(update.get("nocow", False), bool):
        raise PluginError("CONFIG_INVALID", "'nocow' is true or false", field="/nocow")
    return {}


@plugin.method("activate_storage")
def activate_storage(call):
    here = volumes.Layout(call.table("scfg")).prepare()
    try:
        # Under a name of its own and on record: another activation may be at work, or this one be killed.
        with Temp(call, plugin.state, here.subdir("images"), remove=subvolumes.destroy) as probe:
            subvolumes.create(probe.path)
            subvolumes.destroy(probe.path)
    except OSError as error:
        raise PluginError("CONFIG_INVALID", f"{here.path} is no btrfs file system this plugin may make subvolumes in:"
                          f" {error.strerror}", field="/path") from None
    removed = plugin.state.remove_leftovers(streams.remove)
    if removed:
        call.log(f"settled {removed} unfinished subvolume(s) of an interrupted run in {here.path}", "notice")
    return {}


@plugin.method("status")
def status(call):
    here = volumes.Layout(call.table("scfg"))
    try:
        fs = os.statvfs(here.path)
    except FileNotFoundError:
        return {"total": 0, "used": 0, "available": 0, "active": False}
    return {"total": fs.f_blocks * fs.f_frsize, "used": (fs.f_blocks - fs.f_bfree) * fs.f_frsize,
            "available": fs.f_bavail * fs.f_frsize, "active": True}


def located(call):
    name = volume(call)
    here = volumes.Layout(call.table("scfg"))
    answer = {"path": here.file(name, snapname(call, required=False)) if name.vtype == "images" else here.file(name),
              "vtype": name.vtype}
    if name.vmid:
        answer["vmid"] = name.vmid
    return answer


@plugin.method("filesystem_path")
def filesystem_path(call):
    return located(call)


@plugin.method("path")
def path(call):
    return located(call)


@plugin.method("list_images")
def list_images(call):
    page = listing.Page(call.text("cursor", required=False), call.integer("limit", None, 1, 10000, required=False))
    images_page(call, page)
    return page.result()


def images_page(call, page):
    wanted = call.strings("volnames")
    if wanted is not None:
        parsed = (names.parse(text) for text in wanted)
        wanted = [f"{name.vmid}/{name.name.removesuffix('.raw')}" for name in parsed if name.vtype == "images"]
    listing.list_images(call, store, place(call), call.integer("vmid", None, 1, 999999999, required=False), wanted, page,
                        parse=split_entry)


def split_entry(text):
    owner, filename = text.split("/", 1)
    return int(owner), filename


@plugin.method("list_volumes")
def list_volumes(call):
    page = listing.Page(call.text("cursor", required=False), call.integer("limit", None, 1, 10000, required=False))
    listing.list_volumes(call, store, place(call), call.integer("vmid", None, 1, 999999999, required=False),
                         call.strings("content"), page)
    return page.result()


@plugin.method("alloc_image", mutating=True)
def alloc_image(call):
    return store.alloc(call, place(call), volume(call), call.integer("vmid", minimum=1, maximum=999999999),
                       call.text("format", limit=32), call.integer("size"))


@plugin.method("free_image", mutating=True)
def free_image(call):
    return store.free(call, place(call), volume(call))


@plugin.method("create_base", mutating=True)
def create_base(call):
    here, name = image(call)
    return store.create_base(call, here, name, volume(call, "targetVolname"))


@plugin.method("clone_image", mutating=True)
def clone_image(call):
    here, name = image(call)
    target = volume(call, "targetVolname")
    if target.vmid != call.integer("vmid", minimum=1, maximum=999999999):
        raise PluginError("NAME_INVALID", f"'{target.text}' does not belong to that guest", field="/targetVolname")
    return store.clone(call, here, name, snapname(call, required=False), target)


@plugin.method("rename_volume", mutating=True)
def rename_volume(call):
    here, name = image(call)
    return store.rename(call, here, name, volume(call, "targetVolname"),
                        call.integer("targetVmid", minimum=1, maximum=999999999))


@plugin.method("volume_size_info")
def volume_size_info(call):
    here, name = place(call), volume(call)
    if name.vtype != "images":
        info = layout.volume_stat(here.file(name), name.text)
        return {"size": info.st_size, "format": name.format, "used": info.st_blocks * 512}
    store.find(here, name)
    entry = store.describe(here, name.vmid, name.name.removesuffix(".raw"))
    return {key: entry[key] for key in ("size", "format", "used", "parent", "ctime") if key in entry}


@plugin.method("volume_resize", mutating=True)
def volume_resize(call):
    here, name = image(call)
    if snapname(call, required=False):
        raise PluginError("NOT_SUPPORTED", "a snapshot cannot be resized")
    return store.resize(call, here, name, call.integer("size"), call.flag("running"))


@plugin.method("get_volume_attribute")
def get_volume_attribute(call):
    here, name = place(call), volume(call)
    return {"value": attributes.get(here, name, call.text("attribute", limit=128))}


@plugin.method("update_volume_attribute", mutating=True)
def update_volume_attribute(call):
    here, name = place(call), volume(call)
    attributes.update(call, here, name, call.text("attribute", limit=128), call.params.get("value"))
    return {}


@plugin.method("activate_volume")
def activate_volume(call):
    here, name = place(call), volume(call)
    if name.vtype == "images":
        store.find(here, name, snapname(call, required=False))
    else:
        layout.volume_stat(here.file(name), name.text)
    return {}


@plugin.method("qemu_blockdev_options")
def qemu_blockdev_options(call):
    here, name = image(call)
    if name.format != "raw":
        raise PluginError("NOT_SUPPORTED", f"'{name.text}' is a tree, not a disk")
    _, file, _ = store.find(here, name, snapname(call, required=False))
    return {"blockdev": {"driver": "file", "filename": file}}


# MARK: Snapshots

@plugin.method("volume_snapshot", mutating=True)
def volume_snapshot(call):
    here, name = image(call)
    return store.snapshot(call, here, name, snapname(call))


@plugin.method("volume_snapshot_info")
def volume_snapshot_info(call):
    here, name = image(call)
    store.find(here, name)
    found = []
    for order, (_, label, uuid, seconds, path) in enumerate(store.snapshots(here, name)):
        item = {"name": label, "id": uuid, "timestamp": seconds, "order": order, "file": here.file(name, label)}
        if name.format == "raw":
            item["virtualSize"] = os.lstat(item["file"]).st_size
        if found:
            item["parent"] = found[-1]["name"]
            found[-1]["child"] = label
        found.append(item)
    return {"snapshots": found}


@plugin.method("volume_rollback_is_possible")
def volume_rollback_is_possible(call):
    here, name = image(call)
    store.find(here, name, snapname(call))
    if name.is_base:
        raise PluginError("ROLLBACK_BLOCKED", f"'{name.text}' is a base", blockers=[name.text])
    return {}


@plugin.method("volume_snapshot_rollback", mutating=True)
def volume_snapshot_rollback(call):
    here, name = image(call)
    store.rollback(call, here, name, snapname(call))
    return {}


@plugin.method("volume_snapshot_delete", mutating=True)
def volume_snapshot_delete(call):
    here, name = image(call)
    return store.delete_snapshot(call, here, name, snapname(call))


@plugin.method("rename_snapshot", mutating=True)
def rename_snapshot(call):
    here, name = image(call)
    return store.rename_snapshot(call, here, name, snapname(call), snapname(call, "targetSnapname"))


@plugin.method("volume_qemu_snapshot_method")
def volume_qemu_snapshot_method(call):
    volume(call)
    return {"method": "storage"}


@plugin.method("storage_can_replicate")
def storage_can_replicate(call):
    return {"supported": call.text("format", limit=32) == "subvol"}


# MARK: Transfer

def formats(name, snap, base, with_snapshots):
    if name.vtype != "images" or name.format not in ("raw", "subvol"):
        return []
    # The file system sends snapshots only.
    native = ["btrfs"] if snap is not None and privileged.offered() else []
    if with_snapshots or (base is not None and name.format == "raw"):
        return native
    return native + ["raw+size" if name.format == "raw" else "tar+size"]


@plugin.method("volume_export_formats")
def volume_export_formats(call):
    here, name = place(call), volume(call)
    snap, base = snapname(call, required=False), snapname(call, "baseSnapshot", False)
    if name.vtype == "images":
        store.find(here, name, snap)
    return {"formats": formats(name, snap, base, call.flag("withSnapshots"))}


@plugin.method("volume_import_formats")
def volume_import_formats(call):
    name = volume(call)
    snap, base = snapname(call, required=False), snapname(call, "baseSnapshot", False)
    return {"formats": formats(name, snap, base, call.flag("withSnapshots"))}


def stream_of(call, name):
    stream, form = call.table("stream"), call.text("format", limit=32)
    if stream.get("transport", "fifo") != "fifo" or not isinstance(stream.get("path"), str):
        raise PluginError("UNSUPPORTED_FEATURE", "only the fifo transport is known, with a path")
    snap, base = snapname(call, required=False), snapname(call, "baseSnapshot", False)
    if form not in formats(name, snap, base, call.flag("withSnapshots")):
        raise transfer.unsupported(form, name, "moved")
    return form, stream["path"], call.text("digest", required=False, limit=32), snap, base


@plugin.method("volume_export")
def volume_export(call):
    here, name = image(call)
    form, fifo, digest, snap, base = stream_of(call, name)
    if form == "btrfs":
        return streams.send(call, store, here, name, snap, base, call.flag("withSnapshots"))
    top, file, info = store.find(here, name, snap)
    if base is not None:
        store.find(here, name, base)
    with Stream(call, fifo, digest, writing=True) as stream:
        if name.format == "raw":
            with open(file, "rb", buffering=0) as source:
                stream.write(transfer.SIZE.pack(info.st_size))
                stream.send_file(source.fileno(), info.st_size, lambda done: call.progress(done, info.st_size))
        elif base is None:
            transfer.send_tree(call, stream, top)
        else:
            with increments.scratch_directory(plugin.state.directory) as scratch:
                arguments = increments.pack_arguments(call, here.subvolume(name, base), top, scratch)
                transfer.send_tree(call, stream, top, arguments)
        return stream.result()


@plugin.method("volume_import", mutating=True)
def volume_import(call):
    here, name = image(call)
    form, fifo, digest, label, base = stream_of(call, name)
    if base is None and (name.is_base or "@" in name.name):
        raise PluginError("NAME_INVALID", f"'{name.text}' is no name for a new volume", field="/volname")
    if form == "btrfs":
        received = streams.receive(call, store, here, name, label, base, call.flag("withSnapshots"))
        return {"volname": name.text, **received}
    result = {}

    def fill(path):
        if base is None:
            subvolumes.create(path)
        else:
            subvolumes.snapshot(here.subvolume(name, base), path, read_only=False)
        with Stream(call, fifo, digest, writing=False) as stream:
            (size,) = transfer.SIZE.unpack(stream.read_exactly(transfer.SIZE.size))
            if name.format == "raw":
                if size > (1 << 63) - volumes.UNIT:
                    raise stream.broken(f"the stream announces {size} bytes")
                store.disk(call, here, path, size)
                transfer.receive_raw(call, stream, os.path.join(path, "disk.raw"), size, new=False)
            elif base is None:
                transfer.unpack(call, stream, path)
            else:
                increments.unpack(call, stream, path)
            result.update(stream.result())

    if base is None:
        store.make(call, here, name, fill)
        if not result:
            raise PluginError("STREAM_BROKEN", f"'{name.text}' was made whole before the plugin was ended; its count"
                              " and digest are lost", outcome="completed", bytes=0)
    else:
        store.find(here, name, base)
        store.replace(call, here, name, fill)
    if label is not None:
        store.snapshot(call, here, name, label)
    return {"volname": name.text, **result}


if __name__ == "__main__":
    plugin.run()
