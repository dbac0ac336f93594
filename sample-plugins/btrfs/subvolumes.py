# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Subvolumes through the kernel's own calls: no child process, no privilege beyond owning the directory.

An owner may create, snapshot and change the read-only flag of subvolumes. Removing one in a single step needs the mount
option `user_subvol_rm_allowed`; without it the files are removed one by one and the empty subvolume last."""

import errno
import fcntl
import os
import stat
import struct

import privileged
from berth_files import remove_tree

MAGIC_INODE = 256  # the root directory of every subvolume
READ_ONLY = 2
NOCOW = 0x00800000
REFUSALS = (errno.EPERM, errno.EACCES)


def _ioc(direction, number, size):
    return direction << 30 | size << 16 | 0x94 << 8 | number


SNAP_DESTROY, SNAP_CREATE, SUBVOL_CREATE = _ioc(1, 15, 4096), _ioc(1, 23, 4096), _ioc(1, 24, 4096)
GET_FLAGS, SET_FLAGS, GET_INFO, SYNC = _ioc(2, 25, 8), _ioc(1, 26, 8), _ioc(2, 60, 504), _ioc(0, 8, 0)
FS_GET_FLAGS, FS_SET_FLAGS = 0x80086601, 0x40086602


class _Directory:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


def _arguments(source, flags, name):
    data = os.fsencode(name)
    if not data or len(data) > 255 or b"/" in data:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
    return bytearray(struct.pack("<qQQ32x4040s", source, 0, flags, data))


def is_subvolume(path):
    info = os.lstat(path)
    return stat.S_ISDIR(info.st_mode) and info.st_ino == MAGIC_INODE


def create(path):
    with _Directory(os.path.dirname(path)) as parent:
        fcntl.ioctl(parent, SUBVOL_CREATE, _arguments(0, 0, os.path.basename(path)))


def snapshot(source, path, read_only):
    """A snapshot of the subvolume `source` as `path`: instant, sharing all data."""
    try:
        with _Directory(source) as origin, _Directory(os.path.dirname(path)) as parent:
            fcntl.ioctl(parent, SNAP_CREATE, _arguments(origin, READ_ONLY if read_only else 0, os.path.basename(path)))
    except OSError as error:
        if not privileged.helps(error.errno, REFUSALS):
            raise
        privileged.ask("host.btrfs.subvolume.snapshot", path=source, target=path, readOnly=read_only)


def is_read_only(path):
    with _Directory(path) as fd:
        return bool(struct.unpack("<Q", fcntl.ioctl(fd, GET_FLAGS, bytes(8)))[0] & READ_ONLY)


def set_read_only(path, wanted):
    try:
        with _Directory(path) as fd:
            flags = struct.unpack("<Q", fcntl.ioctl(fd, GET_FLAGS, bytes(8)))[0]
            fcntl.ioctl(fd, SET_FLAGS, struct.pack("<Q", flags | READ_ONLY if wanted else flags & ~READ_ONLY))
    except OSError as error:
        if not privileged.helps(error.errno, REFUSALS):
            raise
        privileged.ask("host.btrfs.subvolume.set_read_only", path=path, readOnly=wanted)


def info(path):
    """(subvolume id, generation, UUID, creation time in seconds)"""
    with _Directory(path) as fd:
        data = fcntl.ioctl(fd, GET_INFO, bytes(504))
    # treeid u64, name[256], parent_id, dirid, generation, flags u64, three UUIDs, four transaction ids, four times
    treeid, generation = struct.unpack_from("<Q", data, 0)[0], struct.unpack_from("<Q", data, 280)[0]
    seconds = struct.unpack_from("<Q", data, 392)[0]
    return treeid, generation, data[296:312].hex(), seconds


def identity(path):
    return info(path)[0]


def destroy(path):
    """Removes a subvolume and what is in it; absent is fine."""
    try:
        if not is_subvolume(path):
            return remove_tree(path)
        if is_read_only(path):
            set_read_only(path, False)
        with _Directory(os.path.dirname(path)) as parent:
            name = os.fsencode(os.path.basename(path))
            fcntl.ioctl(parent, SNAP_DESTROY, bytearray(struct.pack("<q4088s", 0, name)))
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (*REFUSALS, errno.ENOTTY):
            raise
        if privileged.helps(error.errno, REFUSALS):
            privileged.ask("host.btrfs.subvolume.delete", path=path)
        else:
            remove_tree(path)
    return None


def sync(path):
    """Commits the file system's transaction: everything done before is durable."""
    with _Directory(path) as fd:
        fcntl.ioctl(fd, SYNC)


def disable_copy_on_write(fd):
    """For a file that is still empty."""
    flags = struct.unpack("<i", fcntl.ioctl(fd, FS_GET_FLAGS, bytes(4)))[0]
    fcntl.ioctl(fd, FS_SET_FLAGS, struct.pack("<i", flags | NOCOW))
