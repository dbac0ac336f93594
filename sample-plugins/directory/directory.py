#!/usr/bin/python3 -IS
# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth plugin `directory`: disk images, container trees and files in a directory, laid out as Proxmox VE does."""

import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import attributes  # noqa: E402
import chain  # noqa: E402
import images  # noqa: E402
import layout  # noqa: E402
import listing  # noqa: E402
import names  # noqa: E402
import ovf  # noqa: E402
import qemu  # noqa: E402
import retention  # noqa: E402
import transfer  # noqa: E402
from berth_files import State, fsync_path  # noqa: E402
from berth_plugin import Plugin, PluginError  # noqa: E402

plugin = Plugin()
store = None


def place(call):
    return layout.Layout(call.table("scfg")).active()


def volume(call, key="volname"):
    return names.parse(call.text(key))


def on_initialize(session):
    global store
    plugin.state = State(session.get("stateDir") or "/state")
    store = images.Images(plugin.state)


plugin.on_initialize = on_initialize


# MARK: Definition and hooks

@plugin.method("check_config")
def check_config(call):
    scfg = call.table("scfg")
    layout.Layout(scfg).check()
    return {"scfg": scfg}


@plugin.method("get_formats")
def get_formats(call):
    wanted = call.table("scfg").get("format")
    return {"default": wanted if wanted in names.IMAGE_FORMATS else "raw", "valid": list(names.IMAGE_FORMATS)}


@plugin.method("on_add_hook", mutating=True)
def on_add_hook(call):
    """Refuses a storage that cannot work before it enters the configuration."""
    here = layout.Layout(call.table("scfg"))
    here.check()
    here.check_places()
    return {}


@plugin.method("on_update_hook_full", mutating=True)
def on_update_hook_full(call):
    """Refuses a change after which the storage could not work: what counts is the configuration it would lead to."""
    scfg = {**call.table("scfg"), **call.table("update")}
    for name in call.strings("delete") or []:
        scfg.pop(name, None)
    layout.Layout(scfg).check()
    return {}


@plugin.method("on_delete_hook", mutating=True)
def on_delete_hook(call):
    """The storage goes, its data stays: only unfinished work and the empty directories made by this plugin are removed.
    A directory that is not there (unmounted) keeps nobody from removing the storage."""
    here = layout.Layout(call.table("scfg"))
    plugin.state.remove_leftovers()
    made = made_directories(call)
    for path in reversed(made):
        if path == here.path or path.startswith(here.path + "/"):
            with contextlib.suppress(OSError):
                os.rmdir(path)
    if made:
        call.host("host.journal.delete", key="made")
    return {}


def made_directories(call):
    """The directories that activations of this storage made; the host remembers them, also when the plugin's own state
    is a candidate's that ends with the call."""
    if "host.journal.get" not in plugin.session.get("hostServices", []):
        return []
    try:
        return [path for path in json.loads(call.host("host.journal.get", key="made")["value"] or "[]")
                if isinstance(path, str)]
    except ValueError:
        return []


# MARK: The storage

@plugin.method("activate_storage")
def activate_storage(call):
    here, made = layout.Layout(call.table("scfg")), []
    try:
        here.prepare(made)
    finally:
        if made and "host.journal.put" in plugin.session.get("hostServices", []):
            call.host("host.journal.put", key="made", value=json.dumps(made_directories(call) + made))
    here.check_places()
    removed = plugin.state.remove_leftovers()
    if removed:
        call.log(f"removed {removed} unfinished file(s) of an interrupted run from {here.path}", "notice")
    return {}


@plugin.method("deactivate_storage")
def deactivate_storage(call):
    layout.Layout(call.table("scfg"))
    return {}


@plugin.method("check_connection")
def check_connection(call):
    return {"connected": os.path.isdir(layout.Layout(call.table("scfg")).path)}


@plugin.method("status")
def status(call):
    here = layout.Layout(call.table("scfg"))
    try:
        fs = os.statvfs(here.path)
    except FileNotFoundError:
        return {"total": 0, "used": 0, "available": 0, "active": False}
    return {"total": fs.f_blocks * fs.f_frsize, "used": (fs.f_blocks - fs.f_bfree) * fs.f_frsize,
            "available": fs.f_bavail * fs.f_frsize, "active": True}


@plugin.method("get_identity")
def get_identity(call):
    """The file system's id and the directory in it: equal on two nodes that mount the same file system."""
    here = place(call)
    return {"identity": f"{os.statvfs(here.path).f_fsid:016x}:{os.stat(here.path).st_ino}"}


@plugin.method("parse_volname")
def parse_volname(call):
    return {"parts": volume(call).parts()}


@plugin.method("get_subdir")
def get_subdir(call):
    return {"path": layout.Layout(call.table("scfg")).subdir(call.text("vtype"))}


def located(call):
    name = volume(call)
    path = layout.Layout(call.table("scfg")).file(name)
    if call.text("snapname", required=False) and name.format != "qcow2":
        raise PluginError("NOT_SUPPORTED", f"a {name.format} volume has no snapshots")
    path = snapshot_file(call, path)
    answer = {"path": path, "vtype": name.vtype}
    if name.vmid:
        answer["vmid"] = name.vmid
    return answer


def snapshot_file(call, path):
    """The image's own file, or where snapshots are files the asked snapshot's."""
    wanted = call.text("snapname", required=False)
    if wanted and chain.enabled(layout.Layout(call.table("scfg"))):
        return chain.file_of(path, names.snapshot(wanted))
    return path


@plugin.method("filesystem_path")
def filesystem_path(call):
    return located(call)


@plugin.method("path")
def path(call):
    return located(call)


@plugin.method("find_free_diskname")
def find_free_diskname(call):
    here, vmid = place(call), call.integer("vmid", minimum=1, maximum=999999999)
    form = call.text("format", "raw", limit=32)
    if form not in names.IMAGE_FORMATS:
        raise PluginError("FORMAT_UNSUPPORTED", f"no image format '{form}' here")
    taken = set()
    try:
        taken.update(os.listdir(os.path.join(here.subdir("images"), str(vmid))))
    except FileNotFoundError:
        pass
    taken.update(name.rsplit("/", 1)[-1] for name in call.strings("exclude") or [])
    numbers = {part.split(".", 1)[0].rsplit("-", 1)[-1] for part in taken if "-disk-" in part}
    for number in range(1024):
        if str(number) not in numbers:
            prefix = "subvol" if form == "subvol" else "vm"
            return {"volname": f"{vmid}/{prefix}-{vmid}-disk-{number}.{form}"}
    raise PluginError("NO_SPACE", f"all 1024 disk names of guest {vmid} are taken")


# MARK: Images

@plugin.method("list_images")
def list_images(call):
    page = listing.Page(call.text("cursor", required=False), call.integer("limit", None, 1, 10000, required=False))
    listing.list_images(call, store, place(call), call.integer("vmid", None, 1, 999999999, required=False),
                        call.strings("volnames"), page)
    return page.result()


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


@plugin.method("run_cleanup", mutating=True)
def run_cleanup(call):
    return store.cleanup(call, place(call), call.text("token"))


@plugin.method("create_base", mutating=True)
def create_base(call):
    return store.create_base(call, place(call), volume(call), volume(call, "targetVolname"))


@plugin.method("clone_image", mutating=True)
def clone_image(call):
    if call.text("snapname", required=False):
        raise PluginError("NOT_SUPPORTED", "linked clones are made of base images, not of snapshots")
    target = volume(call, "targetVolname")
    if target.vmid != call.integer("vmid", minimum=1, maximum=999999999):
        raise PluginError("NAME_INVALID", f"'{target.text}' does not belong to that guest", field="/targetVolname")
    return store.clone(call, place(call), volume(call), target)


@plugin.method("rename_volume", mutating=True)
def rename_volume(call):
    return store.rename(call, place(call), volume(call), volume(call, "targetVolname"),
                        call.integer("targetVmid", minimum=1, maximum=999999999))


# MARK: Volumes

@plugin.method("volume_size_info")
def volume_size_info(call):
    here, name = place(call), volume(call)
    file = here.file(name)
    info = layout.volume_stat(file, name.text, name.format == "subvol")
    if name.vtype != "images":
        return {"size": info.st_size, "format": name.format, "used": info.st_blocks * 512,
                "ctime": max(0, int(info.st_ctime))}
    qemu.header(file, name.format, info)
    entry = store.describe(here, name.vmid, name.name, file, info)
    return {key: entry[key] for key in ("size", "format", "used", "parent", "ctime") if key in entry}


@plugin.method("volume_resize", mutating=True)
def volume_resize(call):
    if call.text("snapname", required=False):
        raise PluginError("NOT_SUPPORTED", "a snapshot cannot be resized")
    return store.resize(call, place(call), volume(call), call.integer("size"), call.flag("running"))


@plugin.method("get_volume_attribute")
def get_volume_attribute(call):
    here, name = place(call), volume(call)
    return {"value": attributes.get(here, name, call.text("attribute", limit=128))}


@plugin.method("update_volume_attribute", mutating=True)
def update_volume_attribute(call):
    here, name = place(call), volume(call)
    attributes.update(call, here, name, call.text("attribute", limit=128), call.params.get("value"))
    return {}


FEATURES = {
    "snapshot": {"current": {"qcow2"}, "snap": {"qcow2"}},
    "clone": {"base": {"qcow2", "raw", "vmdk"}},
    "template": {"current": {"qcow2", "raw", "vmdk", "subvol"}},
    "copy": {"base": {"qcow2", "raw", "vmdk"}, "current": {"qcow2", "raw", "vmdk"}, "snap": {"qcow2"}},
    "sparseinit": {"base": {"qcow2", "raw", "vmdk"}, "current": {"qcow2", "raw", "vmdk"}},
    "rename": {"current": {"qcow2", "raw", "vmdk"}},
}


@plugin.method("prune_backups", mutating=True)
def prune_backups(call):
    kind = call.text("type", required=False, limit=32)
    return retention.prune(call, store, place(call), call.table("keep"),
                           call.integer("vmid", None, 1, 999999999, required=False), kind, call.flag("dryRun"))


@plugin.method("volume_has_feature")
def volume_has_feature(call):
    name, feature = volume(call), call.text("feature", limit=64)
    key = "snap" if call.text("snapname", required=False) else "base" if name.is_base else "current"
    targets = call.strings("validTargetFormats")
    if feature == "clone" and targets and "qcow2" not in targets:
        return {"supported": False}
    return {"supported": name.vtype == "images" and name.format in FEATURES.get(feature, {}).get(key, ())}


@plugin.method("activate_volume")
def activate_volume(call):
    here, name = place(call), volume(call)
    layout.volume_stat(here.file(name), name.text, name.format == "subvol")
    located(call)
    return {}


@plugin.method("deactivate_volume")
def deactivate_volume(call):
    volume(call)
    return {}


@plugin.method("map_volume")
def map_volume(call):
    activate_volume(call)
    return {"path": located(call)["path"]}


@plugin.method("unmap_volume")
def unmap_volume(call):
    volume(call)
    return {}


@plugin.method("qemu_blockdev_options")
def qemu_blockdev_options(call):
    here, name = place(call), volume(call)
    if call.text("snapname", required=False) and name.format != "qcow2":
        raise PluginError("NOT_SUPPORTED", f"a {name.format} volume has no snapshots")
    file = snapshot_file(call, here.file(name))
    if not os.path.lexists(file) and call.text("snapname", required=False) and os.path.lexists(here.file(name)):
        raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{call.text('snapname')}'")
    layout.volume_stat(file, name.text)
    return {"blockdev": {"driver": "file", "filename": file}}


# MARK: Snapshots

def snapshotted(call):
    here, name = place(call), volume(call)
    if name.vtype != "images" or name.format != "qcow2":
        raise PluginError("NOT_SUPPORTED", f"a {name.format} volume has no snapshots; qcow2 has")
    file, _ = store.find(here, name)
    if call.intent is not None and not chain.enabled(here):
        qemu.mend(call.shield(), file)  # an earlier run of this request was killed
    return here, name, file


def snapshot_names(call, file):
    return [entry["name"] for entry in qemu.snapshots(call, file)]


@plugin.method("volume_snapshot", mutating=True)
def volume_snapshot(call):
    here, name, file = snapshotted(call)
    wanted = names.snapshot(call.text("snapname"))
    if name.is_base:
        raise PluginError("READ_ONLY", f"'{name.text}' is a base image")
    if chain.enabled(here):
        return chain.take(call, store, here, name, file, wanted, call.flag("running"))
    if wanted in snapshot_names(call, file):
        if call.intent is not None and call.intent.get("snapshot") == wanted:
            return {}
        raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{wanted}' already")
    change(call, here, file, "-c", wanted, lambda calm: wanted in snapshot_names(calm, file))
    return {}


@plugin.method("volume_snapshot_info")
def volume_snapshot_info(call):
    here, name, file = snapshotted(call)
    if chain.enabled(here):
        return chain.info(name, file)
    entries = sorted(qemu.snapshots(call, file), key=lambda entry: (entry["date-sec"], entry["date-nsec"]))
    found, previous = [], None
    for order, entry in enumerate(entries):
        item = {"name": entry["name"], "id": str(entry["id"]), "timestamp": max(0, int(entry["date-sec"])),
                "order": order}
        if previous is not None:
            item["parent"] = previous["name"]
            previous["child"] = entry["name"]
        found.append(item)
        previous = item
    return {"snapshots": found}


def rollback_target(call):
    here, name, file = snapshotted(call)
    wanted = names.snapshot(call.text("snapname"))
    if chain.enabled(here):
        chain.newest(name, file, wanted)
        return here, name, file, wanted
    if wanted not in snapshot_names(call, file):
        raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{wanted}'")
    blockers = store.dependents(here, name.vmid, name.name)
    if blockers:
        raise PluginError("ROLLBACK_BLOCKED", f"{len(blockers)} linked clone(s) build on the present state of"
                          f" '{name.text}'", blockers=blockers[:100])
    return here, name, file, wanted


@plugin.method("volume_rollback_is_possible")
def volume_rollback_is_possible(call):
    rollback_target(call)
    return {}


@plugin.method("volume_snapshot_rollback", mutating=True)
def volume_snapshot_rollback(call):
    here, name, file, wanted = rollback_target(call)
    if chain.enabled(here):
        return chain.roll_back(call, store, here, name, file, wanted)
    change(call, here, file, "-a", wanted, None)
    return {}


@plugin.method("volume_snapshot_delete", mutating=True)
def volume_snapshot_delete(call):
    here, name, file = snapshotted(call)
    wanted = names.snapshot(call.text("snapname"))
    if chain.enabled(here):
        return chain.remove(call, store, here, name, file, wanted, call.flag("running"))
    # A running guest's QEMU has removed it itself.
    if not call.flag("running") and wanted in snapshot_names(call, file):
        change(call, here, file, "-d", wanted, lambda calm: wanted not in snapshot_names(calm, file))
    return {}


@plugin.method("rename_snapshot", mutating=True)
def rename_snapshot(call):
    here, name, file = snapshotted(call)
    wanted, target = names.snapshot(call.text("snapname")), names.snapshot(call.text("targetSnapname"))
    if not chain.enabled(here):
        raise PluginError("NOT_SUPPORTED", f"the snapshots inside the qcow2 image '{name.text}' cannot be renamed",
                          hint="storages with snapshot-as-volume-chain can")
    return chain.rename(call, store, name, file, wanted, target)


def change(call, here, file, action, wanted, done):
    """One change of an image's snapshot table. Once begun it is not interrupted: it takes moments, and half of it would
    be worse than all of it. When it fails, the outcome is what the image then says."""
    call.check()
    call.note({"snapshot": wanted})
    call.outcome = "unknown"
    calm = call.shield()
    try:
        with images.space(here, None):
            qemu.snapshot(calm, file, action, wanted)
            fsync_path(file)
    except PluginError as error:
        if error.symbol in ("VOLUME_BUSY", "PERMISSION_DENIED", "READ_ONLY", "NOT_SUPPORTED"):
            call.outcome = "not_started"
            raise
        qemu.mend(calm, file)
        if done is not None:
            call.outcome = "completed" if done(calm) else "rolled_back"
        raise
    call.outcome = "completed"


@plugin.method("volume_qemu_snapshot_method")
def volume_qemu_snapshot_method(call):
    if volume(call).format != "qcow2":
        return {"method": "storage"}
    return {"method": "mixed" if chain.enabled(layout.Layout(call.table("scfg"))) else "qemu"}


@plugin.method("volume_snapshot_needs_fsfreeze")
def volume_snapshot_needs_fsfreeze(call):
    return {"needed": False}


@plugin.method("storage_can_replicate")
def storage_can_replicate(call):
    return {"supported": False}


# MARK: Transfer

def stream_of(call):
    stream = call.table("stream")
    if stream.get("transport", "fifo") != "fifo" or not isinstance(stream.get("path"), str):
        raise PluginError("UNSUPPORTED_FEATURE", "only the fifo transport is known, with a path")
    if call.text("baseSnapshot", required=False):
        raise PluginError("FORMAT_UNSUPPORTED", "incremental streams are not known here")
    return stream["path"], call.text("digest", required=False, limit=32)


@plugin.method("volume_export_formats")
def volume_export_formats(call):
    here, name = place(call), volume(call)
    if call.text("baseSnapshot", required=False):
        return {"formats": []}
    info = layout.volume_stat(here.file(name), name.text, name.format == "subvol")
    _, backing = qemu.header(here.file(name), name.format, info) if name.vtype == "images" else (0, None)
    formats = transfer.export_formats(name, call.flag("withSnapshots"), backing)
    if call.text("snapname", required=False):
        formats = [form for form in formats if form == "raw+size" and name.format == "qcow2"]
    return {"formats": formats}


@plugin.method("volume_import_formats")
def volume_import_formats(call):
    name = volume(call)
    if call.text("baseSnapshot", required=False):
        return {"formats": []}
    return {"formats": transfer.import_formats(name, call.flag("withSnapshots"))}


@plugin.method("volume_export")
def volume_export(call):
    path, digest = stream_of(call)
    snapname = call.text("snapname", required=False)
    return transfer.send(call, place(call), volume(call), call.text("format", limit=32), snapname,
                         call.flag("withSnapshots"), path, digest)


@plugin.method("volume_import", mutating=True)
def volume_import(call):
    path, digest = stream_of(call)
    return transfer.receive(call, store, place(call), volume(call), call.text("format", limit=32),
                            call.flag("withSnapshots"), path, digest)


@plugin.method("get_import_metadata")
def get_import_metadata(call):
    here, name = place(call), volume(call)
    return ovf.metadata(here, name)


if __name__ == "__main__":
    plugin.run()
