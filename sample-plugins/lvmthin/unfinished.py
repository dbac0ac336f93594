# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Work that takes several steps, on record before its first one, so that a killed run's rest can be put right.

A volume's name is its identity, so what has no final name yet is called `berth-new_NAME`, and what is about to go
`berth-old_NAME`. Only what is on record here is ever touched: another storage may share the group."""

import contextlib
import os
import threading

from berth_files import fsync_path
from group import NEW, OLD
from berth_plugin import PluginError


class Unfinished:
    def __init__(self, directory):
        self.directory = os.path.join(directory, "unfinished")
        self.mutex, self.running = threading.Lock(), set()

    @contextlib.contextmanager
    def work(self, volname):
        """On record while the block runs, and after it unless it ended well or cleaned up."""
        note = os.path.join(self.directory, volname)
        with self.mutex:
            if volname in self.running:
                raise PluginError("VOLUME_BUSY", f"'{volname}' is being made or put back")
            self.running.add(volname)
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            fsync_path(self.directory)
            yield Record(note)
        finally:
            with self.mutex:
                self.running.discard(volname)

    def settle(self, group):
        """Puts right what killed runs left; returns the names of the volumes concerned."""
        try:
            names = sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []
        settled = []
        for name in names:
            with self.mutex:
                if name in self.running:
                    continue
                self.running.add(name)
            try:
                if self.settle_one(group, name):
                    settled.append(name)
                Record(os.path.join(self.directory, name)).done()
            finally:
                with self.mutex:
                    self.running.discard(name)
        return settled

    @staticmethod
    def settle_one(group, name):
        """Volume, new and old: a volume whose exchange stopped halfway gets its new content, which was whole by then;
        otherwise the rest of unfinished work is removed."""
        new, old = NEW + name, OLD + name
        touched = False
        if group.thin(name) is None and group.thin(old) is not None:
            group.rename(new if group.thin(new) is not None else old, name)
            group.look()
            touched = True
        for rest in (new, old):
            if group.thin(rest) is not None:
                with contextlib.suppress(PluginError):
                    group.deactivate(rest)
                group.remove(rest)
                touched = True
        return touched


class Record:
    def __init__(self, note):
        self.note = note

    def done(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.note)
