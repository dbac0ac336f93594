# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Thin volumes and their snapshots. The host holds the storage's lock during every change, so what was seen to be free
stays free; an intent noted after that look means, on replay, that what is there now was made by the killed run."""

import bisect

from berth_plugin import PluginError
from group import NEW, OLD

SECTOR = 512
LARGEST = (1 << 63) - (1 << 32)  # LVM rounds up to extents


def exists(name):
    return PluginError("VOLUME_EXISTS", f"'{name.text}' exists already")


def describe(group, name, entry):
    """A listing's entry."""
    found = {"volname": name.text, "format": "raw", "size": entry["size"], "used": group.used(entry), "vmid": name.vmid}
    if "ctime" in entry:
        found["ctime"] = entry["ctime"]
    if entry.get("origin", "").startswith("base-") and group.thin(entry["origin"]) is not None:
        found["parent"] = entry["origin"]
    return found


def listing(call, group):
    vmid = call.integer("vmid", None, 1, 999999999, required=False)
    wanted, limit = call.strings("volnames"), call.integer("limit", None, 1, 10000, required=False)
    cursor = call.text("cursor", required=False)
    found = [describe(group, name, entry) for name, entry in group.volumes()
             if (vmid is None or name.vmid == vmid) and (wanted is None or name.text in wanted)]
    if cursor is not None:
        # Pages are cut by name, so volumes that come or go in between shift nothing.
        if not cursor.startswith("after:"):
            raise PluginError("CURSOR_INVALID", "this cursor was not made here; start the listing again")
        found = found[bisect.bisect_right([entry["volname"] for entry in found], cursor.removeprefix("after:")):]
    if limit is None or len(found) <= limit:
        return {"volumes": found}
    return {"volumes": found[:limit], "nextCursor": "after:" + found[limit - 1]["volname"]}


def intended(call, what):
    """Whether an earlier, killed run of this request was about to make `what`."""
    return call.intent is not None and call.intent.get("make") == what


def checked_size(size):
    if not 0 < size <= LARGEST:
        raise PluginError("INVALID_PARAMS", f"the size of a disk must be from 1 to {LARGEST} bytes", field="/size")
    return (size + SECTOR - 1) // SECTOR * SECTOR


# MARK: Volumes

def alloc(call, group, name, vmid, form, size):
    if form != "raw":
        raise PluginError("FORMAT_UNSUPPORTED", f"no format '{form}' here: logical volumes are raw", field="/format")
    if name.vmid != vmid or name.is_base:
        raise PluginError("NAME_INVALID", f"'{name.text}' is no name for a new volume of guest {vmid}",
                          field="/volname")
    size = checked_size(size)
    if intended(call, name.text) and group.thin(name.text) is not None:
        return {"volname": name.text, "size": group.thin(name.text)["size"]}
    group.unclaimed(name)
    call.check()
    call.note({"make": name.text})
    made = group.create(name.text, size)
    call.outcome = "completed"
    return {"volname": name.text, "size": made["size"]}


def free(call, group, name):
    if group.thin(name.text) is None:
        if name.text in group.report:
            raise PluginError("VOLUME_NOT_FOUND", f"'{name.text}' exists, but not in the thin pool '{group.pool}'")
        return {}
    if name.is_base and group.clones(name):
        raise PluginError("HAS_DEPENDENTS", f"clones of '{name.text}' exist", dependents=group.clones(name)[:100])
    call.check()
    # The volume last: while it is there its snapshots are known to be its own.
    for lv in [entry["name"] for _, _, entry in group.snapshots(name)] + [name.text]:
        group.deactivate(lv)
        group.remove(lv)
    call.outcome = "completed"
    return {}


def resize(call, group, name, size):
    entry = group.find(name)
    if name.is_base:
        raise PluginError("READ_ONLY", f"'{name.text}' is a base")
    size = checked_size(size)
    if size < entry["size"]:
        raise PluginError("NOT_SUPPORTED", f"'{name.text}' has {entry['size']} bytes and cannot shrink to {size}",
                          field="/size")
    call.check()
    made = group.resize(name.text, size) if size > entry["size"] else entry
    call.outcome = "completed"
    return {"size": made["size"]}


def create_base(call, group, source, target):
    if not target.is_base or target.vmid != source.vmid:
        raise PluginError("NAME_INVALID", f"'{target.text}' is no name for a base of '{source.text}'",
                          field="/targetVolname")
    if not (intended(call, target.text) and group.thin(source.text) is None and group.thin(target.text) is not None):
        if source.is_base:
            raise PluginError("NOT_SUPPORTED", f"'{source.text}' is a base already")
        group.find(source)
        snapshots = [snapname for _, snapname, _ in group.snapshots(source)]
        if snapshots:
            raise PluginError("HAS_DEPENDENTS", f"'{source.text}' has snapshots: remove them first",
                              dependents=snapshots[:100])
        group.unclaimed(target)
        call.check()
        call.note({"make": target.text})
        # Activated anew it is read-only; whoever still has it open keeps the host from taking the node away.
        group.deactivate(source.text)
        group.rename(source.text, target.text)
    call.outcome = "completed"
    return {"volname": target.text}


def clone(call, group, source, snapname, target):
    if target.is_base:
        raise PluginError("NAME_INVALID", f"'{target.text}' is no name for a clone", field="/targetVolname")
    if not source.is_base and snapname is None:
        raise PluginError("NOT_SUPPORTED", f"'{source.text}' is neither a base nor a snapshot")
    origin = group.find(source, snapname)["name"]
    if not (intended(call, target.text) and group.thin(target.text) is not None):
        group.unclaimed(target)
        call.check()
        call.note({"make": target.text})
        group.snapshot(origin, target.text, read_only=False)
    call.outcome = "completed"
    return {"volname": target.text}


def rename(call, group, source, target, vmid):
    if source.is_base or target.is_base or target.vmid != vmid:
        raise PluginError("NAME_INVALID", f"'{source.text}' cannot become '{target.text}'", field="/targetVolname")
    begun = intended(call, target.text)
    moves = [(entry["name"], group.snapshot_lv(target, snapname)) for _, snapname, entry in group.snapshots(source)]
    if not begun:
        group.find(source)
        group.unclaimed(target)
    if any(new in group.report and new != old for old, new in moves) and not begun:
        raise exists(target)
    call.check()
    call.note({"make": target.text})
    # Snapshots first: they belong to `source` by name as long as it is there, so that a second run finds the rest.
    for old, new in moves:
        group.rename(old, new)
    if group.thin(source.text) is not None:
        group.rename(source.text, target.text)
    elif group.thin(target.text) is None:
        raise PluginError("VOLUME_NOT_FOUND", f"there is no volume '{source.text}'")
    call.outcome = "completed"
    return {"volname": target.text}


# MARK: Snapshots

def snapshot(call, group, name, snapname):
    group.find(name)
    if name.is_base:
        raise PluginError("READ_ONLY", f"'{name.text}' is a base")
    lv = group.snapshot_lv(name, snapname)
    if lv in group.report:
        if intended(call, lv):
            return {}
        raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{snapname}' already")
    if group.owner(lv) != name.text:
        raise PluginError("INVALID_PARAMS", f"a snapshot '{snapname}' of '{name.text}' would look like one of"
                          f" '{group.owner(lv)}'", field="/snapname")
    call.check()
    call.note({"make": lv})
    group.snapshot(name.text, lv, read_only=True)
    call.outcome = "completed"
    return {}


def snapshot_info(group, name):
    group.find(name)
    found = []
    for order, (ctime, snapname, entry) in enumerate(group.snapshots(name)):
        item = {"name": snapname, "timestamp": ctime, "order": order, "virtualSize": entry["size"],
                "file": group.path(entry["name"])}
        if found:
            item["parent"], found[-1]["child"] = found[-1]["name"], snapname
        found.append(item)
    return {"snapshots": found}


def rollback(call, group, unfinished, name, snapname):
    """The snapshot stays; a new thin snapshot of it takes the volume's name. Whatever moment this is killed at, the
    next activation finds the old or the new state, whole."""
    group.find(name, snapname)
    if name.is_base:
        raise PluginError("READ_ONLY", f"'{name.text}' is a base")
    new, old = NEW + name.text, OLD + name.text
    with unfinished.work(name.text) as record:
        call.check()
        unfinished.settle_one(group, name.text)
        group.deactivate(name.text)  # VOLUME_BUSY while somebody has it open
        before = call.outcome
        group.snapshot(group.snapshot_lv(name, snapname), new, read_only=False)
        try:
            group.rename(name.text, old)
        except PluginError:
            if call.outcome == "partial":
                group.remove(new)
                call.outcome = "rolled_back" if before == "not_started" else before
            raise
        group.rename(new, name.text)
        group.remove(old)
        record.done()
    call.outcome = "completed"
    return {}


def delete_snapshot(call, group, name, snapname):
    group.find(name)
    lv = group.snapshot_lv(name, snapname)
    if group.thin(lv) is not None and group.owner(lv) == name.text:
        call.check()
        group.deactivate(lv)
        group.remove(lv)
    call.outcome = "completed"
    return {}


def rename_snapshot(call, group, name, old, new):
    target = group.snapshot_lv(name, new)
    if not (intended(call, target) and target in group.report):
        entry = group.find(name, old)
        if target in group.report:
            raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{new}' already")
        if group.owner(target) != name.text:
            raise PluginError("INVALID_PARAMS", f"a snapshot '{new}' of '{name.text}' would look like one of"
                              f" '{group.owner(target)}'", field="/targetSnapname")
        call.check()
        call.note({"make": target})
        group.rename(entry["name"], target)
    call.outcome = "completed"
    return {}
