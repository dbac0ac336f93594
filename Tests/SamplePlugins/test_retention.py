# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""`prune_backups` of the `directory` plugin: the same marks as Proxmox VE, and only what is marked goes."""

import json
import os
import sys
import time
import unittest

from harness import ROOT, PluginTest, bundles


def module():
    """The plugin's own module, out of the bundle that is tested."""
    folder = os.path.join(bundles(), "directory")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import retention
    return retention


class Marks(unittest.TestCase):
    def test_every_vector(self):
        """The vectors that the host's own retention is held against: zones with odd rules among them."""
        retention = module()
        with open(os.path.join(ROOT, "Tests/StorageRulesTests/Vectors/retention.json"), encoding="utf-8") as file:
            vectors = json.load(file)
        self.assertGreater(len(vectors), 30)
        self.addCleanup(self.zone, os.environ.get("TZ"))
        for index, vector in enumerate(vectors):
            with self.subTest(index):
                self.zone(vector["tz"])
                backups = [retention.read(backup["volid"].split("/", 1)[1], backup["ctime"],
                                          backup.get("protected", False)) for backup in vector["backups"]]
                self.assertEqual([backup.ctime for backup in backups], vector["times"])
                keep = {name.removeprefix("keep-"): bool(value) if name == "keep-all" else value
                        for name, value in vector["keep"].items()}
                retention.decide(backups, retention.rules(keep))
                self.assertEqual([backup.mark for backup in backups], vector["marks"])

    @staticmethod
    def zone(name):
        if name is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = name
        time.tzset()


class Prune(PluginTest):
    def setUp(self):
        super().setUp()
        self.session = self.open()
        self.dump = os.path.join(self.root, "dump")
        self.backups = [f"vzdump-qemu-100-2024_05_0{day}-12_00_00.vma.zst" for day in range(1, 6)]
        self.others = ["vzdump-lxc-101-2024_05_01-12_00_00.tar.gz", "vzdump-qemu-100-2024_05_01-12_00_00-mine.vma"]
        for name in [*self.backups, *self.others]:
            self.write(name)
        self.write(self.backups[0] + ".protected")
        self.write(self.backups[1] + ".notes")
        self.write(self.backups[1].removesuffix(".vma.zst") + ".log")
        self.write("unrelated.txt")

    def write(self, name):
        with open(os.path.join(self.dump, name), "w", encoding="utf-8") as file:
            file.write("x")

    def marks(self, **params):
        params = {"keep": {"last": 2}, "dryRun": True, **params}
        return {entry["volname"].removeprefix("backup/"): entry["mark"]
                for entry in self.session.do("prune_backups", **params)["backups"]}

    def test_a_dry_run_only_says(self):
        before = self.tree()
        first, second, third, fourth, fifth = self.backups
        self.assertEqual(self.marks(), {
            first: "protected", second: "remove", third: "remove", fourth: "keep", fifth: "keep",
            self.others[0]: "keep", self.others[1]: "renamed"})
        self.assertEqual(self.tree(), before)
        self.assertEqual(set(self.marks(vmid=101)), {self.others[0]})
        self.assertEqual(set(self.marks(type="lxc")), {self.others[0]})
        self.assertNotIn("remove", self.marks(keep={}).values())
        self.assertNotIn("remove", self.marks(keep={"all": True}).values())

    def test_what_is_marked_goes_with_its_notes_and_log(self):
        self.marks(dryRun=False, vmid=100)
        left = sorted(os.listdir(self.dump))
        self.assertEqual(left, sorted([self.backups[0], self.backups[0] + ".protected", *self.backups[3:],
                                       *self.others, "unrelated.txt"]))
        marks = self.marks(dryRun=False, vmid=100)
        self.assertNotIn("remove", marks.values())

    def test_a_repeated_request_has_one_answer(self):
        key = {"idempotencyKey": "prune-1"}
        first = self.session.do("prune_backups", key, keep={"last": 1}, dryRun=False)
        self.assertEqual(self.session.do("prune_backups", key, keep={"last": 1}, dryRun=False), first)
        self.assertEqual(sum(entry["mark"] == "remove" for entry in first["backups"]), 3)

    def test_wrong_rules_are_refused(self):
        before = self.tree()
        for keep in ({"last": -1}, {"last": "1"}, {"last": True}, {"never": 1}, {"all": True, "last": 1}, {"all": 1},
                     {"last": 1.5}, [], None):
            self.refused("INVALID_PARAMS", self.session.do, "prune_backups", keep=keep, dryRun=False,
                         outcome="not_started")
        self.assertEqual(self.tree(), before)

    def test_links_are_neither_followed_nor_counted(self):
        link = "vzdump-qemu-100-2024_06_01-12_00_00.vma"
        os.symlink("/etc/passwd", os.path.join(self.dump, link))
        self.assertNotIn(link, self.marks())

    def test_one_that_cannot_go_keeps_no_other(self):
        os.mkdir(os.path.join(self.dump, self.backups[2] + ".notes"))
        error = self.refused("BACKEND_ERROR", self.marks, dryRun=False, outcome="partial")
        self.assertIn(self.backups[2], error.error["message"])
        self.assertNotIn(self.backups[1], os.listdir(self.dump))


if __name__ == "__main__":
    unittest.main()
