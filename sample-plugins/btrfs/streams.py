# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The format `btrfs`: the file system's own streams of snapshots, whole or as the changes since a base snapshot. The
host moves them; what arrives is taken over under this volume's names once it is complete."""

import os

import images
import layout
import names
import privileged
import subvolumes
from berth_files import Temp, made_before
from berth_plugin import PluginError

MOST = 64


def labels(call, store, here, name, snap, base, with_snapshots):
    """The snapshots that travel, oldest first."""
    store.find(here, name, snap)
    if base is not None:
        store.find(here, name, base)
    if not with_snapshots:
        return [snap]
    known = [entry[1] for entry in store.snapshots(here, name)]
    known = known[:known.index(snap) + 1]
    if base is not None:
        if base not in known or base == snap:
            raise PluginError("INVALID_PARAMS", f"'{base}' is not older than '{snap}'", field="/baseSnapshot")
        known = known[known.index(base) + 1:]
    wanted = call.strings("snapshots")
    if wanted is not None:
        known = [label for label in known if label in wanted or label == snap]
    if len(known) > MOST:
        raise PluginError("NOT_SUPPORTED", f"'{name.text}' has more than {MOST} snapshots to send at once",
                          hint="send them in parts, with a base snapshot")
    return known


def send(call, store, here, name, snap, base, with_snapshots):
    paths = [here.subvolume(name, label) for label in labels(call, store, here, name, snap, base, with_snapshots)]
    more = {} if base is None else {"base": here.subvolume(name, base)}
    return privileged.ask("host.btrfs.send", paths=paths, **more)


def remove(path):
    """Removes a temporary name with the snapshots that were received under it."""
    folder, prefix = os.path.split(path)
    for entry in os.listdir(folder):
        if entry.startswith(prefix + "@"):
            subvolumes.destroy(os.path.join(folder, entry))
    subvolumes.destroy(path)


def receive(call, store, here, name, snap, base, with_snapshots):
    final = here.subvolume(name)
    if base is None and made_before(call, final, subvolumes.identity):
        raise PluginError("STREAM_BROKEN", f"'{name.text}' was made whole before the plugin was ended; its count and"
                          " digest are lost", outcome="completed", bytes=0)
    if base is None:
        if os.path.lexists(final):
            raise images.exists(name)
        more = {}
    else:
        store.find(here, name, base)
        more = {"base": here.subvolume(name, base)}
    with here.owner_dir(name.vmid) as directory, Temp(call, store.state, directory, ".got", remove=remove) as temp:
        # So that a later run finds something under the name that was noted.
        os.mkdir(temp.path, 0o700)
        with images.space(here, None):
            answer = privileged.ask("host.btrfs.receive", path=temp.path, snapshots=True, **more)
        got = [entry["path"].rsplit("@", 1)[1] for entry in answer["subvolumes"]]
        check(call, store, here, name, temp.path, got, snap, with_snapshots)

        def fill(path):
            subvolumes.snapshot(f"{temp.path}@{snap}", path, read_only=False)
        if base is None:
            store.make(call, here, name, fill)
        else:
            store.replace(call, here, name, fill)
        for label in got:
            os.rename(f"{temp.path}@{label}", here.subvolume(name, label))
        subvolumes.sync(directory)
    call.outcome = "completed"
    return {key: answer[key] for key in ("bytes", "digest") if key in answer}


def check(call, store, here, name, path, got, snap, with_snapshots):
    """Whether it is what was announced, before anything of the volume changes."""
    if not got or got[-1] != snap or (len(got) > 1 and not with_snapshots):
        raise PluginError("STREAM_BROKEN", f"the stream holds {', '.join(got)[:200]} in place of '{snap}'")
    for label in got:
        names.snapshot(label)
        if os.path.lexists(here.subvolume(name, label)):
            raise PluginError("SNAPSHOT_EXISTS", f"'{name.text}' has a snapshot '{label}' already")
        file = f"{path}@{label}" + ("/disk.raw" if name.format == "raw" else "")
        if not os.path.lexists(file):
            raise PluginError("CORRUPT", f"the stream's '{label}' holds no disk.raw")
        layout.volume_stat(file, name.text, name.format == "subvol")
    call.check()
