# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `lvmthin` storage end to end: real daemon, sandboxed plugin, broker, device mapper."""

import os
import re
import time

import guest
from guest import run

DISK = "/dev/nvme2n1"
VG, POOL = "berthvg", "thin"
MIB = 1 << 20


def lvs():
    return set(run("lvs", "--noheadings", "-o", "lv_name", VG).split())


class LvmThin(guest.StorageTest):
    @classmethod
    def setUpClass(cls):
        run("vgcreate", "-y", VG, DISK)
        run("lvcreate", "-y", "--type", "thin-pool", "-L", "1G", "-n", POOL, VG)
        run("lvcreate", "-y", "-L", "16M", "-n", "precious", VG)
        run("vgcreate", "-y", "othervg", cls.loop("/berth/other.img"))
        run("lvcreate", "-y", "-L", "16M", "-n", "vm-100-disk-0", "othervg")
        cls.host = guest.Host("lvm")
        cls.host.start()
        cls.host.berth("storage", "add", "lvmthin", "thin", "--option", f"vgname={VG}", "--option", f"thinpool={POOL}",
                       "--consent")

    @staticmethod
    def loop(path):
        with open(path, "wb") as file:
            file.truncate(256 * MIB)
        return run("losetup", "-f", "--show", path)

    def device(self, volume):
        path = self.host.berth("volume", "path", volume)
        self.assertEqual(path, f"/dev/{VG}/{volume.removeprefix('thin:')}")
        run("lvchange", "-ay", "-K", path)
        return path

    def write(self, volume, offset, data):
        fd = os.open(self.device(volume), os.O_WRONLY)
        os.pwrite(fd, data, offset)
        os.fsync(fd)
        os.close(fd)

    def read(self, volume, offset, count):
        fd = os.open(self.device(volume), os.O_RDONLY)
        data = os.pread(fd, count, offset)
        os.close(fd)
        return data

    def release(self, volume):
        run("lvchange", "-an", self.host.berth("volume", "path", volume))

    def test_1_status(self):
        out = self.host.berth("storage", "status")
        self.assertRegex(out, re.compile(r"^thin\b.*lvmthin", re.M))

    def test_2_a_day_of_a_volume(self):
        host = self.host
        volume = host.berth("volume", "alloc", "thin", "100", "65M")
        self.assertEqual(volume, "thin:vm-100-disk-0")
        self.assertEqual(run("lvs", "--noheadings", "-o", "lv_size,pool_lv", "--units", "m", f"{VG}/vm-100-disk-0"),
                         f"68.00m {POOL}")
        self.write(volume, 4096, b"before")
        self.release(volume)
        host.berth("snapshot", "create", volume, "first")
        self.assertIn("snap_vm-100-disk-0_first", lvs())
        self.assertIn("first", host.berth("snapshot", "list", volume))
        self.write(volume, 4096, b"after!")
        self.release(volume)
        host.berth("snapshot", "rollback", volume, "first")
        self.assertEqual(self.read(volume, 4096, 6), b"before")
        self.release(volume)
        host.berth("volume", "resize", volume, "+16M")
        self.assertEqual(run("lvs", "--noheadings", "-o", "lv_size", "--units", "m", f"{VG}/vm-100-disk-0"), "84.00m")
        host.berth("snapshot", "delete", volume, "first")
        self.assertNotIn("snap_vm-100-disk-0_first", lvs())

        base = host.berth("volume", "base", volume)
        self.assertEqual(base, "thin:base-100-disk-0")
        clone = host.berth("volume", "clone", base, "101")
        self.assertEqual(clone, "thin:vm-101-disk-0")
        self.assertEqual(self.read(clone, 4096, 6), b"before")
        self.write(clone, 4096, b"clone!")
        self.release(clone)
        self.assertEqual(self.read(base, 4096, 6), b"before")
        self.release(base)
        self.refused("volume", "free", base)

        file = "/berth/lvm/clone.raw+size"
        host.berth("export", clone, "raw+size", file, "--digest", "sha256")
        self.assertEqual(os.path.getsize(file), 84 * MIB + 8)
        copy = host.berth("import", "thin", "raw+size", file, "--vmid", "102")
        self.assertEqual(copy, "thin:vm-102-disk-0")
        self.assertEqual(self.read(copy, 4096, 6), b"clone!")
        # Only of a volume that is active the pool tells what it holds.
        share = float(run("lvs", "--noheadings", "-o", "data_percent", f"{VG}/vm-102-disk-0"))
        self.release(copy)
        self.assertLess(share, 10, "blank blocks of an import take space")

        renamed = host.berth("volume", "rename", copy, "--vmid", "103")
        self.assertEqual(renamed, "thin:vm-103-disk-0")
        self.assertEqual(host.volumes("thin"), [base, clone, renamed])
        for gone in (clone, renamed, base):
            host.berth("volume", "free", gone)
        self.assertEqual(host.volumes("thin"), [])
        self.assertEqual({name for name in lvs() if not name.startswith("[")}, {POOL, "precious"})

    def test_3_nothing_outside_the_grant_is_reached(self):
        """A plugin with the permissions of `lvmthin` asks the broker itself."""
        host = self.host
        before = run("lvs", "--noheadings", "-o", "lv_name,lv_size,lv_tags,lv_active", "othervg", f"{VG}/precious")
        run("lvcreate", "-y", "-V", "64M", "-n", "vm-950-disk-0", "--thinpool", POOL, VG)
        run("mkfs.ext4", "-q", f"/dev/{VG}/vm-950-disk-0")
        os.makedirs("/run/taken", exist_ok=True)
        run("mount", f"/dev/{VG}/vm-950-disk-0", "/run/taken")
        try:
            host.bundle("lvmhostile")
            host.berth("storage", "add", "lvmhostile", "hostile", "--option", f"vgname={VG}", "--option",
                       f"thinpool={POOL}", "--consent")
            told = host.told()
            host.berth("storage", "remove", "hostile")
        finally:
            run("umount", "/run/taken")
            run("lvremove", "-y", f"{VG}/vm-950-disk-0")
        for name, kind, answer in told:
            wanted = {"honest": "done", "attack": "HOST_DENIED", "busy": "VOLUME_BUSY"}[kind]
            self.assertEqual(answer, wanted, f"{name}: {told}")
        self.assertEqual(len({one[0] for one in told if one[1] == "honest"}), 10, told)
        self.assertGreater(len({one[0] for one in told if one[1] == "attack"}), 30, told)
        self.assertEqual(
            run("lvs", "--noheadings", "-o", "lv_name,lv_size,lv_tags,lv_active", "othervg", f"{VG}/precious"), before)
        self.refused("volume", "free", "thin:precious")

    def test_4_kill_9_of_the_daemon_in_the_middle_of_a_rollback(self):
        host = self.host
        volume = host.berth("volume", "alloc", "thin", "200", "16M")
        self.write(volume, 0, b"old")
        self.release(volume)
        host.berth("snapshot", "create", volume, "mark")
        self.write(volume, 0, b"new")
        self.release(volume)
        import subprocess
        for pause in (0.3, 1.0):
            child = subprocess.Popen([f"{guest.BIN}/berth", "snapshot", "rollback", volume, "mark"],
                                     env=host.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pause)
            host.kill()
            child.wait(guest.PATIENCE)
            host.start()
            self.assertEqual(host.volumes("thin"), [volume])
            self.assertIn(self.read(volume, 0, 3), (b"old", b"new"))
            self.release(volume)
        host.berth("snapshot", "rollback", volume, "mark")
        self.assertEqual(self.read(volume, 0, 3), b"old")
        self.release(volume)
        self.assertEqual([name for name in lvs() if "berth-" in name], [])
        host.berth("volume", "free", volume)
        self.assertEqual({name for name in lvs() if not name.startswith("[")}, {POOL, "precious"})


if __name__ == "__main__":
    guest.main()
