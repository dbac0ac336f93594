# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Disks and container trees as subvolumes. A raw disk is `disk.raw` in a subvolume of its own, as Proxmox VE has it;
snapshots are read-only subvolumes beside it, named `NAME@SNAPSHOT`."""

import contextlib
import os
import stat

import images
import layout
import names
import subvolumes
from berth_files import Temp, made_before
from berth_plugin import PluginError

BASE_MARK = "user.berth.base"
UNIT = images.UNIT


class Layout(layout.Layout):
    def subvolume(self, name, snapname=None):
        """The subvolume's directory of a parsed image name."""
        stem = name.name.removesuffix(".raw") if name.format == "raw" else name.name
        return os.path.join(self.subdir("images"), str(name.vmid), stem + (f"@{snapname}" if snapname else ""))

    def file(self, name, snapname=None):
        if name.vtype != "images":
            return super().file(name)
        path = self.subvolume(name, snapname)
        return os.path.join(path, "disk.raw") if name.format == "raw" else path


class Volumes:
    def __init__(self, state):
        self.state = state

    # Reading

    def find(self, place, name, snapname=None):
        """(subvolume, path, stat) of an existing volume or snapshot."""
        if name.format not in ("raw", "subvol"):
            raise PluginError("FORMAT_UNSUPPORTED", f"no format '{name.format}' here: raw, subvol")
        top, path = place.subvolume(name, snapname), place.file(name, snapname)
        try:
            if not subvolumes.is_subvolume(top):
                raise PluginError("CORRUPT", f"'{name.text}' is no subvolume")
            info = layout.volume_stat(path, name.text, name.format == "subvol")
        except FileNotFoundError:
            if snapname is not None and os.path.lexists(place.subvolume(name)):
                raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{snapname}'") from None
            raise PluginError("VOLUME_NOT_FOUND", f"there is no volume '{name.text}'") from None
        return top, path, info

    def describe(self, place, vmid, filename):
        """A listing's entry for one directory entry, or None."""
        if "@" in filename:
            return None
        text = f"{vmid}/{filename}" if filename.endswith(".subvol") else f"{vmid}/{filename}.raw"
        try:
            name = names.parse(text)
            top, _, info = self.find(place, name)
        except (PluginError, OSError):
            return None
        entry = {"volname": text, "format": name.format, "size": info.st_size if name.format == "raw" else 0,
                 "vmid": int(vmid), "ctime": max(0, int(info.st_ctime))}
        if name.format == "raw":
            entry["used"] = info.st_blocks * 512
        with contextlib.suppress(OSError, UnicodeError):
            entry["parent"] = os.getxattr(top, BASE_MARK, follow_symlinks=False).decode()
            entry["volname"] = f"{entry['parent']}/{text}"
        return entry

    def snapshots(self, place, name):
        """Names and creation times of a volume's snapshots, oldest first."""
        prefix = os.path.basename(place.subvolume(name)) + "@"
        folder = os.path.dirname(place.subvolume(name))
        found = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.listdir(folder):
                if entry.startswith(prefix) and names.SNAPSHOT.fullmatch(entry[len(prefix):]):
                    path = os.path.join(folder, entry)
                    treeid, _, uuid, seconds = subvolumes.info(path)
                    found.append((treeid, entry[len(prefix):], uuid, seconds, path))
        return sorted(found)

    # Making

    def make(self, call, place, name, fill, base=None):
        """A new subvolume, whole or not at all: `fill` is given its temporary path."""
        final = place.subvolume(name)
        if made_before(call, final, subvolumes.identity):
            return
        if os.path.lexists(final):
            raise images.exists(name)
        with place.owner_dir(name.vmid) as directory, \
                Temp(call, self.state, directory, remove=subvolumes.destroy, identity=subvolumes.identity) as temp:
            with images.space(place, None):
                fill(temp.path)
                if base is not None:
                    os.setxattr(temp.path, BASE_MARK, base.encode())
                temp.commit(final, images.exists(name))
                subvolumes.sync(directory)

    def alloc(self, call, place, name, vmid, form, size):
        if name.vtype != "images" or name.vmid != vmid or name.basename is not None or name.is_base or "@" in name.name:
            raise PluginError("NAME_INVALID", f"'{name.text}' is no name for a new volume of guest {vmid}",
                              field="/volname")
        if form not in ("raw", "subvol") or name.format != form:
            raise PluginError("FORMAT_UNSUPPORTED" if form not in ("raw", "subvol") else "NAME_INVALID",
                              f"format '{form}' does not fit '{name.text}': raw and subvol exist here")
        if form == "subvol" and size != 0:
            raise PluginError("NOT_SUPPORTED", "subvolumes have no quota here: the size must be 0", field="/size")
        if form == "raw" and not 0 < size <= (1 << 63) - UNIT:
            raise PluginError("INVALID_PARAMS", "the size of a disk must be at least 1 byte and less than 2^63 - 1024",
                              field="/size")
        size = (size + UNIT - 1) // UNIT * UNIT

        def fill(path):
            subvolumes.create(path)
            if form == "raw":
                self.disk(call, place, path, size)
        self.make(call, place, name, fill)
        return {"volname": name.text, "size": size} if form == "raw" else {"volname": name.text}

    @staticmethod
    def disk(call, place, path, size):
        fd = os.open(os.path.join(path, "disk.raw"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            if layout.is_true(place.scfg.get("nocow")):
                subvolumes.disable_copy_on_write(fd)
            with images.too_big():
                os.ftruncate(fd, size)
            if place.scfg.get("preallocation") in ("falloc", "full"):
                for offset in range(0, size, 64 << 20):
                    os.posix_fallocate(fd, offset, min(64 << 20, size - offset))
                    call.progress(offset, size, "preallocate")
            os.fsync(fd)
        finally:
            os.close(fd)

    def clone(self, call, place, source, snapname, target):
        if target.vtype != "images" or target.format != source.format or target.is_base or "@" in target.name:
            raise PluginError("NAME_INVALID", f"'{target.text}' is no name for a clone of '{source.text}'",
                              field="/targetVolname")
        if target.basename is not None and (target.basevmid, target.basename) != (source.vmid, source.name):
            raise PluginError("NAME_INVALID", f"'{target.text}' names another base than '{source.text}'",
                              field="/targetVolname")
        if not source.is_base and snapname is None:
            raise PluginError("NOT_SUPPORTED", f"'{source.text}' is neither a base nor a snapshot")
        top, _, _ = self.find(place, source, snapname)
        base = f"{source.vmid}/{source.name}" if target.basename is not None else None

        def fill(path):
            subvolumes.snapshot(top, path, read_only=False)
            with contextlib.suppress(OSError):
                os.removexattr(path, BASE_MARK)
        self.make(call, place, target, fill, base)
        return {"volname": target.text}

    # Changing

    def create_base(self, call, place, source, target):
        if source.vtype != "images" or not target.is_base or target.format != source.format:
            raise PluginError("NAME_INVALID", f"'{target.text}' is no name for a base of '{source.text}'",
                              field="/targetVolname")
        final = place.subvolume(target)
        if not made_before(call, final, subvolumes.identity):
            if source.is_base:
                raise PluginError("NOT_SUPPORTED", f"'{source.text}' is a base already")
            self.find(place, source)
            if self.snapshots(place, source):
                raise PluginError("HAS_DEPENDENTS", f"'{source.text}' has snapshots: remove them first",
                                  dependents=[entry[1] for entry in self.snapshots(place, source)])
            self.move(call, place, source, target)
        subvolumes.set_read_only(final, True)
        subvolumes.sync(place.path)
        call.outcome = "completed"
        return {"volname": target.text}

    def rename(self, call, place, source, target, vmid):
        if source.vtype != "images" or target.vtype != "images" or target.vmid != vmid or "@" in target.name \
                or target.format != source.format or target.is_base != source.is_base or source.is_base:
            raise PluginError("NAME_INVALID", f"'{source.text}' cannot become '{target.text}'", field="/targetVolname")
        if not made_before(call, place.subvolume(target), subvolumes.identity):
            self.find(place, source)
            self.move(call, place, source, target)
        # Its snapshots follow; a killed run goes on here.
        with place.owner_dir(target.vmid):
            for _, snapname, _, _, path in self.snapshots(place, source):
                subvolumes.set_read_only(path, False)
                os.rename(path, place.subvolume(target, snapname))
                subvolumes.set_read_only(place.subvolume(target, snapname), True)
            for _, _, _, _, path in self.snapshots(place, target):
                subvolumes.set_read_only(path, True)
        with place.owner_dir(source.vmid):
            subvolumes.sync(place.path)
        call.outcome = "completed"
        return {"volname": target.text}

    @staticmethod
    def move(call, place, source, target):
        path, final = place.subvolume(source), place.subvolume(target)
        with place.owner_dir(target.vmid), place.owner_dir(source.vmid):
            if os.path.lexists(final):
                raise images.exists(target)
            call.check()
            call.note({"path": final, "identity": subvolumes.identity(path)})
            os.rename(path, final)
            call.outcome = "partial"

    def resize(self, call, place, name, size, running):
        _, path, info = self.find(place, name)
        if name.format != "raw":
            raise PluginError("NOT_SUPPORTED", "subvolumes have no quota here and no size to change")
        if name.is_base:
            raise PluginError("READ_ONLY", f"'{name.text}' is a base")
        if not 0 < size <= (1 << 63) - UNIT:
            raise PluginError("INVALID_PARAMS", "the size must be positive and less than 2^63 - 1024", field="/size")
        size = (size + UNIT - 1) // UNIT * UNIT
        if size < info.st_size:
            raise PluginError("NOT_SUPPORTED", f"'{name.text}' has {info.st_size} bytes and cannot shrink to {size}",
                              field="/size")
        if not running and size > info.st_size:
            with images.too_big(), images.opened(path) as fd:
                os.ftruncate(fd, size)
                os.fsync(fd)
            call.outcome = "completed"
        return {"size": size}

    def free(self, call, place, name):
        if name.vtype != "images":
            return images.Images(self.state).free(call, place, name)
        if name.format not in ("raw", "subvol") or "@" in name.name:
            raise PluginError("NAME_INVALID", f"'{name.text}' is no volume here", field="/volname")
        if not os.path.isdir(os.path.join(place.subdir("images"), str(name.vmid))):
            return {}
        top = place.subvolume(name)
        if os.path.lexists(top) and not stat.S_ISDIR(os.lstat(top).st_mode):
            raise PluginError("CORRUPT", f"'{name.text}' is no subvolume")
        with place.owner_dir(name.vmid) as directory:
            call.check()
            call.outcome = "partial"
            subvolumes.destroy(top)
            for _, _, _, _, path in self.snapshots(place, name):
                subvolumes.destroy(path)
            subvolumes.sync(directory)
        call.outcome = "completed"
        return {}

    # Snapshots

    def snapshot(self, call, place, name, snapname):
        top, _, _ = self.find(place, name)
        path = place.subvolume(name, snapname)
        if name.is_base:
            raise PluginError("READ_ONLY", f"'{name.text}' is a base")
        if len(os.path.basename(path).encode()) > 255:
            raise PluginError("INVALID_PARAMS", "the names of volume and snapshot together are too long",
                              field="/snapname")
        if os.path.lexists(path):
            if call.intent is not None and call.intent.get("snapshot") == path:
                return {}
            raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{snapname}' already")
        call.check()
        call.note({"snapshot": path})
        with images.space(place, None):
            subvolumes.snapshot(top, path, read_only=True)
            call.outcome = "completed"
            subvolumes.sync(path)
        return {}

    def rollback(self, call, place, name, snapname):
        self.find(place, name, snapname)
        self.replace(call, place, name, lambda path: subvolumes.snapshot(
            place.subvolume(name, snapname), path, read_only=False))

    def replace(self, call, place, name, fill):
        """Puts a new subvolume in the place of a volume. After a crash the old or the new one has the name."""
        top = place.subvolume(name)
        with place.owner_dir(name.vmid) as directory, \
                Temp(call, self.state, directory, ".new", remove=subvolumes.destroy) as new:
            with images.space(place, None):
                fill(new.path)
                subvolumes.sync(directory)
            call.check()
            old = new.path.removesuffix(".new") + ".old"
            note = self.state.open_temp(old, restore=top)
            os.rename(top, old)
            try:
                os.rename(new.path, top)
            except OSError:
                os.rename(old, top)
                self.state.close_temp(note)
                raise
            new.committed = True
            call.outcome = "completed"
            subvolumes.sync(directory)
            subvolumes.destroy(old)
            self.state.close_temp(note)
            self.state.close_temp(new.note)

    def delete_snapshot(self, call, place, name, snapname):
        self.find(place, name)
        call.check()
        path = place.subvolume(name, snapname)
        if os.path.lexists(path):
            call.outcome = "partial"
            subvolumes.destroy(path)
            subvolumes.sync(place.path)
        call.outcome = "completed"
        return {}

    def rename_snapshot(self, call, place, name, old, new):
        self.find(place, name)
        source, target = place.subvolume(name, old), place.subvolume(name, new)
        if not made_before(call, target, subvolumes.identity):
            self.find(place, name, old)
            if os.path.lexists(target):
                raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{new}' already")
            call.note({"path": target, "identity": subvolumes.identity(source)})
            os.rename(source, target)
        call.outcome = "completed"
        subvolumes.sync(place.path)
        return {}
