# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Volumes as streams: Proxmox VE's formats, an 8-byte little-endian size and then the data."""

import os
import struct

import archive
import chain
import images
import layout
import nbd
import qemu
from berth_files import BLOCK, ZEROS, Filter, Stream, made_before, run_tool, tool_error, write_all
from berth_plugin import PluginError

SIZE = struct.Struct("<Q")
TAR = ["/usr/bin/tar", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=user.*"]
FILE_STREAMS = {"qcow2+size": "qcow2", "vmdk+size": "vmdk"}


def export_formats(name, with_snapshots, parent):
    """Formats a volume can be sent in, best first."""
    if name.vtype != "images":
        return ["raw+size"] if name.format == "raw" and not with_snapshots else []
    if name.format == "subvol":
        return [] if with_snapshots else ["tar+size"]
    whole = [f"{name.format}+size"] if name.format in ("qcow2", "vmdk") and parent is None else []
    return whole if with_snapshots else ["raw+size"] + whole


def import_formats(name, with_snapshots):
    if name.vtype != "images" or name.is_base or name.basename is not None:
        return []
    return export_formats(name, with_snapshots, None)


def unsupported(form, name, what):
    return PluginError("FORMAT_UNSUPPORTED", f"'{name.text}' cannot be {what} as {form}", field="/format")


# MARK: Export

def send(call, place, name, form, snapname, with_snapshots, path, digest):
    file = place.file(name)
    info = layout.volume_stat(file, name.text, name.format == "subvol")
    size, backing = qemu.header(file, name.format, info) if name.vtype == "images" else (info.st_size, None)
    if form not in export_formats(name, with_snapshots, backing):
        raise unsupported(form, name, "sent")
    if snapname is not None:
        if form != "raw+size" or name.format != "qcow2":
            raise unsupported(form, name, f"sent from the snapshot '{snapname}'")
        if chain.enabled(place):
            file, snapname = chain.find(name, file, snapname).path, None
        elif not any(entry["name"] == snapname for entry in qemu.snapshots(call, file)):
            raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{snapname}'")
    with Stream(call, path, digest, writing=True) as stream:
        if form == "tar+size":
            send_tree(call, stream, file)
        elif form == "raw+size" and name.format != "raw":
            with nbd.Disk(call, file, name.format, snapname) as disk:
                stream.write(SIZE.pack(disk.size))
                for offset in range(0, disk.size, nbd.CHUNK):
                    stream.write(disk.read(offset, min(nbd.CHUNK, disk.size - offset)))
                    call.progress(offset, disk.size)
        else:
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                stream.write(SIZE.pack(size))
                length = os.fstat(fd).st_size
                stream.send_file(fd, length, lambda done: call.progress(done, length))
            finally:
                os.close(fd)
        return stream.result()


def send_tree(call, stream, directory, what=None):
    """`what`: arguments that name the members, when it is not the whole tree."""
    stream.write(SIZE.pack(0))
    with Filter(call, [*TAR, "--sparse", "--one-file-system", "-cf", "-", *(what or ["-C", directory, "."])], "tar",
                feed=False) as tar:
        while data := tar.read():
            stream.write(data)
            call.progress(stream.bytes)
        status, text = tar.finish()
        if status != 0:
            raise tool_error("packing the files", status, text)


# MARK: Import

def receive(call, store, place, name, form, with_snapshots, path, digest):
    if form not in import_formats(name, with_snapshots):
        raise unsupported(form, name, "made from a stream")
    final = place.file(name)
    if made_before(call, final):
        raise PluginError("STREAM_BROKEN", f"'{name.text}' was made whole before the plugin was ended; its count and"
                          " digest are lost", outcome="completed", bytes=0)
    result = {}

    def fill(temp):
        with Stream(call, path, digest, writing=False) as stream:
            (size,) = SIZE.unpack(stream.read_exactly(SIZE.size))
            if size > (1 << 63) - images.UNIT:
                raise PluginError("STREAM_BROKEN", f"the stream announces {size} bytes", bytes=stream.bytes)
            if form == "tar+size":
                receive_tree(call, stream, temp)
            elif form == "raw+size" and name.format != "raw":
                receive_disk(call, stream, temp, name.format, size, place.scfg.get("preallocation"))
            elif form == "raw+size":
                receive_raw(call, stream, temp, size)
            else:
                receive_file(call, stream, temp, FILE_STREAMS[form], size)
            result.update(stream.result())

    store.make(call, place, name, final, fill)
    return {"volname": name.text, **result}


def end_of(stream):
    rest = stream.read()
    if rest:
        raise stream.broken("the stream is longer than it announced")


def blank(data):
    return data == (ZEROS if len(data) == BLOCK else bytes(len(data)))


def receive_raw(call, stream, temp, size, new=True):
    fd = os.open(temp, os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if new else 0), 0o640)
    try:
        os.ftruncate(fd, size)
        offset, hole = 0, False
        while offset < size:
            data = stream.read(min(BLOCK, size - offset))
            if not data:
                raise stream.broken(f"the stream ended {size - offset} bytes early", expected=size + SIZE.size)
            if not blank(data):
                if hole:
                    os.lseek(fd, offset, os.SEEK_SET)
                    hole = False
                write_all(fd, data)
            else:
                hole = True
            offset += len(data)
            call.progress(offset, size)
        end_of(stream)
        os.fsync(fd)
    finally:
        os.close(fd)


def receive_disk(call, stream, temp, form, size, preallocation):
    """A stream of plain bytes into a structured image, holes left out."""
    qemu.create(call, temp, form, (size + images.UNIT - 1) // images.UNIT * images.UNIT, preallocation)
    with nbd.Disk(call, temp, form, writable=True) as disk:
        offset = 0
        while offset < size:
            data = stream.read_exactly(min(nbd.CHUNK, size - offset))
            if not blank(data):
                disk.write(offset, data)
            offset += len(data)
            call.progress(offset, size)
        end_of(stream)
        disk.flush()


def receive_file(call, stream, temp, form, size):
    """A whole image file, kept as it came (holes left out) once it has been looked at."""
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        offset = 0
        while data := stream.read():
            if not blank(data):
                os.lseek(fd, offset, os.SEEK_SET)
                write_all(fd, data)
            offset += len(data)
            call.progress(stream.bytes)
        os.ftruncate(fd, offset)
    finally:
        os.close(fd)
    virtual, backing = qemu.header(temp, form, os.lstat(temp))
    if virtual != size:
        raise stream.broken(f"the stream announced {size} bytes, the image in it has {virtual}")
    if backing is not None:
        raise PluginError("FORMAT_UNSUPPORTED", "the image depends on another one (backing file) and cannot be taken")
    details = qemu.info(call, temp, form)
    special = details.get("format-specific", {}).get("data", {})
    extents = special.get("extents", [])
    if details.get("backing-filename") or special.get("data-file") or len(extents) > 1 \
            or any(extent.get("filename") not in (temp, None) for extent in extents):
        raise PluginError("FORMAT_UNSUPPORTED", "the image refers to other files and cannot be taken")
    qemu.check(call, temp, form)


def receive_tree(call, stream, temp):
    os.mkdir(temp, 0o755)
    unpack(call, stream, temp)
    run_tool(call, ["/usr/bin/sync", "-f", temp], 3600, "making the files durable")


def unpack(call, stream, directory):
    """An archive's files. tar itself refuses names and links that lead out of the directory. A plugin owns what it
    makes: other owners, set-id bits and device nodes of the archive are not kept, which the log says."""
    argv = [*TAR, "--sparse", "--no-same-owner", "--delay-directory-restore", "--exclude=./dev/*", "-xpf", "-",
            "-C", directory]
    modes = archive.PlainModes()
    with Filter(call, argv, "tar", feed=True) as tar:
        wants = True
        while data := stream.read():
            if wants:
                wants = tar.write(modes.feed(data))
            call.progress(stream.bytes)
        if wants:
            tar.write(modes.end())
        status, text = tar.finish()
    if status != 0:
        if "Unexpected EOF" in text or "unexpected end of file" in text.lower() or "not look like a tar" in text \
                or "Damaged" in text or "Skipping to next header" in text:
            raise stream.broken(f"the archive is damaged or ended early: {text.splitlines()[0][:200]}")
        raise tool_error("unpacking the archive", status, text)
    archive.tell(call, modes.dropped)
