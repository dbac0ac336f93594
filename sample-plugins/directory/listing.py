# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Listings, a page at a time and always in the same order."""

import base64
import datetime
import json
import os
import stat
import time

import images
import names
from berth_plugin import PluginError

PAGE = 1000
PAGE_BYTES = 1 << 20
ORDER = ("iso", "vztmpl", "backup", "snippets", "import")


class Page:
    """Collects entries after a cursor until the page is full. A key is a list that sorts like the listing."""

    def __init__(self, cursor, limit):
        self.limit, self.size, self.entries, self.more, self.last = limit or PAGE, 0, [], False, None
        self.after = None
        if cursor is not None:
            try:
                self.after = json.loads(base64.urlsafe_b64decode(cursor.encode()))
                if not isinstance(self.after, list):
                    raise ValueError
            except ValueError:
                raise PluginError("CURSOR_INVALID", "the cursor is none of this plugin's") from None

    def wants(self, key):
        """Whether the entry with this key belongs on the page; afterwards `more` tells whether to stop."""
        try:
            if self.after is not None and not key > self.after:
                return False
        except TypeError:
            raise PluginError("CURSOR_INVALID", "the cursor is none of this plugin's") from None
        if len(self.entries) >= self.limit or self.size > PAGE_BYTES:
            self.more = True
            return False
        return True

    def add(self, key, entry):
        self.entries.append(entry)
        self.size += sum(len(value) if isinstance(value, str) else 8 for value in entry.values()) + 120
        self.last = key

    def result(self):
        value = {"volumes": self.entries}
        if self.more:
            value["nextCursor"] = base64.urlsafe_b64encode(json.dumps(self.last).encode()).decode()
        return value


def owner_and_file(text):
    name = names.parse(text)
    return (name.vmid, name.name) if name.vtype == "images" else None


def list_images(call, store, place, vmid, wanted, page, parse=owner_and_file):
    """Adds images to a page; False when it is full."""
    if wanted is not None:
        source = sorted({parse(text) for text in wanted} - {None})
    else:
        source = ((int(owner), filename) for owner, filename in images.walk(place)
                  if vmid is None or int(owner) == vmid)
    for owner, filename in source:
        key = [0, owner, filename]
        if not page.wants(key):
            if page.more:
                return False
            continue
        call.check()
        entry = store.describe(place, owner, filename)
        if entry is not None:
            page.add(key, entry)
    return True


def list_volumes(call, store, place, vmid, content, page):
    kinds = content if content is not None else ["images", "rootdir", *ORDER]
    if "images" in kinds or "rootdir" in kinds:
        if not list_images(call, store, place, vmid, None, page):
            return
        for entry in page.entries:
            if "content" not in entry and entry["volname"][0].isdigit():
                entry["content"] = "rootdir" if entry["format"] == "subvol" else "images"
    for index, kind in enumerate(ORDER, 1):
        if kind not in kinds:
            continue
        try:
            files = sorted(os.listdir(place.subdir(kind)))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for filename in files:
            key = [index, 0, filename]
            if filename.startswith(".") or not page.wants(key):
                if page.more:
                    return
                continue
            entry = describe_file(place, kind, filename)
            if entry is not None and (vmid is None or entry.get("vmid") == vmid):
                page.add(key, entry)


def describe_file(place, kind, filename):
    if kind in ("backup", "snippets") and filename.endswith((".notes", ".protected", ".log")):
        if kind == "backup":
            return None
    try:
        name = names.parse(f"{kind}/{filename}")
        path = place.file(name)
        info = os.lstat(path)
    except (PluginError, FileNotFoundError, ValueError):
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    entry = {"volname": name.text, "format": file_format(name), "size": info.st_size, "used": info.st_blocks * 512,
             "ctime": max(0, int(info.st_ctime)), "content": kind}
    if kind == "backup":
        if name.vmid:
            entry["vmid"] = name.vmid
        kinds = names.BACKUP_KIND.match(filename)
        if kinds is not None:
            entry["subtype"] = kinds[1]
        moment = names.BACKUP_TIME.match(filename)
        if moment is not None:
            entry["ctime"] = local_time([int(part) for part in moment.groups()]) or entry["ctime"]
        notes = read_notes(path)
        if notes:
            entry["notes"] = notes.split("\n", 1)[0][:1024]
        entry["protected"] = os.path.lexists(path + ".protected")
    return entry


def file_format(name):
    """What a listing calls the format of a file: its ending, as Proxmox VE shows it."""
    if name.vtype == "snippets":
        return "snippet"
    if name.vtype in ("iso", "import"):
        return name.name.rsplit(".", 1)[1].lower()
    if name.vtype == "vztmpl":
        return {"tar.gz": "tgz", "tar.xz": "txz", "tar.zst": "tzst", "tar.bz2": "tbz2", "tar": "tar"}.get(
            name.name[name.name.rindex(".tar") + 1:], "tar")
    for ending in (".gz", ".lzo", ".zst", ".bz2"):
        if name.name.endswith(ending):
            return name.name[:-len(ending)].rsplit(".", 1)[1] + ending
    return name.name.rsplit(".", 1)[1]


def local_time(parts):
    """Seconds since the epoch of a local time in a backup's name, or None when there is no such time."""
    try:
        datetime.datetime(*parts)
        return max(0, int(time.mktime((*parts, 0, 0, -1))))
    except (ValueError, OverflowError):
        return None


def read_notes(path):
    try:
        fd = os.open(path + ".notes", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 65536).decode("utf-8", "replace").replace("\0", "")
    finally:
        os.close(fd)
