# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, a full disk, hostile names, sizes and images: the storage is never left half-made."""

import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from harness import Fifo, PluginTest, Refused
from test_directory import qemu_io

MIB = 1 << 20
ROUNDS = int(os.environ.get("BERTH_KILL_ROUNDS", "40"))
HOSTILE_NAMES = (
    "", "/", "..", "100/..", "../100/vm-100-disk-0.raw", "100/../../etc/passwd.raw", "/etc/passwd", "100//a.raw",
    "100/a\0b.raw", "100/a\nb.raw", "100/vm-100-disk-0.raw/", "x" * 4096 + ".raw", "100/" + "x" * 300 + ".raw",
    "100/ .raw", "100/a b.raw", "100/vm.exe", "9999999999/vm-1-disk-0.raw", "100/.berth-0123.raw", "iso/../x.iso",
    "iso/x.exe", "backup/../../x.tar", "import/a;b.ova", "import/x.ova/../y.raw", "import/x.raw/y.raw", "snippets/..",
    "100/snap-a-vm-100.qcow2", "1/base-1-disk-0.raw/2", "1/a/2/b.raw", "none/x", "100/\ud7ff\u0085.rawx")


class Hostile(PluginTest):
    def test_names(self):
        session = self.open()
        before = self.tree()
        for name in HOSTILE_NAMES:
            for method, more in (("volume_size_info", {}), ("free_image", {}), ("path", {}), ("parse_volname", {}),
                                 ("alloc_image", {"vmid": 100, "format": "raw", "size": 512}),
                                 ("volume_resize", {"size": 512, "running": False}),
                                 ("volume_snapshot", {"snapname": "s"}),
                                 ("update_volume_attribute", {"attribute": "notes", "value": "x"})):
                with self.subTest(method=method, name=name[:40]), self.assertRaises(Refused) as caught:
                    # NUL cannot even pass the parser; everything else must be told apart by name.
                    if "\0" in name:
                        raise Refused({"code": 0, "data": {"symbol": "NAME_INVALID", "outcome": "not_started"}})
                    session.do(method, volname=name, **more)
                self.assertIn(caught.exception.symbol, ("NAME_INVALID", "INVALID_PARAMS"), name[:80])
                self.assertEqual(caught.exception.outcome, "not_started")
        self.assertEqual(self.tree(), before)

    def test_sizes(self):
        session = self.open()
        before = self.tree()
        for form in ("raw", "qcow2", "vmdk"):
            for size in (0, -1, -2**63, 2**63 - 1, 2**62, 1.0, 1.5, "512", None, True, [], {}):
                if form == "vmdk" and size == 2**62:
                    continue  # a vmdk can be that large
                with self.subTest(form=form, size=size):
                    error = self.refused("INVALID_PARAMS", session.do, "alloc_image", vmid=1, format=form,
                                         volname=f"1/vm-1-disk-0.{form}", size=size)
                    self.assertIn(error.outcome, ("not_started", "rolled_back"))
                    self.assertEqual(self.tree(), before)
        session.close()
        session = self.open(scfg={"preallocation": "off"})
        exact = 2**43 + 1024
        session.do("alloc_image", vmid=1, format="qcow2", volname="1/vm-1-disk-0.qcow2", size=exact)
        self.assertEqual(session.do("volume_size_info", volname="1/vm-1-disk-0.qcow2")["size"], exact)

    def test_wrong_types_everywhere(self):
        session = self.open()
        before = self.tree()
        for method in session.manifest["methods"]:
            for junk in (None, 1, True, [], {}, "x", "\u202e" * 100):
                params = {name: junk for name in (
                    "volname", "vmid", "format", "size", "snapname", "targetVolname", "targetVmid", "stream", "token",
                    "attribute", "value", "vtype", "limit", "cursor", "volnames", "content", "digest", "running")}
                with self.subTest(method=method, junk=junk):
                    try:
                        session.do(method, **params)
                    except Refused as refused:
                        self.assertNotEqual(refused.symbol, "INTERNAL_ERROR", refused)
                        self.assertEqual(refused.outcome, "not_started", refused)
        for scfg in ({}, {"path": "relative"}, {"path": "/a/../b"}, {"path": 5},
                     {"path": self.root, "content-dirs": {"iso": "../outside"}},
                     {"path": self.root, "content-dirs": {"iso": "/outside"}},
                     {"path": self.root, "content-dirs": {"iso": "images"}}):
            with self.assertRaises(Refused) as caught:
                session.call("activate_storage", storeid="store", scfg=scfg)
            self.assertEqual(caught.exception.symbol, "CONFIG_INVALID")
        self.assertEqual(self.tree(), before)

    def test_links_are_not_followed(self):
        secret = os.path.join(self.folder, "secret.raw")
        with open(secret, "wb") as file:
            file.write(b"s" * 4096)
        images = os.path.join(self.root, "images/100")
        os.makedirs(images)
        os.symlink(secret, f"{images}/vm-100-disk-0.raw")
        os.symlink(self.folder, f"{images}/subvol-100-disk-1.subvol")
        os.mkfifo(f"{images}/vm-100-disk-2.raw")
        session = self.open()
        for volname in ("100/vm-100-disk-0.raw", "100/subvol-100-disk-1.subvol", "100/vm-100-disk-2.raw"):
            self.refused("CORRUPT", session.do, "volume_size_info", volname=volname)
            form = "tar+size" if "subvol" in volname else "raw+size"
            self.refused("CORRUPT", session.do, "volume_export", volname=volname, format=form,
                         stream={"id": "s", "path": "/nowhere"})
        self.assertEqual(session.do("list_images")["volumes"], [])
        for volname in ("100/vm-100-disk-0.raw", "100/subvol-100-disk-1.subvol"):
            session.do("free_image", volname=volname)
        self.assertEqual(os.stat(secret).st_size, 4096)

    def test_archives_cannot_leave_their_tree(self):
        import io
        import tarfile
        session = self.open()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name in ("../outside", "/absolute", "a/../../outside2"):
                member = tarfile.TarInfo(name)
                member.size = 1
                archive.addfile(member, io.BytesIO(b"x"))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, self.folder
            archive.addfile(link)
            member = tarfile.TarInfo("link/through")
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        outside = set(os.listdir(self.folder))
        try:
            self.imported(session, "100/subvol-100-disk-0.subvol", "tar+size", bytes(8) + buffer.getvalue())
        except Refused as refused:
            self.assertEqual(refused.outcome, "rolled_back")
        self.assertEqual({name for name in os.listdir(self.folder) if not name.startswith("fifo-")}, outside)
        self.assertFalse(os.path.exists("/absolute"))
        self.assertFalse(os.path.exists(os.path.join(self.root, "images/100/outside2")))
        self.assertFalse(os.path.exists(os.path.join(self.root, "images/outside")))

    def test_import_descriptions(self):
        place = os.path.join(self.root, "import")
        os.mkdir(place)
        good = ('<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
                'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
                'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">'
                '<References><File ovf:id="f1" ovf:href="disk.vmdk"/></References><DiskSection>'
                '<Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="4" ovf:capacityAllocationUnits="byte * 2^30"/>'
                '</DiskSection><VirtualSystem ovf:id="web server"><VirtualHardwareSection>'
                '<Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>20</rasd:ResourceType></Item>'
                '<Item><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>'
                '<Item><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>'
                '<Item><rasd:ResourceType>17</rasd:ResourceType><rasd:Parent>1</rasd:Parent>'
                '<rasd:HostResource>ovf:/disk/d1</rasd:HostResource></Item>'
                '</VirtualHardwareSection></VirtualSystem></Envelope>')
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><Envelope/>'
        for name, text in (("good.ovf", good), ("bomb.ovf", bomb), ("junk.ovf", "<x"), ("big.ovf", " " * (5 * MIB)),
                           ("junk.ova", "no tar")):
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write(text)
        session = self.open()
        found = session.do("get_import_metadata", volname="import/good.ovf")
        self.assertEqual(found["createArgs"], {"name": "web-server", "cores": 2, "memory": 1024})
        self.assertEqual(found["disks"], {"sata0": {"volname": "import/disk.vmdk", "size": 4 << 30}})
        for name in ("bomb.ovf", "junk.ovf", "big.ovf", "junk.ova"):
            self.refused("CORRUPT", session.do, "get_import_metadata", volname=f"import/{name}")


class FullDisk(PluginTest):
    def setUp(self):
        super().setUp()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.root], check=False,
                          capture_output=True).returncode:
            self.skipTest("a small tmpfs needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.root], check=False)

    def test_nothing_is_left_behind(self):
        session = self.open(scfg={"preallocation": "full"})
        before, free = self.tree(), os.statvfs(self.root).f_bfree
        payload = struct.pack("<Q", 32 * MIB) + os.urandom(32 * MIB)
        for form in ("raw", "qcow2"):
            error = self.refused("NO_SPACE", session.do, "alloc_image", vmid=1, format=form,
                                 volname=f"1/vm-1-disk-0.{form}", size=32 * MIB, outcome="rolled_back")
            self.assertEqual(error.data["needed"], 32 * MIB)
            self.assertGreater(error.data["available"], 0)
            self.refused("NO_SPACE", self.imported, session, f"1/vm-1-disk-0.{form}", "raw+size", payload,
                         outcome="rolled_back")
            self.assertEqual(self.tree(), before)
            self.assertEqual(os.statvfs(self.root).f_bfree, free)

    def test_notes(self):
        session = self.open()
        path = os.path.join(self.root, "dump/vzdump-qemu-1-2024_05_01-12_00_00.vma")
        with open(path, "wb") as file:
            file.write(b"x")
        name = f"backup/{os.path.basename(path)}"
        session.do("update_volume_attribute", volname=name, attribute="notes", value="old")
        filler = os.open(os.path.join(self.root, "filler"), os.O_WRONLY | os.O_CREAT)
        self.addCleanup(os.close, filler)
        with self.assertRaises(OSError):
            while True:
                os.write(filler, bytes(4096))
        self.refused("NO_SPACE", session.do, "update_volume_attribute", volname=name, attribute="notes",
                     value="n" * 60000)
        self.assertEqual(session.do("get_volume_attribute", volname=name, attribute="notes")["value"], "old")


class Kills(PluginTest):
    """A load of changes, kill -9 of the plugin and its tools at a random moment, a new start, and a look."""

    def test_kill_at_random_moments(self):
        seed = int(os.environ.get("BERTH_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        payload = struct.pack("<Q", 2 * MIB) + os.urandom(2 * MIB)
        session = self.open()
        session.do("alloc_image", vmid=9, format="qcow2", volname="9/vm-9-disk-0.qcow2", size=MIB)
        session.do("create_base", volname="9/vm-9-disk-0.qcow2", targetVolname="9/base-9-disk-0.qcow2")
        expected = {"9/base-9-disk-0.qcow2": MIB}
        key = 0
        for round_number in range(ROUNDS):
            steps = []
            for index in range(chance.randrange(1, 4)):
                key += 1
                vmid = 100 + index
                form = chance.choice(["raw", "qcow2"])
                volname = f"{vmid}/vm-{vmid}-disk-{key}.{form}"
                kind = chance.choice(["alloc", "import", "clone", "free"])
                steps.append(self.step(chance, kind, volname, vmid, form, expected, payload, f"key-{key}"))
            fifos, pendings = [], []
            for method, params, effect, context in steps:
                if method == "volume_import":
                    fifo = Fifo(self.folder, feed=payload)
                    fifos.append(fifo)
                    params = {**params, "stream": fifo.params()}
                pendings.append((session.storage(method, context, **params), method, params, effect, context))
            time.sleep(chance.random() * 0.12)
            session.kill()
            for fifo in fifos:
                fifo.finish()
            session = self.open()
            for pending, method, params, effect, context in pendings:
                try:
                    pending.result(1)
                    effect(expected)
                    continue
                except ConnectionError:
                    pass
                # The answer was lost: the same request with the same key must settle it.
                if method == "volume_import":
                    fifo = Fifo(self.folder, feed=payload)
                    try:
                        session.do(method, context, **{**params, "stream": fifo.params()})
                    except Refused as refused:
                        self.assertEqual((refused.symbol, refused.outcome), ("STREAM_BROKEN", "completed"), refused)
                    finally:
                        fifo.finish()
                else:
                    session.do(method, context, **params)
                effect(expected)
            found = {entry["volname"]: entry["size"] for entry in session.do("list_images")["volumes"]}
            self.assertEqual(found, expected, f"seed {seed}, round {round_number}")
            self.assertEqual([name for name in self.tree() if "/.berth-" in name], [],
                             f"seed {seed}, round {round_number}")
        for volname in expected:
            path = os.path.join(self.root, "images", *volname.split("/")[-2:])
            if path.endswith(".qcow2"):
                done = subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", path], check=False,
                                      capture_output=True)
                self.assertIn(done.returncode, (0, 3), done.stderr)

    def step(self, chance, kind, volname, vmid, form, expected, payload, key):
        # Steps run side by side: each under a lock of its own, as volume locks are.
        context = {"idempotencyKey": key,
                   "lock": {"name": f"volume/store/{key}", "scope": "volume", "token": 1, "ttlMs": 60000}}
        mine = [name for name in expected if name != "9/base-9-disk-0.qcow2"]
        if kind == "free" and mine:
            target = chance.choice(mine)
            return ("free_image", {"volname": target}, lambda volumes: volumes.pop(target, None), context)
        if kind == "clone":
            name = f"9/base-9-disk-0.qcow2/{volname.rsplit('.', 1)[0]}.qcow2"
            return ("clone_image", {"volname": "9/base-9-disk-0.qcow2", "vmid": vmid, "targetVolname": name},
                    lambda volumes: volumes.update({name: MIB}), context)
        if kind == "import":
            return ("volume_import", {"volname": volname, "format": "raw+size"},
                    lambda volumes: volumes.update({volname: 2 * MIB}), context)
        return ("alloc_image", {"vmid": vmid, "format": form, "volname": volname, "size": MIB},
                lambda volumes: volumes.update({volname: MIB}), context)

    def test_kill_during_snapshot(self):
        session, volname = self.open(), "1/vm-1-disk-0.qcow2"
        session.do("alloc_image", vmid=1, format="qcow2", volname=volname, size=64 * MIB)
        path = os.path.join(self.root, "images", volname)
        for number in range(10):
            name, context = f"s{number}", {"idempotencyKey": f"snap-{number}"}
            pending = session.storage("volume_snapshot", context, volname=volname, snapname=name)
            time.sleep(number * 0.006)
            session.kill()
            session = self.open()
            try:
                pending.result(1)
            except ConnectionError:
                session.do("volume_snapshot", context, volname=volname, snapname=name)
            names = [entry["name"] for entry in session.do("volume_snapshot_info", volname=volname)["snapshots"]]
            self.assertEqual(sorted(names), sorted(f"s{index}" for index in range(number + 1)))
        self.assertEqual(*checked(path))

    def test_an_image_is_mended_after_a_killed_change_of_its_snapshots(self):
        session, volname = self.open(), "1/vm-1-disk-0.qcow2"
        path = os.path.join(self.root, "images", volname)
        for method, exists, fault, status in (("volume_snapshot", False, counts_too_high, 2),
                                              ("volume_snapshot_rollback", True, counts_too_high, 3),
                                              ("volume_snapshot_delete", True, flags_not_set, 2)):
            with self.subTest(method):
                session.do("alloc_image", vmid=1, format="qcow2", volname=volname, size=64 * MIB)
                qemu_io(path, "qcow2", "write -P 5 0 1M")
                if exists:
                    session.do("volume_snapshot", volname=volname, snapname="s")
                params = {"volname": volname, "snapname": "s"}
                context = self.interrupted(session, method, params)
                session = self.open()
                if not exists:  # it had not come that far
                    subprocess.run(["qemu-img", "snapshot", "-q", "-d", "s", path], check=True)
                fault(path)
                self.assertEqual(checked(path)[0], status, "the control: qemu-img finds fault with it")
                session.do(method, context, **params)
                self.assertEqual(*checked(path))
                qemu_io(path, "qcow2", "read -P 5 0 1M")
                session.do("free_image", volname=volname)

    def test_an_image_with_other_damage_is_left_as_it_is(self):
        session, volname = self.open(), "1/vm-1-disk-0.qcow2"
        path = os.path.join(self.root, "images", volname)
        session.do("alloc_image", vmid=1, format="qcow2", volname=volname, size=64 * MIB)
        session.do("volume_snapshot", volname=volname, snapname="s")
        session.do("volume_snapshot_delete", volname=volname, snapname="s")
        params = {"volname": volname, "snapname": "s"}
        context = self.interrupted(session, "volume_snapshot_delete", params)
        session = self.open()
        counts_too_high(path, -1)
        before = checked(path)[2]
        self.assertIn(b"refcount=0", before)
        session.do("volume_snapshot_delete", context, **params)
        self.assertEqual(checked(path)[2], before)

    def interrupted(self, session, method, params):
        """A request, its plugin killed, and its memory that of a run which did not come to its end."""
        key = f"killed {method}"
        session.do(method, {"idempotencyKey": key}, **params)
        session.kill()
        path = os.path.join(self.state, "keys", hashlib.sha256(key.encode()).hexdigest())
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        record.pop("result")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**record, "intent": {"snapshot": params["snapname"]}}, file)
        return {"idempotencyKey": key}

    def test_what_two_free_at_once_is_gone_for_both(self):
        session = self.open()
        for number in range(30):
            volname = f"1/vm-1-disk-{number}.qcow2"
            session.do("alloc_image", vmid=1, format="qcow2", volname=volname, size=MIB)
            for pending in [session.storage("free_image", volname=volname) for _ in range(4)]:
                try:
                    pending.result()
                except Refused as refused:  # one that came later was served first
                    self.assertEqual(refused.symbol, "STALE_FENCE", refused)
        self.assertEqual(session.do("list_images")["volumes"], [])

    def test_leftovers_of_others_are_kept(self):
        place = os.path.join(self.root, "images/5")
        os.makedirs(place)
        foreign = os.path.join(place, ".berth-0123456789abcdef.raw")
        with open(foreign, "wb") as file:
            file.write(b"another node is writing this")
        session = self.open()
        self.assertEqual(session.do("list_images")["volumes"], [])
        self.assertTrue(os.path.exists(foreign))


def checked(path):
    """What qemu-img says of an image beside what it is to say: (status, 0, its complaints)."""
    done = subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", path], check=False, capture_output=True)
    return done.returncode, 0, done.stderr


def tables(file):
    """Of a qcow2 image: the bits of a cluster, where the counts are, where the first table is, and its clusters."""
    head = file.read(72)
    bits, first, counts = struct.unpack(">I", head[20:24])[0], *struct.unpack(">QQ", head[40:56])
    read = lambda place: file.seek(place) and struct.unpack(">Q", file.read(8))[0]  # noqa: E731
    second = read(first) & OFFSET
    return bits, read(counts), first, second, [read(second + 8 * index) & OFFSET for index in range(16)]


OFFSET = 0x00fffffffffffe00


def counts_too_high(path, by=1):
    """As `qemu-img snapshot` leaves an image that is killed when it has counted a snapshot's clusters."""
    with open(path, "r+b") as file:
        bits, counts, _, second, clusters = tables(file)
        for place in (second, *clusters):
            file.seek(counts + 2 * (place >> bits))
            count = struct.unpack(">H", file.read(2))[0]
            file.seek(-2, os.SEEK_CUR)
            file.write(struct.pack(">H", count + by))


def flags_not_set(path):
    """And when it has counted them off again and not yet noted that they are the image's own."""
    with open(path, "r+b") as file:
        _, _, first, second, clusters = tables(file)
        for place, value in ((first, second), *((second + 8 * index, value) for index, value in enumerate(clusters))):
            file.seek(place)
            file.write(struct.pack(">Q", value))


if __name__ == "__main__":
    unittest.main()
