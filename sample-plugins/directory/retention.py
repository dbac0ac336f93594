# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Which backups stay: Proxmox VE's `prune-backups` rules over the archives of a directory, and their removal."""

import os
import stat
import time
from dataclasses import dataclass

import listing
import names
from berth_plugin import PluginError

# In the order in which the rules apply; a span of time is what two moments of it have in common on the local clock.
SPANS = (("last", "%s"), ("hourly", "%Y/%m/%d/%H"), ("daily", "%Y/%m/%d"), ("weekly", "%G/%V"), ("monthly", "%Y/%m"),
         ("yearly", "%Y"))


@dataclass
class Backup:
    """One archive as retention looks at it. `mark`: keep, remove, protected or renamed, once decided."""
    filename: str
    ctime: int
    type: str = "unknown"
    vmid: int | None = None
    standard: bool = False
    protected: bool = False
    mark: str | None = None


def read(filename, ctime, protected=False):
    """Type, guest and moment from an archive's name, as far as it is standard."""
    backup = Backup(filename, ctime, protected=protected)
    kind, owner = names.BACKUP_KIND.match(filename), names.BACKUP_OWNER.match(filename)
    moment = names.BACKUP_TIME.fullmatch(filename[:len(filename) - len(names.archive_ending(filename))] + ".")
    if kind is not None:
        backup.type = kind[1]
    if owner is not None:
        backup.vmid = int(owner[1])
        if moment is not None and backup.vmid >= 100 and not owner[1].startswith("0"):
            named = listing.local_time([int(part) for part in moment.groups()])
            if named is not None:
                backup.ctime, backup.standard = named, True
    return backup


def rules(keep):
    """The positive counts of a request; nothing at all means that everything stays."""
    counts = {}
    for name, value in keep.items():
        if name == "all":
            if type(value) is not bool:
                raise PluginError("INVALID_PARAMS", "keep.all is true or false", field="/keep/all")
            continue
        if name not in dict(SPANS) or type(value) is not int or not 0 <= value <= 1000000:
            raise PluginError("INVALID_PARAMS", f"keep.{name[:32]} is no rule or no count from 0 to 1000000",
                              field="/keep")
        if value:
            counts[name] = value
    if keep.get("all") and counts:
        raise PluginError("INVALID_PARAMS", "keep.all cannot stand beside other rules", field="/keep/all")
    return counts


def decide(backups, counts):
    """Marks every backup. Each guest's backups of a type are judged on their own, the newest first: a rule keeps the
    newest of each span that no earlier rule covers, until its count is used up; what no rule claims goes."""
    groups = {}
    for backup in backups:
        backup.mark = "protected" if backup.protected else None if backup.standard else "renamed"
        if backup.standard:
            groups.setdefault((backup.type, backup.vmid), []).append(backup)
    for members in groups.values():
        members.sort(key=lambda backup: -backup.ctime)
        for rule, form in SPANS:
            if counts.get(rule):
                _apply(members, counts[rule], form)
        for backup in members:
            backup.mark = backup.mark or ("remove" if counts else "keep")


def _apply(members, count, form):
    spans = [str(backup.ctime) if form == "%s" else time.strftime(form, time.localtime(backup.ctime))
             for backup in members]
    covered = {span for backup, span in zip(members, spans) if backup.mark == "keep"}
    fresh = set()
    for backup, span in zip(members, spans):
        if backup.mark is not None or span in covered:
            continue
        if span in fresh:
            backup.mark = "remove"
        elif len(fresh) >= count:
            break
        else:
            fresh.add(span)
            backup.mark = "keep"


def prune(call, store, place, keep, vmid, kind, dry):
    """Decides about every backup and, unless it is a dry run, removes those that go. One that cannot be removed does
    not keep the others; the call then fails and says so, and repeating it goes on."""
    counts, backups = rules(keep), []
    for filename in sorted(listdir(place.subdir("backup"))):
        call.check()
        if names.KINDS["backup"].fullmatch(filename) is None or filename.startswith("."):
            continue
        path = os.path.join(place.subdir("backup"), filename)
        try:
            info = os.lstat(path)
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(info.st_mode):
            continue
        backup = read(filename, max(0, int(info.st_ctime)), os.path.lexists(path + ".protected"))
        if (vmid is None or backup.vmid == vmid) and (kind is None or backup.type == kind):
            backups.append(backup)
    decide(backups, counts)
    failed = []
    for backup in backups:
        if backup.mark != "remove" or dry:
            continue
        call.progress(backups.index(backup), len(backups), "remove", "backups")
        try:
            store.free(call, place, names.parse("backup/" + backup.filename))
            call.log(f"pruned backup/{backup.filename}")
        except PluginError as error:
            if error.symbol == "PROTECTED":  # protected since it was looked at
                backup.mark = "protected"
                continue
            failed.append((backup.filename, error.message))
        except OSError as error:
            failed.append((backup.filename, error.strerror or str(error)))
    if failed:
        raise PluginError("BACKEND_ERROR", f"{len(failed)} backup(s) could not be removed, the first backup/"
                          f"{failed[0][0]}: {failed[0][1]}", outcome="partial", hint="repeat it once that is mended")
    return {"backups": [entry(backup) for backup in backups]}


def listdir(path):
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def entry(backup):
    value = {"volname": "backup/" + backup.filename, "ctime": backup.ctime, "type": backup.type, "mark": backup.mark}
    if backup.vmid:
        value["vmid"] = backup.vmid
    return value
