# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Notes and protection of backups, kept where Proxmox VE keeps them: files beside the archive."""

import contextlib
import os

import layout
import listing
from berth_files import fsync_path, write_whole
from berth_plugin import PluginError


def _file(place, name, attribute):
    if attribute not in ("notes", "protected"):
        raise PluginError("NOT_SUPPORTED", f"volumes have no attribute '{attribute}' here; notes and protected exist")
    if name.vtype != "backup":
        raise PluginError("NOT_SUPPORTED", f"only backups have {attribute} here, and '{name.text}' is none")
    path = place.file(name)
    layout.volume_stat(path, name.text)
    return path


def get(place, name, attribute):
    path = _file(place, name, attribute)
    if attribute == "protected":
        return os.path.lexists(path + ".protected")
    return listing.read_notes(path) or None


def update(call, place, name, attribute, value):
    path = _file(place, name, attribute)
    side = f"{path}.{attribute}"
    if attribute == "protected":
        if value not in (True, False, None):
            raise PluginError("INVALID_PARAMS", "'protected' is true, false or null", field="/value")
        data = b"" if value else None
    else:
        if value is not None and (not isinstance(value, str) or len(value.encode()) > 65536):
            raise PluginError("INVALID_PARAMS", "'notes' is a text of at most 64 KiB, or null", field="/value")
        data = value.encode() if value else None
    call.check()
    if data is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(side)
            fsync_path(os.path.dirname(side))
    else:
        write_whole(side, data)
    call.outcome = "completed"
