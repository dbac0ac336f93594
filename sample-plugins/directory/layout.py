# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Where a storage keeps what: Proxmox VE's directory layout, its options and its content directories."""

import contextlib
import os
import re
import stat
import threading

from berth_plugin import PluginError

SUBDIRS = {"images": "images", "rootdir": "private", "iso": "template/iso", "vztmpl": "template/cache",
           "backup": "dump", "snippets": "snippets", "import": "import"}
_owners, _owners_lock = {}, threading.Lock()


def is_true(value):
    return value in (True, 1, "1", "yes", "on", "true")


class Layout:
    """The directories of one storage, from its configuration."""

    def __init__(self, scfg):
        path = scfg.get("path")
        if not isinstance(path, str) or not path.startswith("/") or "\0" in path or ".." in path.split("/"):
            raise PluginError("CONFIG_INVALID", "'path' must be an absolute path", field="/path")
        self.path, self.scfg = os.path.normpath(path), scfg
        self.dirs = dict(SUBDIRS)
        for kind, place in self._overrides(scfg.get("content-dirs")):
            parts = place.split("/")
            if kind not in SUBDIRS or place.startswith("/") or ".." in parts or "\0" in place:
                raise PluginError("CONFIG_INVALID", f"content directory '{kind}={place}' must be KIND=RELATIVE/PATH",
                                  field="/content-dirs")
            self.dirs[kind] = os.path.normpath(place)

    @staticmethod
    def _overrides(value):
        if isinstance(value, dict):
            return [(kind, str(place)) for kind, place in value.items()]
        if isinstance(value, str):
            value = [item for item in re.split(r"[,;\s]+", value) if item]
        return [(item.split("=", 1) + [""])[:2] for item in value or [] if isinstance(item, str)]

    def subdir(self, kind):
        if kind not in self.dirs:
            raise PluginError("NOT_SUPPORTED", f"no directory for volume type '{kind}'")
        return os.path.join(self.path, self.dirs[kind])

    def file(self, name):
        """Path of a parsed volume name."""
        if name.vtype == "images":
            return os.path.join(self.subdir("images"), str(name.vmid), name.name)
        if name.format.startswith("ova+"):
            raise PluginError("NOT_SUPPORTED", f"{name.text} lies inside an archive: import it first")
        return os.path.join(self.subdir(name.vtype), name.name)

    def content(self):
        value = self.scfg.get("content", list(SUBDIRS))
        if isinstance(value, str):
            value = re.split(r"[,;\s]+", value)
        if isinstance(value, dict):
            value = [key for key, on in value.items() if on]
        return [kind for kind in value if kind in SUBDIRS]

    # Activation

    def check(self):
        """What can be said about the configuration without touching the storage."""
        seen = {}
        for kind in self.content():
            place = self.dirs[kind]
            if place in seen:
                raise PluginError("CONFIG_INVALID", f"content types '{seen[place]}' and '{kind}' would share the"
                                  f" directory '{place}'", field="/content-dirs")
            seen[place] = kind

    def check_places(self):
        """Refuses content types whose directories are one and the same through links."""
        seen = {}
        for kind in self.content():
            place = os.path.realpath(self.subdir(kind))
            if place in seen:
                raise PluginError("CONFIG_INVALID", f"content types '{seen[place]}' and '{kind}' both lead to the"
                                  f" directory {place}", field="/content-dirs")
            seen[place] = kind

    def prepare(self, made=None):
        """Makes the storage usable: checks the mount point, creates missing directories as the options allow; adds
        those it made to `made`, the outer ones first."""
        self.check()
        make_base = is_true(self.scfg.get("create-base-path", self.scfg.get("mkdir", True)))
        make_subs = is_true(self.scfg.get("create-subdirs", self.scfg.get("mkdir", True)))
        mounted = self.scfg.get("is_mountpoint")
        if mounted not in (None, False, 0, "0", "no", "off", "false"):
            self._check_mount(mounted if isinstance(mounted, str) and mounted.startswith("/") else self.path)
        made = [] if made is None else made
        self._directory(self.path, make_base, made)
        for kind in self.content():
            if kind != "rootdir":  # containers live beside disks, as subvol images
                place = self.subdir(kind)
                if make_subs:
                    self._directory(place, True, made)
        return self

    @staticmethod
    def _directory(path, make, made):
        try:
            missing, step = [], path
            while make and not os.path.lexists(step):
                missing.append(step)
                step = os.path.dirname(step)
            for step in reversed(missing):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(step, 0o755)
                    made.append(step)
            if not stat.S_ISDIR(os.stat(path).st_mode):
                raise PluginError("CONFIG_INVALID", f"{path} is not a directory", field="/path")
        except FileExistsError:
            raise PluginError("CONFIG_INVALID", f"{path} is not a directory", field="/path") from None
        except FileNotFoundError:
            raise PluginError("STORAGE_UNAVAILABLE", f"directory {path} does not exist", hint="create it, mount it, or"
                              " set create-base-path") from None

    @staticmethod
    def _check_mount(path):
        """Refuses a directory that is surely no mount point. In a sandbox every granted directory is one, so the root
        inode tells: on a block device's file system it has a small, fixed number (ext4 2, xfs 64…128, f2fs 3).
        Network and btrfs file systems cannot be told apart this way and pass."""
        try:
            info, above = os.stat(path), os.stat(os.path.dirname(path) or "/")
        except FileNotFoundError:
            raise PluginError("STORAGE_UNAVAILABLE", f"{path} does not exist", hint="mount it first") from None
        plain = info.st_dev == above.st_dev and info.st_ino != above.st_ino
        if plain or (os.major(info.st_dev) != 0 and info.st_ino > 1024):
            raise PluginError("STORAGE_UNAVAILABLE", f"nothing is mounted on {path}, and is_mountpoint demands it",
                              hint="mount it, or remove is_mountpoint")

    def active(self):
        """Refuses work when the storage's directory is not there."""
        try:
            if stat.S_ISDIR(os.stat(self.path).st_mode):
                return self
        except OSError as error:
            raise PluginError.from_os(error, f"the storage's directory {self.path}") from error
        raise PluginError("STORAGE_NOT_ACTIVE", f"{self.path} is not a directory")

    @contextlib.contextmanager
    def owner_dir(self, vmid):
        """The directory of one guest's images: there while the block runs, removed after it when empty."""
        path = os.path.join(self.subdir("images"), str(vmid))
        with _owners_lock:
            os.makedirs(path, mode=0o755, exist_ok=True)
            _owners[path] = _owners.get(path, 0) + 1
        try:
            yield path
        finally:
            with _owners_lock:
                _owners[path] -= 1
                if not _owners[path]:
                    del _owners[path]
                    with contextlib.suppress(OSError):
                        os.rmdir(path)


def volume_stat(path, text, directory=False):
    """`lstat` of a volume, which must be a regular file (or a directory): never a link, device or FIFO."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise PluginError("VOLUME_NOT_FOUND", f"there is no volume '{text}'") from None
    if not (stat.S_ISDIR if directory else stat.S_ISREG)(info.st_mode):
        raise PluginError("CORRUPT", f"volume '{text}' is not a {'directory' if directory else 'regular file'}")
    return info
