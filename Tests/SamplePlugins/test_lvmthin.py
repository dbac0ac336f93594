# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `lvmthin` plugin against a volume group in memory: names, rules, kill -9 between any two steps."""

import os
import struct
import unittest

from harness import PluginTest, Refused
from volume_group import EXTENT, VolumeGroup

DISK = "vm-100-disk-0"


class LvmThin(PluginTest):
    plugin = "lvmthin"
    scfg = {"vgname": "vg0", "thinpool": "thin"}

    def setUp(self):
        super().setUp()
        self.group = VolumeGroup(os.path.join(self.folder, "nodes"))

    def open(self, **options):
        return super().open(host=self.group, **options)

    def alloc(self, session, name=DISK, size=EXTENT, vmid=100, context=None):
        return session.do("alloc_image", context, vmid=vmid, format="raw", volname=name, size=size)

    def listed(self, session, **params):
        return [entry["volname"] for entry in session.do("list_images", **params)["volumes"]]

    def test_a_volume_from_alloc_to_free(self):
        session = self.open()
        self.assertEqual(self.alloc(session, size=EXTENT + 1), {"volname": DISK, "size": 2 * EXTENT})
        self.refused("VOLUME_EXISTS", self.alloc, session, outcome="not_started")
        info = session.do("volume_size_info", volname=DISK)
        self.assertEqual((info["size"], info["format"]), (2 * EXTENT, "raw"))
        self.assertEqual(session.do("volume_resize", volname=DISK, size=2 * EXTENT + 5, running=False),
                         {"size": 3 * EXTENT})
        self.refused("NOT_SUPPORTED", session.do, "volume_resize", volname=DISK, size=EXTENT, running=False)
        self.assertEqual(session.do("path", volname=DISK), {"path": f"/dev/vg0/{DISK}", "vmid": 100, "vtype": "images"})
        session.do("activate_volume", volname=DISK)
        self.assertTrue(self.group.volumes[DISK]["active"])
        self.assertEqual(session.do("map_volume", volname=DISK), {"path": f"/dev/vg0/{DISK}"})
        session.do("deactivate_volume", volname=DISK)
        self.assertFalse(self.group.volumes[DISK]["active"])
        for _ in range(2):
            session.do("free_image", volname=DISK)
        self.assertEqual(self.group.names(), [])
        self.refused("VOLUME_NOT_FOUND", session.do, "volume_size_info", volname=DISK)

    def test_names_and_foreign_volumes(self):
        session = self.open()
        for bad in ("vm-100", "base-100-disk-0", "root", "thin", "vm-100-disk-0_tmeta", "vm-100-../x", "vm-100-a b",
                    "-vm-100-x", "vm-1-" + "x" * 120, "vm-101-disk-0"):
            self.refused("NAME_INVALID", self.alloc, session, bad)
        self.refused("FORMAT_UNSUPPORTED", session.do, "alloc_image", vmid=100, format="qcow2", volname=DISK, size=1)
        self.refused("INVALID_PARAMS", self.alloc, session, size=0)
        # A volume of the group outside the pool is neither listed nor touched.
        self.group.volumes["vm-100-plain"] = {"name": "vm-100-plain", "size": 4096}
        self.assertEqual(self.listed(session), [])
        self.refused("VOLUME_EXISTS", self.alloc, session, "vm-100-plain")
        self.refused("VOLUME_NOT_FOUND", session.do, "free_image", volname="vm-100-plain")
        self.assertIn("vm-100-plain", self.group.volumes)

    def test_status_and_missing_pool(self):
        session = self.open()
        self.assertEqual(session.do("status"),
                         {"total": 1 << 30, "used": 1 << 27, "available": 7 << 27, "active": True})
        self.assertEqual(session.do("check_connection"), {"connected": True})
        del self.group.volumes["thin"]
        self.assertEqual(session.do("status")["active"], False)
        self.assertEqual(session.do("check_connection"), {"connected": False})
        self.refused("STORAGE_UNAVAILABLE", session.do, "activate_storage")
        wrong = super().open(activate=False, host=self.group, scfg={"vgname": "other"})
        self.refused("HOST_DENIED", wrong.do, "activate_storage")
        bad = super().open(activate=False, host=self.group, scfg={"vgname": "-f"})
        self.refused("CONFIG_INVALID", bad.do, "activate_storage")

    def test_pages(self):
        session = self.open()
        for number in range(5):
            self.alloc(session, f"vm-100-disk-{number}")
        self.alloc(session, "vm-7-disk-0", vmid=7)
        found, cursor = [], None
        while True:
            page = session.do("list_images", limit=2, **({"cursor": cursor} if cursor else {}))
            self.assertLessEqual(len(page["volumes"]), 2)
            found += [entry["volname"] for entry in page["volumes"]]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        self.assertEqual(found, [f"vm-100-disk-{number}" for number in range(5)] + ["vm-7-disk-0"])
        self.assertEqual(self.listed(session, vmid=7), ["vm-7-disk-0"])
        self.assertEqual(self.listed(session, volnames=[DISK, "vm-9-x"]), [DISK])
        self.refused("CURSOR_INVALID", session.do, "list_images", cursor="x")

    def test_snapshots_and_rollback(self):
        session = self.open()
        self.alloc(session)
        self.group.write(DISK, 0, b"one")
        session.do("volume_snapshot", volname=DISK, snapname="first")
        self.refused("SNAPSHOT_EXISTS", session.do, "volume_snapshot", volname=DISK, snapname="first")
        self.group.write(DISK, 0, b"two")
        session.do("volume_snapshot", volname=DISK, snapname="second")
        self.group.write(DISK, 0, b"now")
        found = session.do("volume_snapshot_info", volname=DISK)["snapshots"]
        self.assertEqual([(item["name"], item.get("parent"), item.get("child")) for item in found],
                         [("first", None, "second"), ("second", "first", None)])
        self.assertEqual(self.listed(session), [DISK])
        session.do("volume_rollback_is_possible", volname=DISK, snapname="first")
        session.do("volume_snapshot_rollback", volname=DISK, snapname="first")
        self.assertEqual(self.group.read(DISK, 0, 3), b"one")
        session.do("volume_snapshot_rollback", volname=DISK, snapname="second")
        self.assertEqual(self.group.read(DISK, 0, 3), b"two")
        self.assertEqual(self.group.names(), [f"snap_{DISK}_first", f"snap_{DISK}_second", DISK])
        self.group.held.add(DISK)
        self.refused("VOLUME_BUSY", session.do, "volume_snapshot_rollback", volname=DISK, snapname="first",
                     outcome="not_started")
        self.group.held.clear()
        session.do("rename_snapshot", volname=DISK, snapname="second", targetSnapname="last")
        for _ in range(2):
            session.do("volume_snapshot_delete", volname=DISK, snapname="first")
        self.refused("SNAPSHOT_NOT_FOUND", session.do, "volume_snapshot_rollback", volname=DISK, snapname="first")
        session.do("free_image", volname=DISK)
        self.assertEqual(self.group.names(), [])

    def test_a_snapshot_belongs_to_one_volume_only(self):
        session = self.open()
        self.alloc(session, "vm-1-a", vmid=1)
        session.do("volume_snapshot", volname="vm-1-a", snapname="b_c")
        # Its logical volume would be the snapshot `c` of `vm-1-a_b`.
        self.refused("VOLUME_EXISTS", self.alloc, session, "vm-1-a_b", vmid=1)
        session.do("volume_snapshot_delete", volname="vm-1-a", snapname="b_c")
        self.alloc(session, "vm-1-a_b", vmid=1)
        self.refused("INVALID_PARAMS", session.do, "volume_snapshot", volname="vm-1-a", snapname="b_c")
        session.do("volume_snapshot", volname="vm-1-a_b", snapname="c")
        self.assertEqual(session.do("volume_snapshot_info", volname="vm-1-a")["snapshots"], [])
        session.do("free_image", volname="vm-1-a")
        self.assertEqual(self.group.names(), ["snap_vm-1-a_b_c", "vm-1-a_b"])

    def test_bases_and_clones(self):
        session = self.open()
        self.alloc(session)
        self.group.write(DISK, 0, b"base")
        session.do("volume_snapshot", volname=DISK, snapname="s")
        base = "base-100-disk-0"
        self.refused("HAS_DEPENDENTS", session.do, "create_base", volname=DISK, targetVolname=base)
        session.do("clone_image", volname=DISK, snapname="s", vmid=102, targetVolname="vm-102-disk-0")
        session.do("volume_snapshot_delete", volname=DISK, snapname="s")
        self.refused("NOT_SUPPORTED", session.do, "clone_image", volname=DISK, vmid=101, targetVolname="vm-101-disk-0")
        self.assertEqual(session.do("create_base", volname=DISK, targetVolname=base), {"volname": base})
        self.refused("READ_ONLY", session.do, "volume_snapshot", volname=base, snapname="s")
        self.refused("READ_ONLY", session.do, "volume_resize", volname=base, size=9 * EXTENT, running=False)
        session.do("clone_image", volname=base, vmid=101, targetVolname="vm-101-disk-0")
        self.group.write("vm-101-disk-0", 0, b"mine")
        self.assertEqual(self.group.read(base, 0, 4), b"base")
        self.assertEqual(self.group.read("vm-102-disk-0", 0, 4), b"base")
        self.assertEqual(session.do("volume_size_info", volname="vm-101-disk-0")["parent"], base)
        self.refused("HAS_DEPENDENTS", session.do, "free_image", volname=base)
        session.do("activate_volume", volname=base)
        self.assertIn(("host.lvm.activate", "ro"),
                      [(method, params.get("access")) for method, params in self.group.calls])
        session.do("free_image", volname="vm-101-disk-0")
        session.do("free_image", volname=base)

    def test_rename_takes_the_snapshots_along(self):
        session = self.open()
        self.alloc(session)
        session.do("volume_snapshot", volname=DISK, snapname="s")
        self.alloc(session, "vm-200-disk-0", vmid=200)
        self.refused("VOLUME_EXISTS", session.do, "rename_volume", volname=DISK, targetVmid=200,
                     targetVolname="vm-200-disk-0")
        session.do("rename_volume", volname=DISK, targetVmid=200, targetVolname="vm-200-disk-1")
        self.assertEqual(self.group.names(), ["snap_vm-200-disk-1_s", "vm-200-disk-0", "vm-200-disk-1"])

    def test_streams(self):
        session = self.open()
        self.alloc(session, size=2 * EXTENT)
        self.group.write(DISK, 5, b"content")
        session.do("volume_snapshot", volname=DISK, snapname="s")
        self.group.write(DISK, 5, b"changed")
        for digest in (None, "crc32"):
            data = self.exported(session, DISK, "raw+size", digest)
            self.assertEqual(data[:8], struct.pack("<Q", 2 * EXTENT))
            self.assertEqual(data[8:], self.group.read(DISK, 0, 2 * EXTENT))
        old = self.exported(session, DISK, "raw+size", snapname="s")
        self.assertEqual(old[13:20], b"content")
        self.assertFalse(self.group.volumes[DISK]["active"])
        self.assertEqual({access for _, access in self.group.open_nodes}, {"ro"})
        result = self.imported(session, "vm-101-disk-0", "raw+size", data, "sha256")
        self.assertEqual(result["bytes"], len(data))
        self.assertEqual(self.group.read("vm-101-disk-0", 0, 2 * EXTENT), data[8:])
        self.refused("FORMAT_UNSUPPORTED", self.exported, session, DISK, "qcow2+size")
        self.refused("VOLUME_EXISTS", self.imported, session, "vm-101-disk-0", "raw+size", data)
        for broken in (data[:-1], data + b"x", data[:20], b"", struct.pack("<Q", 1 << 63) + b"x"):
            self.refused("STREAM_BROKEN", self.imported, session, "vm-102-disk-0", "raw+size", broken)
            self.assertEqual(self.listed(session, vmid=102), [])
        self.assertEqual([name for name in self.group.names() if "berth" in name], [])

    def test_a_kill_after_any_step_loses_nothing(self):
        """The plugin dies after each change it asked for in turn; a new one activates and gets the request again."""
        jobs = {
            "alloc_image": dict(vmid=100, format="raw", volname="vm-100-disk-9", size=EXTENT),
            "volume_snapshot": dict(volname=DISK, snapname="new"),
            "volume_snapshot_rollback": dict(volname=DISK, snapname="s"),
            "volume_snapshot_delete": dict(volname=DISK, snapname="s"),
            "rename_snapshot": dict(volname=DISK, snapname="s", targetSnapname="t"),
            "rename_volume": dict(volname=DISK, targetVmid=200, targetVolname="vm-200-disk-0"),
            "create_base": dict(volname="vm-300-disk-0", targetVolname="base-300-disk-0"),
            "clone_image": dict(volname=DISK, snapname="s", vmid=400, targetVolname="vm-400-disk-0"),
            "free_image": dict(volname=DISK),
        }
        for method, params in jobs.items():
            after = None
            for step in range(-1, 12):
                with self.subTest(method=method, step=step):
                    happened = self.killed_after(method, params, step)
                    if step < 0:
                        after = happened
                        self.assertIsNotNone(after)
                        continue
                    if happened is None:
                        self.assertGreater(step, 0, f"{method} changes nothing")
                        break
                    self.assertEqual(happened, after)
            else:
                self.fail(f"{method} never came to its end")

    def killed_after(self, method, params, step):
        """What the group holds after a kill at `step` and a second try; None when the request needed fewer steps.
        step -1: no kill."""
        self.group = VolumeGroup(os.path.join(self.folder, f"{method}{step}"))
        self.state = os.path.join(self.folder, f"state-{method}{step}")
        os.mkdir(self.state)
        session = self.open()
        self.alloc(session)
        self.alloc(session, "vm-300-disk-0", vmid=300)
        self.group.write(DISK, 0, b"then")
        session.do("volume_snapshot", volname=DISK, snapname="s")
        self.group.write(DISK, 0, b"now!")
        context, count = {"idempotencyKey": f"{method}-{step}"}, 0

        def kill(*_):
            nonlocal count
            count += 1
            if count == step + 1:
                session.kill()
        if step >= 0:
            self.group.after = kill
        try:
            session.do(method, context, **params)
            self.group.after = None
            if step >= 0:
                return None
        except ConnectionError:
            self.group.after = None
            session = self.open()
            # A volume is there in its old or its new state, never halfway.
            listed = self.listed(session)
            self.assertTrue(set(listed) >= {"vm-300-disk-0"} or method == "create_base", listed)
            try:
                session.do(method, context, **params)
            except Refused as error:
                # The host then looks: what was asked for is there.
                self.assertIn(error.symbol, ("SNAPSHOT_NOT_FOUND", "VOLUME_NOT_FOUND"), error)
        content = {name: self.group.read(name, 0, 4) for name in self.group.names()}
        session.close()
        return content


if __name__ == "__main__":
    unittest.main()
