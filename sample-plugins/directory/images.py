# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Making, changing and removing images in a directory."""

import contextlib
import errno
import os
import re
import stat

import chain
import layout
import names
import qemu
from berth_files import BLOCK, ZEROS, TEMP_PREFIX, Temp, fsync_path, made_before, remove_tree, write_all
from berth_plugin import PluginError

UNIT = 1024
PARENT = re.compile(r"\.\./([0-9]{1,9})/([^/\s]+\.(?:raw|qcow2|vmdk|subvol))")
TOO_BIG = ("Image size must", "File too large", "too large", "Could not resize image: Invalid argument")


class Images:
    def __init__(self, state):
        self.state = state

    # Reading

    def find(self, place, name):
        """(path, stat) of an existing image."""
        path = place.file(name)
        return path, layout.volume_stat(path, name.text, name.format == "subvol")

    def describe(self, place, vmid, filename, path=None, info=None):
        """A listing's entry for one file, or None when it is no image."""
        try:
            form, _ = names.image_file(filename, filename)
        except PluginError:
            return None
        path = path or os.path.join(place.subdir("images"), str(vmid), filename)
        try:
            info = info or os.lstat(path)
        except FileNotFoundError:
            return None
        if not (stat.S_ISDIR if form == "subvol" else stat.S_ISREG)(info.st_mode):
            return None
        entry = {"volname": f"{vmid}/{filename}", "format": form, "size": 0, "vmid": int(vmid),
                 "ctime": max(0, int(info.st_ctime))}
        if form != "subvol":
            entry["used"] = info.st_blocks * 512
        try:
            entry["size"], backing = qemu.header(path, form, info)
        except (PluginError, OSError):
            entry["format"], entry["size"], backing = "invalid", info.st_size, None
        if backing is not None:
            backing = chain.root_backing(path, backing)
        parent = PARENT.fullmatch(backing) if backing else None
        if parent is not None:
            entry["parent"] = f"{int(parent[1])}/{parent[2]}"
            entry["volname"] = f"{entry['parent']}/{entry['volname']}"
        return entry

    def dependents(self, place, vmid, filename):
        """Names of the linked clones of one image."""
        found = []
        for owner, other in walk(place):
            if other.endswith(".qcow2"):
                entry = self.describe(place, owner, other)
                if entry is not None and entry.get("parent") == f"{vmid}/{filename}":
                    found.append(entry["volname"])
        return found

    # Making

    def alloc(self, call, place, name, vmid, form, size):
        if name.vtype != "images" or name.vmid != vmid or name.basename is not None or name.is_base:
            raise PluginError("NAME_INVALID", f"'{name.text}' is no name for a new image of guest {vmid}",
                              field="/volname")
        if form not in names.IMAGE_FORMATS:
            raise PluginError("FORMAT_UNSUPPORTED", f"no image format '{form}' here: raw, qcow2, vmdk, subvol")
        if name.format != form:
            raise PluginError("NAME_INVALID", f"'{name.text}' does not end in .{form}", field="/volname")
        if form == "subvol" and size != 0:
            raise PluginError("NOT_SUPPORTED", "a directory has no quota: the size of a subvol must be 0", field="/size")
        if form != "subvol" and not 0 < size <= (1 << 63) - UNIT:
            raise PluginError("INVALID_PARAMS", "the size of a disk must be at least 1 byte and less than 2^63 - 1024",
                              field="/size")
        size = (size + UNIT - 1) // UNIT * UNIT
        final = place.file(name)
        if not made_before(call, final):
            self.make(call, place, name, final, lambda path: self._fill(call, place, path, form, size), size)
        return {"volname": name.text, "size": size} if form != "subvol" else {"volname": name.text}

    def make(self, call, place, name, final, fill, needed=None):
        """A new image, whole or not at all: `fill` writes it under a temporary path."""
        if os.path.lexists(final):
            raise exists(name)
        with place.owner_dir(name.vmid) as directory, Temp(call, self.state, directory, "." + name.format) as temp:
            with space(place, needed):
                fill(temp.path)
                if name.format != "subvol":
                    os.chmod(temp.path, 0o640)
                temp.commit(final, exists(name))
        fsync_path(place.subdir("images"))

    def _fill(self, call, place, path, form, size):
        preallocation = place.scfg.get("preallocation")
        if preallocation not in (None, "off", "metadata", "falloc", "full"):
            raise PluginError("CONFIG_INVALID", f"preallocation '{preallocation}' is none of off, metadata, falloc, full",
                              field="/preallocation")
        if form == "subvol":
            os.mkdir(path, 0o755)
        elif form != "raw":
            with too_big():
                qemu.create(call, path, form, size, preallocation)
        else:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            try:
                with too_big():
                    os.ftruncate(fd, size)
                if preallocation in ("falloc", "full"):
                    for offset in range(0, size, 64 * BLOCK):
                        length = min(64 * BLOCK, size - offset)
                        if preallocation == "falloc":
                            os.posix_fallocate(fd, offset, length)
                        else:
                            for start in range(offset, offset + length, BLOCK):
                                write_all(fd, ZEROS[:min(BLOCK, offset + length - start)])
                        call.progress(offset + length, size, "preallocate")
            finally:
                os.close(fd)

    def clone(self, call, place, source, target):
        if source.vtype != "images" or not source.is_base:
            raise PluginError("NOT_SUPPORTED", f"'{source.text}' is no base image: make it one first (create_base)")
        if source.format == "subvol":
            raise PluginError("FORMAT_UNSUPPORTED", "a directory tree has no linked clones: copy it instead")
        if target.vtype != "images" or target.format != "qcow2" or target.is_base:
            raise PluginError("NAME_INVALID", f"a linked clone's name must end in .qcow2, and '{target.text}' does not"
                              " do or is a base", field="/targetVolname")
        if target.basename is not None and (target.basevmid, target.basename) != (source.vmid, source.name):
            raise PluginError("NAME_INVALID", f"'{target.text}' names another base than '{source.text}'",
                              field="/targetVolname")
        self.find(place, source)
        final = place.file(target)
        if not made_before(call, final):
            backing = f"../{source.vmid}/{source.name}"
            self.make(call, place, target, final,
                      lambda path: qemu.create_backed(call, path, backing, source.format))
        return {"volname": target.text}

    # Changing

    def create_base(self, call, place, source, target):
        if source.vtype != "images" or not target.is_base or target.format != source.format:
            raise PluginError("NAME_INVALID", f"'{target.text}' is no name for a base of '{source.text}'",
                              field="/targetVolname")
        final = place.file(target)
        if made_before(call, final):
            protect(final)
            return {"volname": target.text}
        if source.is_base:
            raise PluginError("NOT_SUPPORTED", f"'{source.text}' is a base already")
        self._move(call, place, source, target, final)
        protect(final)
        call.outcome = "completed"
        return {"volname": target.text}

    def rename(self, call, place, source, target, vmid):
        if source.vtype != "images" or target.vtype != "images" or target.vmid != vmid \
                or target.format != source.format or target.is_base != source.is_base:
            raise PluginError("NAME_INVALID", f"'{source.text}' cannot become '{target.text}'", field="/targetVolname")
        if (target.basevmid, target.basename) not in ((source.basevmid, source.basename), (None, None)):
            raise PluginError("NAME_INVALID", f"'{target.text}' names another base than '{source.text}'",
                              field="/targetVolname")
        final = place.file(target)
        if not made_before(call, final):
            self._move(call, place, source, target, final)
        return {"volname": target.text}

    def _move(self, call, place, source, target, final):
        path, info = self.find(place, source)
        if source.format == "qcow2" and chain.enabled(place) and chain.snapshots(path):
            raise PluginError("NOT_SUPPORTED", f"'{source.text}' has snapshots, whose files carry its name",
                              hint="delete the snapshots first")
        dependents = self.dependents(place, source.vmid, source.name)
        if dependents:
            raise PluginError("HAS_DEPENDENTS", f"'{source.text}' is the base of {len(dependents)} linked clone(s)",
                              dependents=dependents[:100])
        with place.owner_dir(target.vmid) as directory, place.owner_dir(source.vmid) as old:
            if os.path.lexists(final):
                raise exists(target)
            call.check()
            call.note({"path": final, "identity": info.st_ino})
            os.rename(path, final)
            call.outcome = "completed"
            fsync_path(directory)
            if old != directory:
                fsync_path(old)

    def resize(self, call, place, name, size, running):
        if name.format not in ("raw", "qcow2") or name.vtype != "images":
            raise PluginError("NOT_SUPPORTED", f"a {name.format} volume cannot be resized")
        path, info = self.find(place, name)
        if name.is_base:
            raise PluginError("READ_ONLY", f"'{name.text}' is a base image")
        current, _ = qemu.header(path, name.format, info)
        if not 0 < size <= (1 << 63) - UNIT:
            raise PluginError("INVALID_PARAMS", "the size must be positive and less than 2^63 - 1024", field="/size")
        size = (size + UNIT - 1) // UNIT * UNIT
        if size < current:
            raise PluginError("NOT_SUPPORTED", f"'{name.text}' has {current} bytes and cannot shrink to {size}",
                              field="/size")
        # A running guest's QEMU resizes the image itself.
        if not running and size > current:
            call.outcome = "unknown"
            try:
                with space(place, size - current), too_big():
                    if name.format == "raw":
                        with opened(path) as fd:
                            os.ftruncate(fd, size)
                            os.fsync(fd)
                    else:
                        qemu.resize(call, path, name.format, size)
                        fsync_path(path)
            except (PluginError, OSError):
                now, _ = qemu.header(path, name.format, os.lstat(path))
                call.outcome = "not_started" if now == current else "completed" if now == size else "partial"
                raise
            call.outcome = "completed"
        return {"size": size}

    # Removing

    def free(self, call, place, name):
        path = place.file(name)
        try:
            info = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        if name.vtype == "backup" and os.path.lexists(path + ".protected"):
            raise PluginError("PROTECTED", f"'{name.text}' is protected", hint="remove the protection first")
        if name.is_base or name.vtype == "images":
            dependents = self.dependents(place, name.vmid, name.name) if name.is_base else []
            if dependents:
                raise PluginError("HAS_DEPENDENTS", f"'{name.text}' is the base of {len(dependents)} linked clone(s)",
                                  dependents=dependents[:100])
            with place.owner_dir(name.vmid) as directory:
                call.check()
                if not stat.S_ISDIR(info.st_mode):
                    try:
                        self._drop_chain(place, name, path)
                        os.unlink(path)
                    except FileNotFoundError:
                        if os.path.lexists(path):
                            raise
                        # Another request for the same was quicker: it is gone, as wished.
                    call.outcome = "completed"
                    fsync_path(directory)
                    return {}
                # The name is free at once; the tree goes later, outside the lock.
                with Temp(call, self.state, directory, ".gone") as temp:
                    os.rename(path, temp.path)
                    call.outcome = "completed"
                    temp.committed = True
                    fsync_path(directory)
                return {"cleanup": {"token": f"{name.vmid}/{os.path.basename(temp.path)}",
                                    "description": f"removing the files of {name.text}"}}
        if not stat.S_ISREG(info.st_mode):
            raise PluginError("CORRUPT", f"'{name.text}' is not a regular file")
        os.unlink(path)
        call.outcome = "completed"
        for extra in (".notes",) if name.vtype == "backup" else ():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + extra)
        if name.vtype == "backup" and names.BACKUP_TIME.match(name.name):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(re.sub(r"\.(?:tgz|(?:tar|vma)(?:\.[a-z0-9]+)?)$", "", path) + ".log")
        fsync_path(os.path.dirname(path))
        return {}

    @staticmethod
    def _drop_chain(place, name, path):
        """Removes a volume's snapshots, the oldest first: a killed run leaves a volume that freeing again removes."""
        if name.format != "qcow2" or not chain.enabled(place):
            return
        try:
            found = chain.snapshots(path)
        except PluginError:
            return  # a damaged image has no chain that could be followed
        for link in found:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(link.path)

    def cleanup(self, call, place, token):
        found = re.fullmatch(r"([0-9]{1,9})/(" + re.escape(TEMP_PREFIX) + r"[0-9a-f]{16}\.gone)", token)
        if found is None:
            raise PluginError("INVALID_PARAMS", "not a token of this plugin", field="/token")
        with place.owner_dir(found[1]) as directory:
            remove_tree(os.path.join(directory, found[2]))
            self.state.close_temp(os.path.join(self.state.temps, found[2]))
        call.outcome = "completed"
        return {}


def walk(place, first=0):
    """(owner, file name) of everything in the image directories from an owner on, owners by number, names in order."""
    root = place.subdir("images")
    try:
        owners = sorted((entry for entry in os.listdir(root) if names.OWNER.fullmatch(entry)), key=lambda x: (int(x), x))
    except FileNotFoundError:
        return
    for owner in owners:
        if int(owner) < first:
            continue
        try:
            files = sorted(os.listdir(os.path.join(root, owner)))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for filename in files:
            if not filename.startswith("."):
                yield owner, filename


def exists(name):
    return PluginError("VOLUME_EXISTS", f"'{name.text}' exists already")


def protect(path):
    """A base image is read-only for everybody who follows file modes."""
    if os.path.isdir(path):
        os.chmod(path, 0o555)
    else:
        os.chmod(path, 0o444)
    fsync_path(path)


@contextlib.contextmanager
def opened(path):
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def space(place, needed):
    """Says how much room was needed and was there, when there was not enough."""
    free = os.statvfs(place.path)
    try:
        yield
    except (PluginError, OSError) as error:
        if isinstance(error, OSError):
            error = PluginError.from_os(error, "the image cannot be written")
        if error.symbol in ("NO_SPACE", "QUOTA_EXCEEDED"):
            error.data.update(available=free.f_bavail * free.f_frsize, needed=needed)
        raise error from None


@contextlib.contextmanager
def too_big():
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EFBIG, errno.EINVAL, errno.EOVERFLOW):
            raise
        raise PluginError("INVALID_PARAMS", "the size is more than this file system can hold in one file",
                          field="/size") from None
    except PluginError as error:
        if error.symbol == "BACKEND_ERROR" and any(text in error.data["backend"]["message"] for text in TOO_BIG):
            raise PluginError("INVALID_PARAMS", f"the size is too large: {error.message}", field="/size") from None
        raise
