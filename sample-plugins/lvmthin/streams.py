# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Volumes as streams, `raw+size`: an 8-byte little-endian size, then the bytes of the device."""

import os
import struct

from berth_files import BLOCK, ZEROS, Stream, write_all
from berth_plugin import PluginError
from group import NEW
from volumes import LARGEST, checked_size, exists, intended

SIZE = struct.Struct("<Q")


class Device:
    """An active volume's device, open; inactive again afterwards if it was before."""

    def __init__(self, group, lv, access):
        self.group, self.lv, self.access = group, lv, access

    def __enter__(self):
        entry = self.group.report.get(self.lv)
        self.leave_active = entry is not None and entry.get("active", False)
        self.group.activate(self.lv, self.access)
        try:
            path = self.group.node(self.lv, self.access)
            flags = os.O_RDONLY if self.access == "ro" else os.O_RDWR
            self.fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
        except BaseException:
            self._leave()
            raise
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)
        self._leave()

    def _leave(self):
        if self.leave_active:
            return
        try:
            self.group.deactivate(self.lv)
        except PluginError as error:
            # Harmless: it costs a device node until the volume is deactivated or removed.
            self.group.call.log(f"'{self.lv}' stays active: {error.message}", "notice")


def send(call, group, lv, fifo, digest):
    with Stream(call, fifo, digest, writing=True) as stream, Device(group, lv, "ro") as fd:
        size = os.lseek(fd, 0, os.SEEK_END)
        os.lseek(fd, 0, os.SEEK_SET)
        stream.write(SIZE.pack(size))
        stream.send_file(fd, size, lambda done: call.progress(done, size))
        return stream.result()


def receive(call, group, unfinished, name, fifo, digest):
    """Made under another name and renamed once it is whole and durable."""
    if name.is_base:
        raise PluginError("NAME_INVALID", f"'{name.text}' is no name for a new volume", field="/volname")
    if intended(call, name.text) and group.thin(name.text) is not None:
        raise PluginError("STREAM_BROKEN", f"'{name.text}' was made whole before the plugin was ended; its count and"
                          " digest are lost", outcome="completed", bytes=0)
    group.unclaimed(name)
    new = NEW + name.text
    with unfinished.work(name.text) as record, Stream(call, fifo, digest, writing=False) as stream:
        unfinished.settle_one(group, name.text)
        (size,) = SIZE.unpack(stream.read_exactly(SIZE.size))
        if not 0 < size <= LARGEST:
            raise stream.broken(f"the stream announces {size} bytes")
        try:
            group.create(new, checked_size(size))
            with Device(group, new, "rw") as fd:
                fill(call, stream, fd, size)
            result = stream.result()
            group.look()
            if name.text in group.report:
                raise exists(name)
            call.note({"make": name.text})
            group.rename(new, name.text)
        except BaseException:
            if call.outcome == "partial":
                group.remove(new)
                call.outcome = "rolled_back"
                record.done()
            elif call.outcome == "not_started":
                record.done()
            raise
        record.done()
    call.outcome = "completed"
    return {"volname": name.text, **result}


def fill(call, stream, fd, size):
    """A new thin volume reads as zeros, so blank blocks are left out: they take no space."""
    offset = 0
    while offset < size:
        data = stream.read_exactly(min(BLOCK, size - offset))
        if data != (ZEROS if len(data) == BLOCK else bytes(len(data))):
            os.lseek(fd, offset, os.SEEK_SET)
            write_all(fd, data)
        offset += len(data)
        call.progress(offset, size)
    if stream.read():
        raise stream.broken("the stream is longer than it announced")
    os.fsync(fd)
