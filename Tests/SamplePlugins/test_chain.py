# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Snapshots as files of their own in the `directory` plugin, with real images."""

import json
import os
import random
import subprocess
import time
import unittest

from harness import PluginTest
from test_directory import MIB, qemu_io

VOLUME = "100/vm-100-disk-0.qcow2"


def backing(path):
    out = subprocess.run(["qemu-img", "info", "-U", "--output=json", "-f", "qcow2", path], capture_output=True,
                         check=True).stdout
    return json.loads(out).get("backing-filename")


class Chain(PluginTest):
    scfg = {"snapshot-as-volume-chain": True}

    def setUp(self):
        super().setUp()
        self.session = self.open()
        self.folder_100 = os.path.join(self.root, "images/100")
        self.live = os.path.join(self.folder_100, "vm-100-disk-0.qcow2")

    def file(self, snapshot):
        return os.path.join(self.folder_100, f"snap-{snapshot}-vm-100-disk-0.qcow2")

    def make(self, *names):
        """A volume whose first cluster says how many snapshots were taken before it was written."""
        self.session.do("alloc_image", vmid=100, format="qcow2", volname=VOLUME, size=4 * MIB)
        for count, name in enumerate(names):
            qemu_io(self.live, "qcow2", f"write -P {count + 1} 0 64k", f"write -P {count + 1} {count + 1}M 64k")
            self.session.do("volume_snapshot", volname=VOLUME, snapname=name)
        qemu_io(self.live, "qcow2", f"write -P {len(names) + 1} 0 64k")

    def names(self):
        return [entry["name"] for entry in self.session.do("volume_snapshot_info", volname=VOLUME)["snapshots"]]

    def delete(self, name, running=False):
        return self.session.do("volume_snapshot_delete", volname=VOLUME, snapname=name, running=running)

    def test_the_chain_is_as_proxmox_ve_makes_it(self):
        self.make("one", "two")
        self.assertEqual(sorted(os.listdir(self.folder_100)),
                         ["snap-one-vm-100-disk-0.qcow2", "snap-two-vm-100-disk-0.qcow2", "vm-100-disk-0.qcow2"])
        self.assertEqual(backing(self.live), "snap-two-vm-100-disk-0.qcow2")
        self.assertEqual(backing(self.file("two")), "snap-one-vm-100-disk-0.qcow2")
        self.assertIsNone(backing(self.file("one")))
        entries = self.session.do("volume_snapshot_info", volname=VOLUME)["snapshots"]
        self.assertEqual([(entry["name"], entry.get("parent"), entry.get("child"), entry["order"])
                          for entry in entries],
                         [("one", None, "two", 0), ("two", "one", "current", 1), ("current", "two", None, 2)])
        self.assertEqual((entries[0]["file"], entries[0]["volname"], entries[0]["virtualSize"]),
                         (self.file("one"), "100/snap-one-vm-100-disk-0.qcow2", 4 * MIB))
        # The files of snapshots are no volumes.
        self.assertEqual([entry["volname"] for entry in self.session.do("list_images")["volumes"]], [VOLUME])
        self.refused("NAME_INVALID", self.session.do, "volume_size_info", volname="100/snap-one-vm-100-disk-0.qcow2")
        self.refused("SNAPSHOT_EXISTS", self.session.do, "volume_snapshot", volname=VOLUME, snapname="one",
                     outcome="not_started")
        self.assertEqual(self.session.do("volume_qemu_snapshot_method", volname=VOLUME)["method"], "mixed")
        self.assertEqual(self.session.do("path", volname=VOLUME, snapname="one")["path"], self.file("one"))
        self.assertEqual(self.session.do("qemu_blockdev_options", volname=VOLUME, snapname="one")["blockdev"],
                         {"driver": "file", "filename": self.file("one")})
        self.refused("SNAPSHOT_NOT_FOUND", self.session.do, "qemu_blockdev_options", volname=VOLUME, snapname="no")

    def test_each_state_can_be_sent(self):
        self.make("one", "two")
        for name, first in (("one", 1), ("two", 2), (None, 3)):
            with self.subTest(name):
                data = self.exported(self.session, VOLUME, "raw+size", "crc32", **({"snapname": name} if name else {}))
                self.assertEqual((data[8], data[8 + MIB], len(data)), (first, 1, 8 + 4 * MIB))
        self.refused("SNAPSHOT_NOT_FOUND", self.exported, self.session, VOLUME, "raw+size", snapname="none")
        self.assertEqual(self.session.do("volume_export_formats", volname=VOLUME)["formats"], ["raw+size"])
        self.assertEqual(self.session.do("volume_export_formats", volname=VOLUME, withSnapshots=True)["formats"], [])

    def test_going_back(self):
        self.make("one", "two")
        error = self.refused("ROLLBACK_BLOCKED", self.session.do, "volume_rollback_is_possible", volname=VOLUME,
                             snapname="one")
        self.assertEqual(error.data["blockers"], ["two"])
        self.refused("ROLLBACK_BLOCKED", self.session.do, "volume_snapshot_rollback", volname=VOLUME, snapname="one",
                     outcome="not_started")
        self.session.do("volume_rollback_is_possible", volname=VOLUME, snapname="two")
        self.session.do("volume_snapshot_rollback", volname=VOLUME, snapname="two")
        qemu_io(self.live, "qcow2", "read -P 2 0 64k", "read -P 1 1M 64k")
        self.delete("two")
        self.session.do("volume_snapshot_rollback", volname=VOLUME, snapname="one")
        qemu_io(self.live, "qcow2", "read -P 1 0 64k", "read -P 0 2M 64k")
        self.assertEqual(self.names(), ["one", "current"])

    def test_any_snapshot_can_be_deleted(self):
        for order in (["one", "two", "three"], ["three", "two", "one"], ["two", "three", "one"]):
            with self.subTest(order):
                self.make("one", "two", "three")
                left = ["one", "two", "three"]
                for name in order:
                    self.assertEqual(self.delete(name), {})
                    self.assertEqual(self.delete(name), {})
                    left.remove(name)
                    self.assertEqual(self.names(), [*left, "current"] if left else [])
                    qemu_io(self.live, "qcow2", "read -P 4 0 64k", "read -P 1 1M 64k", "read -P 2 2M 64k",
                            "read -P 3 3M 64k")
                self.assertEqual(os.listdir(self.folder_100), ["vm-100-disk-0.qcow2"])
                self.assertIsNone(backing(self.live))
                self.session.do("free_image", volname=VOLUME)

    def test_a_running_guest_merges_itself(self):
        self.make("one", "two")
        self.refused("VOLUME_BUSY", self.delete, "two", running=True)
        # What QEMU does: it takes the snapshot out of the chain and leaves the file.
        subprocess.run(["qemu-img", "rebase", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                        "snap-one-vm-100-disk-0.qcow2", self.live], check=True)
        self.delete("two", running=True)
        self.assertFalse(os.path.exists(self.file("two")))
        self.assertEqual(self.names(), ["one", "current"])

    def test_an_image_in_use_is_left_alone(self):
        self.make("one")
        user = subprocess.Popen(["qemu-io", "-f", "qcow2", self.live], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(user.communicate)
        user.stdin.write(b"read 0 512\n")
        user.stdin.flush()
        user.stdout.readline()
        for method, more in (("volume_snapshot", {"snapname": "two", "running": False}),
                             ("volume_snapshot_rollback", {"snapname": "one"}),
                             ("volume_snapshot_delete", {"snapname": "one", "running": False}),
                             ("rename_snapshot", {"snapname": "one", "targetSnapname": "uno"})):
            self.refused("VOLUME_BUSY", self.session.do, method, volname=VOLUME, outcome="not_started", **more)
        self.session.do("volume_snapshot", volname=VOLUME, snapname="two", running=True)
        self.assertEqual(self.names(), ["one", "two", "current"])

    def test_rename(self):
        self.make("one", "two", "three")
        for old, new in (("one", "first"), ("three", "last")):
            self.session.do("rename_snapshot", volname=VOLUME, snapname=old, targetSnapname=new)
        self.assertEqual(self.names(), ["first", "two", "last", "current"])
        self.assertEqual(backing(self.file("two")), "snap-first-vm-100-disk-0.qcow2")
        self.assertFalse(os.path.exists(self.file("one")))
        qemu_io(self.live, "qcow2", "read -P 4 0 64k", "read -P 1 1M 64k", "read -P 3 3M 64k")
        self.refused("SNAPSHOT_NOT_FOUND", self.session.do, "rename_snapshot", volname=VOLUME, snapname="one",
                     targetSnapname="x")
        self.refused("SNAPSHOT_EXISTS", self.session.do, "rename_snapshot", volname=VOLUME, snapname="two",
                     targetSnapname="last", outcome="not_started")
        self.refused("INVALID_PARAMS", self.session.do, "rename_snapshot", volname=VOLUME, snapname="two",
                     targetSnapname="current")
        self.refused("INVALID_PARAMS", self.session.do, "rename_snapshot", volname=VOLUME, snapname="two",
                     targetSnapname="../two")

    def test_snapshots_inside_an_image_have_no_other_name(self):
        session = self.open(scfg={"snapshot-as-volume-chain": False})
        session.do("alloc_image", vmid=100, format="qcow2", volname=VOLUME, size=MIB)
        session.do("volume_snapshot", volname=VOLUME, snapname="one")
        error = self.refused("NOT_SUPPORTED", session.do, "rename_snapshot", volname=VOLUME, snapname="one",
                             targetSnapname="two", outcome="not_started")
        self.assertIn("snapshot-as-volume-chain", error.data["hint"])

    def test_a_linked_clone_keeps_its_base_below_its_snapshots(self):
        self.session.do("alloc_image", vmid=9, format="qcow2", volname="9/vm-9-disk-0.qcow2", size=4 * MIB)
        self.session.do("create_base", volname="9/vm-9-disk-0.qcow2", targetVolname="9/base-9-disk-0.qcow2")
        clone = "9/base-9-disk-0.qcow2/100/vm-100-disk-0.qcow2"
        self.session.do("clone_image", volname="9/base-9-disk-0.qcow2", vmid=100, targetVolname=clone)
        self.session.do("volume_snapshot", volname=clone, snapname="one")
        self.session.do("volume_snapshot", volname=clone, snapname="two")
        self.assertIn(clone, [entry["volname"] for entry in self.session.do("list_images")["volumes"]])
        self.refused("HAS_DEPENDENTS", self.session.do, "free_image", volname="9/base-9-disk-0.qcow2")
        self.session.do("volume_snapshot_delete", volname=clone, snapname="one", running=False)
        self.assertEqual(backing(self.file("two")), "../9/base-9-disk-0.qcow2")
        self.session.do("volume_snapshot_delete", volname=clone, snapname="two", running=False)
        self.assertEqual(backing(self.live), "../9/base-9-disk-0.qcow2")
        self.session.do("free_image", volname=clone)
        self.session.do("free_image", volname="9/base-9-disk-0.qcow2")

    def test_free_takes_the_snapshots_along_and_a_name_stays(self):
        self.make("one", "two")
        self.refused("NOT_SUPPORTED", self.session.do, "rename_volume", volname=VOLUME, targetVmid=101,
                     targetVolname="101/vm-101-disk-0.qcow2", outcome="not_started")
        self.refused("NOT_SUPPORTED", self.session.do, "create_base", volname=VOLUME,
                     targetVolname="100/base-100-disk-0.qcow2", outcome="not_started")
        self.session.do("volume_resize", volname=VOLUME, size=8 * MIB, running=False)
        self.session.do("volume_snapshot_rollback", volname=VOLUME, snapname="two")
        self.assertEqual(self.session.do("volume_size_info", volname=VOLUME)["size"], 4 * MIB)
        # Another volume whose name ends alike keeps its snapshot.
        other = "100/x-vm-100-disk-0.qcow2"
        self.session.do("alloc_image", vmid=100, format="qcow2", volname=other, size=MIB)
        self.session.do("volume_snapshot", volname=other, snapname="one")
        self.session.do("free_image", volname=VOLUME)
        self.assertEqual(sorted(os.listdir(self.folder_100)),
                         ["snap-one-x-vm-100-disk-0.qcow2", "x-vm-100-disk-0.qcow2"])

    def test_a_circle_is_no_endless_loop(self):
        self.make("one")
        subprocess.run(["qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b",
                        "snap-one-vm-100-disk-0.qcow2", self.file("one")], check=True)
        self.refused("CORRUPT", self.session.do, "volume_snapshot_info", volname=VOLUME)
        self.assertEqual(len(self.session.do("list_images")["volumes"]), 1)

    def test_kill_at_random_moments(self):
        seed = int(os.environ.get("BERTH_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        generator = random.Random(seed)
        self.make("one")
        known = ["one"]
        for round_number in range(int(os.environ.get("BERTH_KILL_ROUNDS", "12"))):
            with self.subTest(f"seed {seed} round {round_number}"):
                method = generator.choice(["volume_snapshot", "volume_snapshot_delete", "rename_snapshot"])
                if not known and method != "volume_snapshot":
                    continue
                name = f"s{round_number}" if method == "volume_snapshot" else generator.choice(known)
                params = {"volname": VOLUME, "snapname": name, "running": False} \
                    if method != "rename_snapshot" else {"volname": VOLUME, "snapname": name,
                                                         "targetSnapname": f"r{round_number}"}
                key = {"idempotencyKey": f"k{round_number}"}
                self.session.storage(method, key, **params)
                # From at once to longer than the work takes.
                time.sleep(generator.random() * 0.06)
                self.session.kill()
                self.session = self.open()
                found = [entry for entry in self.names() if entry != "current"]
                qemu_io(self.live, "qcow2", "read -P 2 0 64k", "read -P 1 1M 64k")
                self.assertLessEqual(len(set(found) ^ set(known)), 2)
                # The same request again, under its key, comes to its end.
                self.session.do(method, key, **params)
                known = [entry for entry in self.names() if entry != "current"]
                if method == "volume_snapshot":
                    self.assertIn(name, known)
                else:
                    self.assertNotIn(name, known)
                qemu_io(self.live, "qcow2", "read -P 2 0 64k", "read -P 1 1M 64k")
        for name in known:
            self.delete(name)
        qemu_io(self.live, "qcow2", "read -P 2 0 64k", "read -P 1 1M 64k")


if __name__ == "__main__":
    unittest.main()
