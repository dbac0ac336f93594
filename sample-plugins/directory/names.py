# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Volume names of storages that keep files below a path, as Proxmox VE reads them."""

import re
from dataclasses import dataclass

from berth_files import TEMP_PREFIX
from berth_plugin import PluginError

IMAGE_FORMATS = ("raw", "qcow2", "vmdk", "subvol")
KINDS = {
    "iso": re.compile(r".+\.(?:iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r".+\.tar(?:\.(?:gz|xz|zst|bz2))?"),
    "backup": re.compile(r".+\.(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)"),
    "snippets": re.compile(r".+"),
    "import": re.compile(r"[ A-Za-z0-9\-.+=_]+\.(ova|ovf|qcow2|raw|vmdk)"),
}
IMAGE = re.compile(r"([^/\s]+)\.(raw|qcow2|vmdk|subvol)")
OWNER = re.compile(r"0|[1-9][0-9]{0,8}")
INNER = re.compile(r"import/([ A-Za-z0-9\-.+=_]+\.ova)/([ A-Za-z0-9\-.+=_]+\.(qcow2|raw|vmdk))")
BACKUP_OWNER = re.compile(r"vzdump-(?:openvz|lxc|qemu)-([0-9]{1,9})-.+")
BACKUP_KIND = re.compile(r"vzdump-(openvz|lxc|qemu)-")
BACKUP_TIME = re.compile(r"vzdump-(?:openvz|lxc|qemu)-[0-9]+-(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)\.")
ARCHIVE_ENDING = re.compile(r"\.(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst|bz2))?)\Z")
SNAPSHOT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")


@dataclass(frozen=True)
class Name:
    """A volume name taken apart. `name` is the file's name; `basename`, `basevmid` are set for linked clones."""
    text: str
    vtype: str
    name: str
    format: str
    vmid: int | None = None
    basename: str | None = None
    basevmid: int | None = None
    is_base: bool = False

    def parts(self):
        value = {"vtype": self.vtype, "name": self.name, "isBase": self.is_base, "format": self.format}
        for key, part in (("vmid", self.vmid), ("basename", self.basename), ("basevmid", self.basevmid)):
            if part is not None:
                value[key] = part
        return value


def refuse(text, why):
    shown = text if len(text) <= 80 else text[:77] + "…"
    return PluginError("NAME_INVALID", f"volume name {shown!r} {why}", field="/volname")


def parse(text):
    if not isinstance(text, str) or not text:
        raise PluginError("NAME_INVALID", "the volume name is empty or no text", field="/volname")
    if len(text.encode("utf-8", "replace")) > 1000:
        raise refuse(text, "is longer than 1000 bytes")
    if any(ord(char) < 0x20 or ord(char) == 0x7f or 0xd800 <= ord(char) <= 0xdfff for char in text):
        raise refuse(text, "holds a control character")
    steps = text.split("/")
    for step in steps:
        if step in ("", ".", ".."):
            raise refuse(text, "holds an empty part or a path step")
        if len(step.encode("utf-8")) > 255:
            raise refuse(text, "has a part longer than 255 bytes")
        if step.startswith(TEMP_PREFIX):
            raise refuse(text, "is the name of unfinished work")
    if len(steps) < 2:
        raise refuse(text, "has no slash; names look like '100/vm-100-disk-0.qcow2' or 'iso/debian.iso'")
    if steps[0][0].isdigit():
        return _image(text, steps)
    kind = steps[0]
    if kind not in KINDS:
        raise refuse(text, "begins with neither a guest's number nor a kind (iso, vztmpl, backup, snippets, import)")
    if kind == "import" and len(steps) == 3:
        inner = INNER.fullmatch(text)
        if inner is None:
            raise refuse(text, "is no disk inside an appliance (import/NAME.ova/DISK.vmdk)")
        return Name(text, "import", f"{inner[1]}/{inner[2]}", f"ova+{inner[3]}")
    if len(steps) != 2 or KINDS[kind].fullmatch(steps[1]) is None:
        raise refuse(text, f"is no {kind} name (wrong ending, character or an extra slash)")
    form, vmid = "raw", None
    if kind == "import":
        form = KINDS[kind].fullmatch(steps[1])[1]
    elif kind == "backup":
        owner = BACKUP_OWNER.match(steps[1])
        vmid = int(owner[1]) if owner else None
    return Name(text, kind, steps[1], form, vmid)


def _image(text, steps):
    if len(steps) not in (2, 4):
        raise refuse(text, "is no image: VMID/NAME, or BASEVMID/BASENAME/VMID/NAME for a linked clone")
    form, is_base = image_file(text, steps[-1])
    if OWNER.fullmatch(steps[-2]) is None:
        raise refuse(text, "has an owner that is no number of 1 to 9 digits")
    if len(steps) == 2:
        return Name(text, "images", steps[1], form, int(steps[0]), is_base=is_base)
    if OWNER.fullmatch(steps[0]) is None:
        raise refuse(text, "has a base owner that is no number of 1 to 9 digits")
    image_file(text, steps[1])
    return Name(text, "images", steps[3], form, int(steps[2]), steps[1], int(steps[0]), is_base)


def image_file(text, name):
    found = IMAGE.fullmatch(name)
    if found is None:
        raise refuse(text, "has no image's name: no blanks, ending .raw, .qcow2, .vmdk or .subvol")
    if name.startswith("snap-") and found[2] == "qcow2":
        raise refuse(text, "is the file of a snapshot, not a volume")
    return found[2], found[1].startswith("base-") and len(found[1]) > 5


def archive_ending(filename):
    """The ending of a backup archive: `.vma.zst`; empty when it is none."""
    found = ARCHIVE_ENDING.search(filename)
    return found[0] if found else ""


def snapshot(name):
    """Checks a snapshot's name and returns it."""
    # All digits could be taken for the id that qcow2 gives another snapshot.
    if not isinstance(name, str) or SNAPSHOT.fullmatch(name) is None or name == "current" or name.isdigit():
        raise PluginError("INVALID_PARAMS", f"snapshot name {str(name)[:80]!r} is not acceptable (letters, digits, _ . -;"
                          " neither 'current' nor a number)", field="/snapname")
    return name
