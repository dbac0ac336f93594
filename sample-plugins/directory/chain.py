# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Snapshots as files of their own (`snapshot-as-volume-chain`), named and chained as Proxmox VE 9 does: `NAME.qcow2` is
the live image and stands on `snap-SNAPSHOT-NAME.qcow2`, which stands on the snapshot before it.

A chain is what the images' own headers say, never what a directory happens to hold. Every change keeps the volume whole
at each instant: a file gets its name by one rename, and the old one goes afterwards."""

import contextlib
import errno
import fcntl
import os
import struct
from dataclasses import dataclass

import images
import layout
import nbd
import qemu
from berth_files import Temp, fsync_path
from berth_plugin import PluginError

LONGEST = 1000
F_OFD_GETLK = 36
LOCK = struct.Struct("hhqqi4x")


@dataclass
class Link:
    """One image of a chain: `snapshot` is None for the live one."""
    path: str
    snapshot: str | None
    size: int
    backing: str | None


def enabled(place):
    return layout.is_true(place.scfg.get("snapshot-as-volume-chain", False))


def file_of(file, snapshot):
    """Where the snapshot of the image `file` is kept."""
    folder, name = os.path.split(file)
    return os.path.join(folder, f"snap-{snapshot}-{name}")


def snapshot_in(backing, name):
    """The snapshot a backing name stands for, or None when it is the image of something else."""
    if backing is None or not backing.startswith("snap-") or not backing.endswith("-" + name):
        return None
    return backing[len("snap-"):-len(name) - 1] or None


def links(file):
    """The images of a volume, the live one first. A snapshot whose file is missing ends the list."""
    found, name, path, snapshot = [], os.path.basename(file), file, None
    while True:
        info = layout.volume_stat(path, os.path.basename(path))
        size, backing = qemu.header(path, "qcow2", info)
        found.append(Link(path, snapshot, size, backing))
        snapshot = snapshot_in(backing, name)
        if snapshot is None:
            return found
        path = file_of(file, snapshot)
        if any(link.path == path for link in found) or len(found) > LONGEST:
            raise PluginError("CORRUPT", f"the snapshots of {name} refer to each other in a circle")
        if not os.path.lexists(path):
            return found


def root_backing(file, backing):
    """What the oldest image of a chain stands on: the base of a linked clone, or None."""
    if snapshot_in(backing, os.path.basename(file)) is None:
        return backing
    try:
        last = links(file)[-1].backing
    except (PluginError, OSError):
        return None
    return last if snapshot_in(last, os.path.basename(file)) is None else None


def snapshots(file):
    """The links that are snapshots, oldest first."""
    return [link for link in reversed(links(file)) if link.snapshot is not None]


def find(name, file, wanted):
    for link in links(file):
        if link.snapshot == wanted:
            return link
    raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{wanted}'")


def info(name, file):
    chain = list(reversed(links(file)))
    found = []
    for order, link in enumerate(chain):
        item = {"name": link.snapshot or "current", "order": order, "file": link.path, "virtualSize": link.size}
        if link.snapshot is not None:
            item["volname"] = f"{name.vmid}/{os.path.basename(link.path)}"
        if order:
            item["parent"] = chain[order - 1].snapshot
        if order + 1 < len(chain):
            item["child"] = chain[order + 1].snapshot or "current"
        found.append(item)
    # A volume without snapshots has nothing to chain.
    return {"snapshots": found if len(found) > 1 else []}


def unused(path, text):
    """Refuses an image that a running QEMU has open: it would go on writing to what is about to be another file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        # QEMU holds open-file-description locks on single bytes from 100 on.
        answer = LOCK.unpack(fcntl.fcntl(fd, F_OFD_GETLK, LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 100, 200, 0)))
    finally:
        os.close(fd)
    if answer[0] != fcntl.F_UNLCK:
        raise PluginError("VOLUME_BUSY", f"'{text}' is in use", hint="stop the guest first")


# MARK: Changes

def overlay(call, path, backing, size):
    """An empty image over `backing`, a file name beside it that need not exist yet."""
    qemu.create_over(call, path, backing, size)
    os.chmod(path, 0o640)
    fsync_path(path)


def take(call, store, place, name, file, wanted, running=False):
    """A new snapshot: the live image becomes it, and an empty image over it becomes the live one.

    The snapshot's name is a second one of the live image until the rename; so a killed run leaves the volume as it was,
    and its extra name is recognised later. A running guest's QEMU must be told to use the new image."""
    target, info = file_of(file, wanted), os.lstat(file)
    if call.intent is not None and call.intent.get("overlay") == info.st_ino:
        return {}
    fits(name, target, "/snapname")
    if not running:
        unused(file, name.text)
    if os.path.lexists(target):
        chain = links(file)
        spare = not any(link.snapshot == wanted for link in chain) and os.lstat(target).st_ino in (
            os.lstat(link.path).st_ino for link in chain)
        if not spare:
            raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{wanted}' already")
        os.unlink(target)
    size, _ = qemu.header(file, "qcow2", info)
    with images.space(place, None), Temp(call, store.state, os.path.dirname(file), ".qcow2") as temp:
        overlay(call, temp.path, os.path.basename(target), size)
        call.check()
        call.note({"overlay": os.lstat(temp.path).st_ino})
        second_name(file, target)
        try:
            fsync_path(os.path.dirname(file))
            os.rename(temp.path, file)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target)
            raise
        settle(call, store, temp, file)
    return {}


def second_name(path, target):
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
            raise
        raise PluginError("NOT_SUPPORTED", "snapshots as files need a file system with hard links") from None


def fits(name, path, field):
    if len(os.path.basename(path).encode()) > 255:
        raise PluginError("INVALID_PARAMS", f"with this snapshot name a file name of '{name.text}' gets too long",
                          field=field)


def drop(store, path):
    """Removes a file that nothing refers to any more; a killed run's is removed at the next activation."""
    note = store.state.open_temp(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    fsync_path(os.path.dirname(path))
    store.state.close_temp(note)


def settle(call, store, temp, file):
    """After a rename over the live image: it is done."""
    temp.committed = True
    call.outcome = "completed"
    fsync_path(os.path.dirname(file))
    store.state.close_temp(temp.note)


def newest(name, file, wanted):
    """The link of a snapshot that is the newest; others stand in the way of going back further."""
    link = find(name, file, wanted)
    later = [other.snapshot for other in links(file)[1:]]
    later = later[:later.index(wanted)]
    if later:
        raise PluginError("ROLLBACK_BLOCKED", f"'{name.text}' has {len(later)} snapshot(s) newer than '{wanted}'",
                          blockers=later[:100], hint="delete the newer snapshots first")
    return link


def roll_back(call, store, place, name, file, wanted):
    """Puts a fresh, empty image over the snapshot in the place of the live one."""
    link = newest(name, file, wanted)
    unused(file, name.text)
    with images.space(place, None), Temp(call, store.state, os.path.dirname(file), ".qcow2") as temp:
        overlay(call, temp.path, os.path.basename(link.path), link.size)
        call.check()
        os.rename(temp.path, file)
        settle(call, store, temp, file)
    return {}


def remove(call, store, place, name, file, wanted, running):
    """Takes a snapshot out of the chain: what only it holds is copied into the image above it, which then stands on the
    one below. Interrupted, the chain is as it was."""
    chain, target = links(file), file_of(file, wanted)
    index = next((index for index, link in enumerate(chain) if link.snapshot == wanted), None)
    if index is None:
        # A running guest's QEMU has taken it out of the chain already; its file is left to us.
        if running and os.path.lexists(target) and snapshot_stands_alone(file, target):
            drop(store, target)
            call.outcome = "completed"
        return {}
    if running:
        raise PluginError("VOLUME_BUSY", f"'{name.text}' still stands on the snapshot '{wanted}'",
                          hint="let the guest's QEMU merge it first (block-stream or block-commit)")
    unused(file, name.text)
    backing = chain[index].backing
    with images.space(place, None):
        absorb(call, chain[index - 1].path)
        qemu.point(call.shield(), chain[index - 1].path, backing, backing and backing_format(backing))
        fsync_path(chain[index - 1].path)
    call.outcome = "completed"
    drop(store, target)
    return {}


def absorb(call, path):
    """Copies into an image what it shows of the one below it; its content stays the same at every instant.

    `qemu-img rebase` would do this and the change of the header at once, but writes the header before the tables that
    say where the copied clusters are: ended in between, the image would have lost them."""
    parts = qemu.extents(call, path)
    total, done = sum(length for _, length in parts), 0
    if not total:
        return
    with nbd.Disk(call, path, "qcow2", writable=True) as disk:
        for start, length in parts:
            for offset in range(start, start + length, nbd.CHUNK):
                count = min(nbd.CHUNK, start + length - offset)
                disk.write(offset, disk.read(offset, count))
                done += count
                call.progress(done, total, "merge")
        disk.flush()
    fsync_path(path)


def snapshot_stands_alone(file, target):
    """Whether no image beside it stands on `target`, by any volume's chain."""
    folder, wanted = os.path.split(target)
    for other in os.listdir(folder):
        path = os.path.join(folder, other)
        if other.endswith(".qcow2") and path != target:
            try:
                if qemu.header(path, "qcow2", os.lstat(path))[1] == wanted:
                    return False
            except (PluginError, OSError):
                continue
    return True


def backing_format(backing):
    return backing.rsplit(".", 1)[1]


def rename(call, store, name, file, wanted, target):
    """Another name for a snapshot: the file gets it as a second one, the image above is pointed there, the old goes."""
    chain, new = links(file), file_of(file, target)
    index = next((index for index, link in enumerate(chain) if link.snapshot == wanted), None)
    if index is None:
        if call.intent is not None and call.intent.get("renamed") == target \
                and any(link.snapshot == target for link in chain):
            return {}
        raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{wanted}'")
    fits(name, new, "/targetSnapname")
    same = os.path.lexists(new) and os.lstat(new).st_ino == os.lstat(chain[index].path).st_ino
    if wanted == target or (os.path.lexists(new) and not same):
        raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{target}' already")
    unused(file, name.text)
    call.check()
    call.note({"renamed": target})
    if not same:
        second_name(chain[index].path, new)
        fsync_path(os.path.dirname(file))
    call.outcome = "unknown"
    try:
        qemu.point(call.shield(), chain[index - 1].path, os.path.basename(new), "qcow2")
        fsync_path(chain[index - 1].path)
    except PluginError:
        if links(file)[index].snapshot == wanted:
            os.unlink(new)
            call.outcome = "rolled_back"
        raise
    call.outcome = "completed"
    drop(store, chain[index].path)
    return {}
