# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `btrfs` plugin as an unprivileged owner on a loop-mounted file system."""

import io
import os
import random
import shutil
import struct
import subprocess
import tarfile
import time
import unittest

from harness import Fifo, PluginTest, Refused

MIB = 1 << 20
OWNER = 61234


class BtrfsTest(PluginTest):
    plugin = "btrfs"
    options = "loop,user_subvol_rm_allowed"

    def setUp(self):
        super().setUp()
        disk = os.path.join(self.folder, "disk")
        with open(disk, "wb") as file:
            file.truncate(256 * MIB)
        if not shutil.which("mkfs.btrfs") or subprocess.run(
                ["mkfs.btrfs", "-q", disk], check=False, stdout=subprocess.DEVNULL).returncode or subprocess.run(
                ["mount", "-o", self.options, disk, self.root], check=False, capture_output=True).returncode:
            self.skipTest("a btrfs file system needs btrfs-progs, loop devices and the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.root], check=False)
        for path in (self.folder, self.root, self.state):
            os.chown(path, OWNER, OWNER)

    def open(self, **options):
        # Everything below runs without privilege, as in the sandbox.
        def drop():
            os.setgroups([])
            os.setresgid(OWNER, OWNER, OWNER)
            os.setresuid(OWNER, OWNER, OWNER)
        return super().open(preexec=drop, **options)

    def fifo(self, **options):
        fifo = Fifo(self.folder, **options)
        os.chown(fifo.path, OWNER, OWNER)
        return fifo

    def exported(self, session, volname, form, digest=None, **params):
        fifo = self.fifo()
        result = session.do("volume_export", volname=volname, format=form, stream=fifo.params(), digest=digest,
                            **params)
        data = fifo.finish()
        self.assertEqual(result["bytes"], len(data))
        return data

    def imported(self, session, volname, form, data, digest=None, context=None, **params):
        fifo = self.fifo(feed=data)
        try:
            return session.do("volume_import", context, volname=volname, format=form, stream=fifo.params(),
                              digest=digest, **params)
        finally:
            fifo.finish()

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(path, OWNER, OWNER)

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def names(self, session):
        return [entry["volname"] for entry in session.do("list_images")["volumes"]]


class Volumes(BtrfsTest):
    def test_disk(self):
        session, volname = self.open(), "100/vm-100-disk-0.raw"
        session.do("alloc_image", vmid=100, format="raw", volname=volname, size=4 * MIB)
        self.refused("VOLUME_EXISTS", session.do, "alloc_image", vmid=100, format="raw", volname=volname, size=4 * MIB)
        disk = os.path.join(self.root, "images/100/vm-100-disk-0/disk.raw")
        self.assertEqual(session.do("path", volname=volname)["path"], disk)
        with open(disk, "r+b") as file:
            file.write(b"one")
        session.do("volume_snapshot", volname=volname, snapname="first")
        self.refused("SNAPSHOT_EXISTS", session.do, "volume_snapshot", volname=volname, snapname="first")
        with open(disk, "r+b") as file:
            file.write(b"two")
        session.do("volume_resize", volname=volname, size=8 * MIB, running=False)
        session.do("volume_snapshot", volname=volname, snapname="second")
        listed = session.do("volume_snapshot_info", volname=volname)["snapshots"]
        self.assertEqual([(entry["name"], entry["virtualSize"]) for entry in listed],
                         [("first", 4 * MIB), ("second", 8 * MIB)])
        self.assertEqual(self.exported(session, volname, "raw+size", snapname="first")[:11],
                         struct.pack("<Q", 4 * MIB) + b"one")
        session.do("volume_snapshot_rollback", volname=volname, snapname="first")
        with open(disk, "rb") as file:
            self.assertEqual(file.read(3), b"one")
        self.assertEqual(session.do("volume_size_info", volname=volname)["size"], 4 * MIB)
        session.do("rename_snapshot", volname=volname, snapname="second", targetSnapname="third")
        for _ in range(2):
            session.do("volume_snapshot_delete", volname=volname, snapname="first", running=False)
        self.refused("SNAPSHOT_NOT_FOUND", session.do, "volume_snapshot_rollback", volname=volname, snapname="first")
        session.do("rename_volume", volname=volname, targetVmid=101, targetVolname="101/vm-101-disk-7.raw")
        self.assertEqual(self.names(session), ["101/vm-101-disk-7.raw"])
        kept = session.do("volume_snapshot_info", volname="101/vm-101-disk-7.raw")["snapshots"]
        self.assertEqual([entry["name"] for entry in kept], ["third"])
        for _ in range(2):
            session.do("free_image", volname="101/vm-101-disk-7.raw")
        self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])

    def test_sizes_without_quotas(self):
        session, volname = self.open(), "100/vm-100-disk-0.raw"
        session.do("alloc_image", vmid=100, format="raw", volname=volname, size=8 * MIB)
        disk = session.do("path", volname=volname)["path"]

        def sizes(name=volname):
            told = session.do("volume_size_info", volname=name)
            listed = [entry for entry in session.do("list_images")["volumes"] if entry["volname"] == name]
            self.assertEqual([(entry["size"], entry.get("used")) for entry in listed], [(told["size"], told.get("used"))])
            return told["size"], told.get("used")

        def fill(count):
            with open(disk, "r+b") as file:
                file.write(random.randbytes(count))
                os.fsync(file.fileno())

        self.assertEqual(sizes(), (8 * MIB, 0))
        fill(2 * MIB)
        self.assertEqual(sizes(), (8 * MIB, 2 * MIB))
        # What a snapshot keeps is the snapshot's; the volume's own blocks are as many as before.
        session.do("volume_snapshot", volname=volname, snapname="before")
        fill(2 * MIB)
        self.assertEqual(sizes(), (8 * MIB, 2 * MIB))
        session.do("volume_resize", volname=volname, size=16 * MIB, running=False)
        self.assertEqual(sizes(), (16 * MIB, 2 * MIB))
        base = "100/base-100-disk-0.raw"
        session.do("volume_snapshot_delete", volname=volname, snapname="before", running=False)
        session.do("create_base", volname=volname, targetVolname=base)
        clone = f"{base}/101/vm-101-disk-0.raw"
        session.do("clone_image", volname=base, vmid=101, targetVolname=clone)
        # A clone shares its blocks, and each of the two has them.
        self.assertEqual(sizes(base), (16 * MIB, 2 * MIB))
        self.assertEqual(sizes(clone), (16 * MIB, 2 * MIB))
        tree = "100/subvol-100-disk-1.subvol"
        session.do("alloc_image", vmid=100, format="subvol", volname=tree, size=0)
        self.write(os.path.join(session.do("path", volname=tree)["path"], "file"), "x" * MIB)
        self.assertEqual(sizes(tree), (0, None), "nothing is claimed of what only a quota could tell")
        whole = session.do("status")
        self.assertTrue(0 < whole["used"] < whole["total"])
        quotas = subprocess.run(["btrfs", "qgroup", "show", self.root], check=False, capture_output=True)
        self.assertNotEqual(quotas.returncode, 0, "quotas are on: this shows nothing")

    def test_base_and_clones(self):
        session = self.open()
        for form, size in (("raw", MIB), ("subvol", 0)):
            prefix = "subvol" if form == "subvol" else "vm"
            volname, base = f"9/{prefix}-9-disk-0.{form}", f"9/base-9-disk-0.{form}"
            session.do("alloc_image", vmid=9, format=form, volname=volname, size=size)
            session.do("create_base", volname=volname, targetVolname=base)
            path = session.do("path", volname=base)["path"]
            with self.assertRaises(OSError):
                with open(path if form == "raw" else f"{path}/x", "r+b" if form == "raw" else "wb"):
                    pass
            clone = f"{base}/10/{prefix}-10-disk-0.{form}"
            self.assertEqual(session.do("clone_image", volname=base, vmid=10, targetVolname=clone)["volname"], clone)
            self.assertIn(clone, self.names(session))
            self.assertEqual(session.do("volume_size_info", volname=clone)["parent"], base)
            copy = session.do("path", volname=clone)["path"]
            self.write(copy if form == "raw" else f"{copy}/x", "changed")
            # Clones share data but do not depend: the base may go first.
            session.do("free_image", volname=base)
            self.assertEqual(self.read(copy if form == "raw" else f"{copy}/x"), "changed")
            session.do("free_image", volname=clone)
        self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])

    def test_trees_and_increments(self):
        session, volname, copy = self.open(), "100/subvol-100-disk-0.subvol", "101/subvol-101-disk-0.subvol"
        session.do("alloc_image", vmid=100, format="subvol", volname=volname, size=0)
        top = session.do("path", volname=volname)["path"]
        os.mkdir(f"{top}/etc")
        os.chown(f"{top}/etc", OWNER, OWNER)
        for name in ("kept", "changed", "removed", "becomes-dir"):
            self.write(f"{top}/etc/{name}", name)
        session.do("volume_snapshot", volname=volname, snapname="monday")
        full = self.exported(session, volname, "tar+size", snapname="monday")
        self.imported(session, copy, "tar+size", full, snapname="monday")
        self.write(f"{top}/etc/changed", "other")
        self.write(f"{top}/etc/new", "new")
        os.symlink("/etc", f"{top}/link")
        os.unlink(f"{top}/etc/removed")
        os.unlink(f"{top}/etc/becomes-dir")
        os.mkdir(f"{top}/etc/becomes-dir")
        os.chown(f"{top}/etc/becomes-dir", OWNER, OWNER)
        session.do("volume_snapshot", volname=volname, snapname="tuesday")
        part = self.exported(session, volname, "tar+size", snapname="tuesday", baseSnapshot="monday")
        with tarfile.open(fileobj=io.BytesIO(part[8:])) as archive:
            members = archive.getnames()
        self.assertIn("./etc/changed", members)
        self.assertNotIn("./etc/kept", members)
        self.imported(session, copy, "tar+size", part, baseSnapshot="monday", snapname="tuesday")
        there = session.do("path", volname=copy)["path"]
        self.assertEqual(self.shape(there), self.shape(top))
        names = [entry["name"] for entry in session.do("volume_snapshot_info", volname=copy)["snapshots"]]
        self.assertEqual(names, ["monday", "tuesday"])
        self.refused("SNAPSHOT_NOT_FOUND", self.imported, session, copy, "tar+size", part, baseSnapshot="absent")
        before = self.shape(there)
        for bad in (part[:len(part) // 2], full, bytes(8) + self.archive("../out"), bytes(8) + self.archive("link/out")):
            with self.assertRaises(Refused) as caught:
                self.imported(session, copy, "tar+size", bad, baseSnapshot="tuesday")
            self.assertIn(caught.exception.symbol, ("STREAM_BROKEN", "CORRUPT"))
            self.assertIn(caught.exception.outcome, ("rolled_back", "not_started"))
            self.assertEqual(self.shape(there), before)
        self.assertFalse(os.path.exists("/etc/out"))

    @staticmethod
    def archive(name):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(".berth-removed"), io.BytesIO())
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        return buffer.getvalue()

    @staticmethod
    def shape(top):
        found = {}
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                text = None
                if os.path.islink(path):
                    text = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, "rb") as file:
                        text = file.read()
                found[os.path.relpath(path, top)] = (info.st_mode, text)
        return found

    def test_kill_during_rollback(self):
        session, volname = self.open(), "1/vm-1-disk-0.raw"
        chance = random.Random(7)
        session.do("alloc_image", vmid=1, format="raw", volname=volname, size=MIB)
        disk = session.do("path", volname=volname)["path"]
        self.write(disk, "snapshot")
        session.do("volume_snapshot", volname=volname, snapname="s")
        for _ in range(12):
            with open(disk, "r+b") as file:
                file.write(b"live....")
            pending = session.storage("volume_snapshot_rollback", volname=volname, snapname="s")
            time.sleep(chance.random() * 0.06)
            session.kill()
            session = self.open()
            try:
                pending.result(1)
                done = True
            except ConnectionError:
                done = False
            with open(disk, "rb") as file:
                text = file.read(8)
            self.assertIn(text, (b"snapshot",) if done else (b"snapshot", b"live...."))
            self.assertEqual(sorted(os.listdir(os.path.join(self.root, "images/1"))), ["vm-1-disk-0", "vm-1-disk-0@s"])

    def test_activations_side_by_side_and_killed_ones(self):
        session, chance = self.open(), random.Random(5)
        for _ in range(20):
            for pending in [session.storage("activate_storage") for _ in range(8)]:
                pending.result()
        for _ in range(12):
            for _ in range(8):
                session.storage("activate_storage")
            time.sleep(chance.random() * 0.02)
            session.kill()
            session = self.open()
            session.do("activate_storage")
            self.assertEqual([name for name in os.listdir(os.path.join(self.root, "images")) if name[0] == "."], [])

    def test_kill_during_alloc_and_import(self):
        session = self.open()
        payload = struct.pack("<Q", MIB) + os.urandom(MIB)
        chance, expected = random.Random(3), set()
        for number in range(12):
            volname, context = f"1/vm-1-disk-{number}.raw", {"idempotencyKey": f"k{number}"}
            if number % 2:
                pending = session.storage("alloc_image", context, vmid=1, format="raw", volname=volname, size=MIB)
                fifo = None
            else:
                fifo = self.fifo(feed=payload)
                pending = session.storage("volume_import", context, volname=volname, format="raw+size",
                                          stream=fifo.params())
            time.sleep(chance.random() * 0.08)
            session.kill()
            if fifo:
                fifo.finish()
            session = self.open()
            try:
                pending.result(1)
            except ConnectionError:
                if number % 2:
                    session.do("alloc_image", context, vmid=1, format="raw", volname=volname, size=MIB)
                else:
                    try:
                        self.imported(session, volname, "raw+size", payload, context=context)
                    except Refused as refused:
                        self.assertEqual(refused.outcome, "completed", refused)
            expected.add(volname)
            self.assertEqual(set(self.names(session)), expected)
            self.assertFalse([name for name in os.listdir(os.path.join(self.root, "images/1")) if name[0] == "."])


class WithoutRemoval(BtrfsTest):
    """A mount without user_subvol_rm_allowed: slower, but it works."""
    options = "loop"

    def test_the_hook_refuses_what_cannot_work(self):
        session = self.open()
        self.assertEqual(session.do("on_update_hook", update={"nocow": True}, sensitive=[]), {})
        for update in ({"content-dirs": {"iso": "../out"}}, {"content-dirs": {"iso": "/out"}}, {"nocow": "maybe"}):
            self.refused("CONFIG_INVALID", session.do, "on_update_hook", update=update, sensitive=[],
                         outcome="not_started")

    def test_free(self):
        session, volname = self.open(), "100/subvol-100-disk-0.subvol"
        session.do("alloc_image", vmid=100, format="subvol", volname=volname, size=0)
        top = session.do("path", volname=volname)["path"]
        self.write(f"{top}/file", "x")
        session.do("volume_snapshot", volname=volname, snapname="s")
        session.do("free_image", volname=volname)
        self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])


class NotBtrfs(PluginTest):
    plugin = "btrfs"

    def test_another_file_system(self):
        session = self.open(activate=False)
        self.refused("CONFIG_INVALID", session.do, "activate_storage")


if __name__ == "__main__":
    unittest.main()
