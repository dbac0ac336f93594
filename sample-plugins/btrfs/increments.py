# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Incremental trees: a tar archive of what changed since a snapshot, with the names of what went.

Snapshots share inode numbers and change times with their origin, so a file is unchanged exactly when both are equal.
The archive's first member is `.berth-removed`: the removed paths, each ended by NUL. It is unpacked here member by
member, never through a link that the tree holds: a stream comes from another storage and is not trusted."""

import os
import stat
import tarfile
import tempfile

import archive as archives
from berth_files import remove_tree
from berth_plugin import PluginError

REMOVED = ".berth-removed"
LIMIT = 64 << 20


def difference(call, old, new):
    """(changed paths, removed paths) from the tree `old` to the tree `new`, relative, parents first."""
    changed, removed = ["."], []
    stack = [""]
    while stack:
        folder = stack.pop()
        call.check()
        before, after = listing(old, folder), listing(new, folder)
        for name, info in sorted(after.items()):
            path = os.path.join(folder, name)
            known = before.get(name)
            if known is not None and stat.S_IFMT(known.st_mode) != stat.S_IFMT(info.st_mode):
                removed.append(path)
                known = None
            if known is None or (known.st_ino, known.st_ctime_ns) != (info.st_ino, info.st_ctime_ns):
                changed.append("./" + path)
            if stat.S_ISDIR(info.st_mode):
                stack.append(path)
        removed += [os.path.join(folder, name) for name in sorted(before) if name not in after]
    return changed, removed


def listing(top, folder):
    try:
        with os.scandir(os.path.join(top, folder)) as entries:
            return {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def pack_arguments(call, old, new, scratch):
    """Arguments for tar that pack the difference; files they name are removed with `scratch`."""
    changed, removed = difference(call, old, new)
    with open(os.path.join(scratch, REMOVED), "wb") as file:
        file.write(b"".join(os.fsencode(path) + b"\0" for path in removed))
    names = os.path.join(scratch, "names")
    with open(names, "wb") as file:
        file.write(b"".join(os.fsencode(path) + b"\0" for path in changed))
    return ["-C", scratch, REMOVED, "-C", new, "--no-recursion", "--null", f"--files-from={names}"]


class _Reader:
    """A stream as tarfile wants it."""

    def __init__(self, stream):
        self.stream, self.rest = stream, b""

    def read(self, count):
        parts = [self.rest]
        have = len(self.rest)
        while have < count:
            data = self.stream.read(min(count - have, 1 << 20))
            if not data:
                break
            parts.append(data)
            have += len(data)
        data = b"".join(parts)
        self.rest = data[count:]
        return data[:count]


def unpack(call, stream, top):
    """Applies an incremental archive to the tree `top`."""
    reader = _Reader(stream)
    try:
        with tarfile.open(fileobj=reader, mode="r|", errorlevel=1) as archive:
            first = archive.next()
            if first is None or first.name != REMOVED or not first.isreg() or first.size > LIMIT:
                raise stream.broken("the archive is no increment: its first member is not .berth-removed")
            for raw in archive.extractfile(first).read().split(b"\0"):
                if raw:
                    remove_tree(place(top, os.fsdecode(raw)))
            folders, dropped = [], 0
            while (member := archive.next()) is not None:
                call.progress(stream.bytes)
                dropped += bool(member.mode & archives.SET_ID)
                member.mode &= ~archives.SET_ID
                extract(archive, member, top, folders)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise stream.broken(f"the archive is damaged or ended early: {error}") from None
    while stream.read():
        pass
    # Directories last and deepest first: a read-only one must not keep its own files out.
    for path, member in reversed(folders):
        settle(path, member)
    archives.tell(call, dropped)


def place(top, name):
    """The path of a member, none of whose parents is a link."""
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if name.startswith("/") or ".." in steps or "\0" in name:
        raise PluginError("CORRUPT", f"the archive names {name[:100]!r}, which leads out of the volume")
    path = top
    for step in steps[:-1]:
        path = os.path.join(path, step)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise PluginError("CORRUPT", f"the archive names {name[:100]!r}, whose parent is no directory")
    return os.path.join(top, *steps)


def extract(archive, member, top, folders):
    path = place(top, member.name)
    if member.isdir():
        if not os.path.lexists(path):
            os.mkdir(path, 0o700)
        elif not stat.S_ISDIR(os.lstat(path).st_mode):
            remove_tree(path)
            os.mkdir(path, 0o700)
        else:
            os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode) & ~archives.SET_ID | 0o700)
        folders.append((path, member))
        return
    remove_tree(path)
    if member.isreg():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            source = archive.extractfile(member)
            while data := source.read(1 << 20):
                if data.count(0) == len(data):
                    file.seek(len(data), os.SEEK_CUR)
                else:
                    file.write(data)
            file.truncate(member.size)
        settle(path, member)
    elif member.issym():
        os.symlink(member.linkname, path)
    elif member.islnk():
        os.link(place(top, member.linkname), path, follow_symlinks=False)
    elif member.isfifo():
        os.mkfifo(path, member.mode & 0o777)
    # Device nodes are not for an unprivileged owner to make.


def settle(path, member):
    for name, value in member.pax_headers.items():
        if name.startswith("SCHILY.xattr.user."):
            os.setxattr(path, name.removeprefix("SCHILY.xattr."), value.encode("utf-8", "surrogateescape"))
    os.utime(path, (member.mtime, member.mtime))
    os.chmod(path, member.mode & 0o7777)


def scratch_directory(state):
    return tempfile.TemporaryDirectory(dir=state, prefix="increment-")
