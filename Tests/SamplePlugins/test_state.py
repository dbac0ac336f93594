# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What a plugin remembers does not grow with time, works in a full directory, and is written whole."""

import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

from harness import ROOT, PluginTest

sys.path.insert(0, os.path.join(ROOT, "sample-plugins", "lib"))

import berth_files  # noqa: E402
from berth_files import KEY_LIFE, State  # noqa: E402


class Memory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="berth-state-test-")
        self.addCleanup(folder.cleanup)
        self.directory = folder.name

    def change(self, state, key):
        record, finished = state.begin(key, "alloc_image", {"key": key})
        if finished is None:
            state.note(record, {"path": key})
            state.finish(record, {"made": key})
        return finished

    def keys(self):
        return os.listdir(os.path.join(self.directory, "keys"))

    def test_only_the_newest_keys_are_kept_while_running(self):
        state = State(self.directory, key_limit=8)
        for number in range(50):
            self.change(state, f"k{number}")
        self.assertEqual(len(self.keys()), 8)
        self.assertEqual(self.change(state, "k49"), {"made": "k49"})
        self.assertIsNone(self.change(state, "k0"))

    def test_keys_of_an_earlier_process_count_and_end(self):
        for number in range(6):
            self.change(State(self.directory), f"k{number}")
        old = time.time() - KEY_LIFE - 60
        for name in self.keys()[:2]:
            os.utime(os.path.join(self.directory, "keys", name), (old, old))
        open(os.path.join(self.directory, "keys", "half.new"), "w").close()
        state = State(self.directory, key_limit=4)
        state.prepare()
        self.assertEqual(len(self.keys()), 4)
        self.change(state, "k6")
        self.assertEqual(len(self.keys()), 4)

    def test_two_sweeps_at_once_remove_each_leftover_once(self):
        state = State(self.directory)
        state.prepare()
        for number in range(30):
            path = os.path.join(self.directory, f"left-{number}")
            os.mkdir(path)
            with open(os.path.join(state.temps, str(number)), "w", encoding="utf-8") as file:
                json.dump({"path": path, "restore": None}, file)
        slowly = threading.Barrier(2)
        counts = []

        def sweep():
            slowly.wait()
            counts.append(state.remove_leftovers(lambda path: (time.sleep(0.001), os.rmdir(path))))

        both = [threading.Thread(target=sweep) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        self.assertEqual(sorted(counts), [0, 30])
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("left-")], [])

    def test_a_key_at_work_is_never_dropped(self):
        state = State(self.directory, key_limit=2)
        record, _ = state.begin("slow", "clone_image", {})
        state.note(record, {"path": "x"})
        for number in range(10):
            self.change(state, f"k{number}")
        state.finish(record, {"made": "slow"})
        self.assertEqual(state.begin("slow", "clone_image", {})[1], {"made": "slow"})

    def test_fencing_tokens_of_the_names_used_last_are_kept(self):
        state = State(self.directory, fence_limit=4)
        for number in range(100):
            state.fence("storage/x", number)
            state.fence(f"volume/x:{number}", number)
        with open(os.path.join(self.directory, "fences.json"), encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)), 4)
        again = State(self.directory, fence_limit=4)
        self.assertEqual(again.fence("storage/x", 3), 99)
        self.assertEqual(again.fence("volume/x:99", 5), 99)

    def test_a_full_directory_gives_up_old_keys_and_not_the_work(self):
        state = State(self.directory)
        for number in range(20):
            self.change(state, f"k{number}")
        real, full = open, {"left": 3}

        def failing(path, mode="r", *arguments, **named):
            if "w" in mode and full["left"] and len(self.keys()) > 12:
                full["left"] -= 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            return real(path, mode, *arguments, **named)

        with mock.patch("builtins.open", failing):
            self.assertEqual(state.fence("volume/x:1", 7), 7)
        self.assertLessEqual(len(self.keys()), 12)
        self.assertEqual(self.change(state, "k19"), {"made": "k19"})

    def test_what_the_system_takes_in_parts_is_written_whole(self):
        path = os.path.join(self.directory, "notes")
        real = os.write
        with mock.patch.object(berth_files.os, "write", lambda fd, data: real(fd, bytes(data[:7]))):
            berth_files.write_whole(path, b"one line of notes\n" * 9)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"one line of notes\n" * 9)

    def test_a_write_cut_by_a_full_disk_leaves_what_was_there(self):
        path = os.path.join(self.directory, "notes")
        berth_files.write_whole(path, b"old notes")
        real, calls = os.write, []

        def filling(fd, data):
            calls.append(fd)
            if len(calls) > 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(fd, bytes(data[:4]))

        with mock.patch.object(berth_files.os, "write", filling), self.assertRaises(OSError):
            berth_files.write_whole(path, b"new notes, longer")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"old notes")
        self.assertEqual(os.listdir(self.directory), ["notes"])


class FewInodes(PluginTest):
    def test_a_plugin_outlives_the_inodes_of_its_state(self):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=40", "tmpfs", self.state], check=False,
                          capture_output=True).returncode:
            self.skipTest("a tmpfs with few inodes needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=False)
        session = self.open()
        name = "100/vm-100-disk-0.raw"
        for _ in range(30):
            session.do("alloc_image", vmid=100, format="raw", volname=name, size=512)
            session.do("free_image", volname=name)
        self.assertNotIn(name, self.tree())


if __name__ == "__main__":
    unittest.main()
