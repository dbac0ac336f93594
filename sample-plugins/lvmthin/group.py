# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""A storage's volume group as the host shows it, and every change of it: the host runs LVM, never this plugin."""

import re
from dataclasses import dataclass

from berth_plugin import PluginError

NAME = re.compile(r"(vm|base)-([0-9]{1,9})-[A-Za-z0-9_+.\-]+")
SNAPSHOT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,100}")
LVM_NAME = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.\-]{0,100}")
# Names and parts of names that LVM keeps for itself.
RESERVED = re.compile(r"(?:snapshot|pvmove).*|.*_(?:cdata|cmeta|corig|mlog|mimage|rimage|rmeta|tdata|tmeta|vorigin"
                      r"|pmspare)(?:_.*)?")
LONGEST = 110  # the device mapper allows 127 for group and volume together, with hyphens counted twice
NEW, OLD = "berth-new_", "berth-old_"
# Refusals after which nothing has changed.
HARMLESS = {"HOST_DENIED", "INVALID_PARAMS", "VOLUME_NOT_FOUND", "VOLUME_EXISTS", "VOLUME_BUSY", "NO_SPACE",
            "NOT_SUPPORTED", "OVERLOADED", "METHOD_NOT_FOUND", "PERMISSION_DENIED", "STORAGE_UNAVAILABLE"}


@dataclass(frozen=True)
class Name:
    text: str
    vmid: int
    is_base: bool


def parse(text, field="/volname"):
    match = NAME.fullmatch(text)
    if match is None or len(text) > LONGEST or RESERVED.fullmatch(text):
        shown = text if len(text) <= 80 else text[:77] + "…"
        raise PluginError("NAME_INVALID", f"{shown!r} is no volume name; names look like 'vm-100-disk-0'", field=field)
    return Name(text, int(match[2]), match[1] == "base")


def snapshot_name(text):
    if SNAPSHOT.fullmatch(text) is None or RESERVED.fullmatch(f"x_{text}"):
        raise PluginError("INVALID_PARAMS", f"{text!r} cannot name a snapshot here", field="/snapname")
    return text


class Group:
    """One storage's volume group within one call."""

    def __init__(self, call):
        scfg = call.table("scfg")
        self.call = call
        self.vg, self.pool = scfg.get("vgname"), scfg.get("thinpool")
        for key, value in (("vgname", self.vg), ("thinpool", self.pool)):
            if not isinstance(value, str) or LVM_NAME.fullmatch(value) is None:
                raise PluginError("CONFIG_INVALID", f"'{key}' must be the name of a volume group or logical volume",
                                  field=f"/{key}")
        self.report = None

    # Looking

    def look(self):
        """Asks the host anew. Raises STORAGE_UNAVAILABLE when group or pool are not there."""
        try:
            answer = self.call.host("host.lvm.report", vg=self.vg)
        except PluginError as error:
            if error.symbol == "VOLUME_NOT_FOUND":
                raise PluginError("STORAGE_UNAVAILABLE", f"there is no volume group '{self.vg}' on this node",
                                  hint="see vgs; import the group or correct vgname") from None
            raise
        self.report = {volume["name"]: volume for volume in answer["volumes"]}
        pool = self.report.get(self.pool)
        if pool is None or not pool.get("isThinPool"):
            raise PluginError("STORAGE_UNAVAILABLE", f"'{self.vg}' has no thin pool '{self.pool}'",
                              hint=f"make it (lvcreate --type thin-pool -n {self.pool} {self.vg}) or correct thinpool")
        self.thin_pool = pool
        return self

    def thin(self, name):
        """The thin volume of this pool that is called `name`, or None."""
        volume = self.report.get(name)
        return volume if volume is not None and volume.get("pool") == self.pool else None

    def find(self, name, snapname=None):
        """The report's entry of an existing volume or snapshot."""
        volume = self.thin(name.text)
        if volume is None:
            raise PluginError("VOLUME_NOT_FOUND", f"there is no volume '{name.text}'")
        if snapname is None:
            return volume
        lv = self.snapshot_lv(name, snapname)
        snapshot = self.thin(lv)
        if snapshot is None or self.owner(lv) != name.text:
            raise PluginError("SNAPSHOT_NOT_FOUND", f"'{name.text}' has no snapshot '{snapname}'")
        return snapshot

    @staticmethod
    def snapshot_lv(name, snapname):
        """Proxmox VE's name of a snapshot's logical volume."""
        lv = f"snap_{name.text}_{snapname}"
        if len(lv) > LONGEST:
            raise PluginError("INVALID_PARAMS", "the names of volume and snapshot together are too long for LVM",
                              field="/snapname")
        return lv

    def volumes(self):
        """(name, entry) of the storage's volumes, sorted."""
        for text in sorted(self.report):
            if NAME.fullmatch(text) and self.thin(text) is not None:
                yield parse(text), self.report[text]

    def owner(self, lv):
        """The volume that a snapshot's logical volume belongs to. `snap_vm-1-a_b_c` may be the snapshot `b_c` of
        `vm-1-a` or `c` of `vm-1-a_b`: the longest name that exists has it."""
        rest = lv.removeprefix("snap_")
        cuts = [index for index, char in enumerate(rest) if char == "_"]
        for cut in reversed(cuts):
            if rest[cut + 1:] and NAME.fullmatch(rest[:cut]) and self.thin(rest[:cut]) is not None:
                return rest[:cut]
        return None

    def snapshots(self, name):
        """(ctime, snapshot's name, entry), oldest first."""
        prefix = f"snap_{name.text}_"
        found = [(volume.get("ctime", 0), lv[len(prefix):], volume) for lv, volume in self.report.items()
                 if lv.startswith(prefix) and self.thin(lv) is not None and self.owner(lv) == name.text]
        return sorted(found, key=lambda item: item[:2])

    def clones(self, name):
        """Names of the volumes that were cloned from a base."""
        return [other.text for other, entry in self.volumes() if entry.get("origin") == name.text and other != name]

    def unclaimed(self, name):
        """Refuses a new volume's name when it is taken, or when a snapshot of another would become its own."""
        if name.text in self.report:
            raise PluginError("VOLUME_EXISTS", f"'{name.text}' exists already")
        taken = next((lv for lv in self.report if lv.startswith(f"snap_{name.text}_")), None)
        if taken is not None:
            raise PluginError("VOLUME_EXISTS", f"the logical volume '{taken}' would look like a snapshot of"
                              f" '{name.text}'",
                              hint="choose another name, or remove that logical volume")

    def used(self, volume):
        """Bytes that a thin volume or pool really takes."""
        try:
            share = float(volume.get("dataPercent", "0"))
        except ValueError:
            share = 0.0
        return int(volume["size"] * min(max(share, 0.0), 100.0) / 100)

    # Changing

    def change(self, operation, **arguments):
        """One change by the host. While it runs the outcome is unknown; a refusal leaves things as they were."""
        before, self.call.outcome = self.call.outcome, "unknown"
        try:
            answer = self.call.host(f"host.lvm.{operation}", vg=self.vg, **arguments)
        except PluginError as error:
            if error.symbol in HARMLESS:
                self.call.outcome = before
            raise
        self.call.outcome = "partial"
        return answer

    def create(self, lv, size):
        return self.change("create", lv=lv, size=size, thinPool=self.pool)["volume"]

    def snapshot(self, lv, target, read_only):
        return self.change("snapshot", lv=lv, target=target, readOnly=read_only)["volume"]

    def rename(self, lv, target):
        self.change("rename", lv=lv, target=target)

    def resize(self, lv, size):
        return self.change("resize", lv=lv, size=size)["volume"]

    def remove(self, lv):
        self.change("remove", lv=lv)

    def activate(self, lv, access="rw"):
        return self.call.host("host.lvm.activate", vg=self.vg, lv=lv, access=access)["device"]

    def deactivate(self, lv):
        self.call.host("host.lvm.deactivate", vg=self.vg, lv=lv)

    def node(self, lv, access):
        """Path inside the sandbox of an active volume's device node."""
        return self.call.host("host.device.open", **{"class": f"lvm:{self.vg}", "name": lv, "access": access})["path"]

    def path(self, lv):
        """Where the device is on the host."""
        return f"/dev/{self.vg}/{lv}"
