# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Disk images through qemu-img and qemu-nbd. A format is always stated, never guessed from an image's bytes."""

import json
import os
import struct

from berth_files import run_tool
from berth_plugin import PluginError

IMG = "/usr/bin/qemu-img"
SHORT, LONG = 60, 86400
QCOW2 = struct.Struct(">4sIQIIQ")
VMDK = struct.Struct("<4sIIQ")


def header(path, form, info):
    """(virtual size, backing file or None) straight from an image's first bytes; raises CORRUPT.

    Reading the header needs no lock and no process, so a listing stays cheap and works beside a running guest."""
    if form == "raw":
        return info.st_size, None
    if form == "subvol":
        return 0, None
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        start = os.pread(fd, 4096, 0)
        if form == "qcow2" and len(start) >= QCOW2.size:
            magic, version, place, length, _, size = QCOW2.unpack_from(start)
            if magic == b"QFI\xfb" and version in (2, 3) and length <= 1023 and size < 1 << 63:
                backing = os.pread(fd, length, place) if place and length else b""
                if len(backing) == (length if place else 0):
                    return size, backing.decode("utf-8", "surrogateescape") or None
        if form == "vmdk" and len(start) >= VMDK.size:
            magic, _, _, sectors = VMDK.unpack_from(start)
            if magic == b"KDMV" and sectors < 1 << 54:
                return sectors * 512, None
    finally:
        os.close(fd)
    raise PluginError("CORRUPT", f"{os.path.basename(path)} is not a {form} image")


def info(call, path, form):
    """`qemu-img info` of one image, not its backing chain."""
    out = run_tool(call, [IMG, "info", "--force-share", "--output=json", "-f", form, path], SHORT, "qemu-img info")
    try:
        return json.loads(out)
    except ValueError:
        raise PluginError("BACKEND_ERROR", "qemu-img info gave no JSON") from None


def create(call, path, form, size, preallocation):
    options = []
    if form == "qcow2":
        options = ["-o", f"preallocation={preallocation or 'metadata'}"]
    run_tool(call, [IMG, "create", "-q", "-f", form, *options, path, str(size)], LONG, f"creating the {form} image")


def create_backed(call, path, backing, backing_format):
    run_tool(call, [IMG, "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", backing, path], SHORT,
             "creating the linked clone")


def create_over(call, path, backing, size):
    """An empty image over a qcow2 file beside it, which is not opened."""
    run_tool(call, [IMG, "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", backing, path, str(size)], SHORT,
             "creating the image over the snapshot")


def extents(call, path):
    """[(offset, length)] of what an image shows of the image right below it, and not of itself."""
    out = run_tool(call, [IMG, "map", "--force-share", "--output=json", "-f", "qcow2", path], LONG, "qemu-img map")
    try:
        return [(entry["start"], entry["length"]) for entry in json.loads(out)
                if entry["depth"] == 1 and entry.get("present", True)]
    except (ValueError, KeyError, TypeError):
        raise PluginError("BACKEND_ERROR", "qemu-img map gave no map") from None


def point(call, path, backing, backing_format):
    """Changes only the name of the backing file (None: none), by one write of the image's first cluster."""
    over = ["-F", backing_format, "-b", backing] if backing else ["-b", ""]
    run_tool(call, [IMG, "rebase", "-q", "-u", "-f", "qcow2", *over, path], SHORT, "changing the backing file")


def resize(call, path, form, size):
    run_tool(call, [IMG, "resize", "-q", "-f", form, path, str(size)], LONG, "resizing the image")


def check(call, path, form):
    """Refuses an image whose metadata is damaged or points past its end."""
    try:
        run_tool(call, [IMG, "check", "-q", "-f", form, path], LONG, "checking the image")
    except PluginError as error:
        if error.symbol != "BACKEND_ERROR":
            raise
        if error.data.get("backend", {}).get("code") != "3":  # 3: only leaked clusters, harmless
            raise PluginError("CORRUPT", f"the image is damaged: {error.message}") from None


def mend(call, path):
    """Sets the counts of a qcow2 image's clusters right, and the flags that stand for them, where a killed change of its
    snapshots left them: too high, or not set again. They cost space and make `qemu-img check` speak of damage; what the
    image holds is not touched. Whatever else is wrong stays as it is, and so does an image that somebody has open."""
    other, line = False, b""

    def look(data):
        nonlocal other, line
        *whole, line = (line + data).split(b"\n")
        other = other or any(is_other(text) for text in whole)
        line = line[:64]

    def is_other(text):
        return text.startswith(b"ERROR") and not text.startswith(b"ERROR OFLAG_COPIED")

    def run(repair, complaints=None):
        run_tool(call, [IMG, "check", "-q", "-r", repair, "-f", "qcow2", path], LONG, "mending the image",
                 complaints=complaints)

    try:
        try:
            run("leaks", look)
        except PluginError as error:
            # 2: more than leaks. Flags alone are set anew; anything else is for people to see.
            if other or is_other(line) or error.data.get("backend", {}).get("code") != "2":
                raise
            run("all")
    except PluginError as error:
        call.log(f"the image {os.path.basename(path)} was not mended after an interrupted change: {error.message}",
                 "warning")


def snapshots(call, path):
    return info(call, path, "qcow2").get("snapshots", [])


def snapshot(call, path, action, name):
    """`action`: -c create, -a apply, -d delete."""
    run_tool(call, [IMG, "snapshot", "-q", action, name, "--image-opts",
                    f"driver=qcow2,file.driver=file,file.filename={path.replace(',', ',,')}"],
             LONG, f"qemu-img snapshot {action} {name}")
