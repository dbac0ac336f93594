# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `btrfs` plugin's format of that name. The host's part is played with btrfs-progs by the test, which is root; what
the real host does with it, and refuses, is tested with the broker."""

import os
import subprocess

from harness import refusal
import test_btrfs
from test_btrfs import MIB

DISK, TREE = "100/vm-100-disk-0.raw", "100/subvol-100-disk-0.subvol"
SERVICES = ["host.log"] + ["host.btrfs." + name for name in (
    "send", "receive", "subvolume.snapshot", "subvolume.delete", "subvolume.set_read_only")]


class Host:
    """Answers `host.btrfs.*` on this machine's own file system."""

    def __init__(self):
        self.fifo, self.calls, self.after = None, [], None

    def __call__(self, method, params):
        self.calls.append((method, params))
        name = method.removeprefix("host.btrfs.").replace(".", "_")
        result = getattr(self, name)(params)
        if self.after is not None:
            self.after(method)
        return result

    @staticmethod
    def btrfs(*arguments, **options):
        return subprocess.run(["btrfs", *arguments], check=True, capture_output=True, **options)

    def send(self, params):
        base = ["-p", params["base"]] if "base" in params else []
        several = ["-e"] if len(params["paths"]) > 1 else []
        data = self.btrfs("send", *several, *base, *params["paths"]).stdout
        with open(self.fifo.path, "wb") as pipe:
            pipe.write(data)
        return {"bytes": len(data)}

    def receive(self, params):
        with open(self.fifo.path, "rb") as pipe:
            data = pipe.read()
        place = params["path"] + ".stage"
        os.mkdir(place)
        try:
            if subprocess.run(["btrfs", "receive", place], input=data, capture_output=True, check=False).returncode:
                raise refusal("STREAM_BROKEN", "the stream was refused")
            made = []
            for entry in sorted(os.listdir(place), key=lambda name: os.stat(os.path.join(place, name)).st_ctime_ns):
                path = f"{params['path']}@{entry.rsplit('@', 1)[1]}"
                self.btrfs("subvolume", "snapshot", "-r", os.path.join(place, entry), path)
                made.append({"path": path, "id": 1})
            return {"subvolumes": made, "bytes": len(data)}
        finally:
            for entry in os.listdir(place):
                self.btrfs("subvolume", "delete", os.path.join(place, entry))
            os.rmdir(place)

    def subvolume_snapshot(self, params):
        self.btrfs("subvolume", "snapshot", *(["-r"] if params.get("readOnly") else []), params["path"],
                   params["target"])
        return {"subvolume": {"path": params["target"], "id": 1}}

    def subvolume_delete(self, params):
        self.btrfs("subvolume", "delete", params["path"])
        return {}

    def subvolume_set_read_only(self, params):
        self.btrfs("property", "set", "-f", params["path"], "ro", "true" if params["readOnly"] else "false")
        return {}


class Streams(test_btrfs.BtrfsTest):
    def setUp(self):
        super().setUp()
        self.host = Host()

    def open(self, **options):
        return super().open(host=self.host, services=SERVICES, **options)

    def fifo(self, **options):
        self.host.fifo = super().fifo(**options)
        return self.host.fifo

    def formats(self, session, volname, which="export", **params):
        return session.do(f"volume_{which}_formats", volname=volname, **params)["formats"]

    def disk(self, session, text):
        """Writes to the disk and takes the snapshot of that name."""
        path = session.do("path", volname=DISK)["path"]
        if not os.path.exists(path):
            session.do("alloc_image", vmid=100, format="raw", volname=DISK, size=4 * MIB)
            with open(path, "r+b") as file:
                file.write(os.urandom(2 * MIB))
        with open(path, "r+b") as file:
            file.seek(3 * MIB)
            file.write(text.encode())
        session.do("volume_snapshot", volname=DISK, snapname=text)

    def content(self, session, volname, **params):
        with open(session.do("path", volname=volname, **params)["path"], "rb") as file:
            return file.read()

    def entries(self):
        folder = os.path.join(self.root, "images")
        return sorted(os.path.join(vmid, name) for vmid in os.listdir(folder)
                      for name in os.listdir(os.path.join(folder, vmid)))

    def test_offered_where_the_host_can(self):
        session = self.open()
        self.disk(session, "one")
        self.assertEqual(self.formats(session, DISK), ["raw+size"])
        self.assertEqual(self.formats(session, DISK, snapname="one"), ["btrfs", "raw+size"])
        self.assertEqual(self.formats(session, DISK, "import", snapname="one"), ["btrfs", "raw+size"])
        self.assertEqual(self.formats(session, DISK, snapname="one", withSnapshots=True), ["btrfs"])
        self.assertEqual(self.formats(session, DISK, "import", snapname="two", baseSnapshot="one"), ["btrfs"])
        self.assertEqual(self.formats(session, "100/subvol-100-disk-7.subvol", "import", snapname="two",
                                      baseSnapshot="one"), ["btrfs", "tar+size"])
        session.close()
        for services in ([], SERVICES[:-1]):
            session = test_btrfs.BtrfsTest.open(self, services=services)
            self.assertEqual(self.formats(session, DISK, snapname="one"), ["raw+size"])
            self.assertEqual(self.formats(session, DISK, snapname="one", withSnapshots=True), [])
            self.refused("FORMAT_UNSUPPORTED", self.exported, session, DISK, "btrfs", snapname="one")
            session.close()
        self.assertEqual(self.host.calls, [])

    def test_a_disk_and_what_came_after(self):
        session, copy = self.open(), "101/vm-101-disk-0.raw"
        self.disk(session, "one")
        whole = self.exported(session, DISK, "btrfs", snapname="one")
        self.disk(session, "two")
        increment = self.exported(session, DISK, "btrfs", snapname="two", baseSnapshot="one")
        self.assertLess(len(increment) * 20, len(whole))
        self.assertEqual(self.imported(session, copy, "btrfs", whole, snapname="one")["volname"], copy)
        self.assertEqual(self.content(session, copy), self.content(session, DISK, snapname="one"))
        result = self.imported(session, copy, "btrfs", increment, snapname="two", baseSnapshot="one")
        self.assertEqual(result["bytes"], len(increment))
        self.assertEqual(self.content(session, copy), self.content(session, DISK, snapname="two"))
        self.assertEqual(self.content(session, copy, snapname="one"), self.content(session, DISK, snapname="one"))
        listed = [entry["name"] for entry in session.do("volume_snapshot_info", volname=copy)["snapshots"]]
        self.assertEqual(listed, ["one", "two"])
        # The copy is a disk like any other, and sends on what it received.
        with open(session.do("path", volname=copy)["path"], "r+b") as file:
            file.write(b"mine")
        self.assertGreater(len(self.exported(session, copy, "btrfs", snapname="two")), 2 * MIB)
        session.do("free_image", volname=copy)
        self.assertEqual(self.names(session), [DISK])

    def test_all_snapshots_at_once(self):
        session, copy = self.open(), "101/vm-101-disk-0.raw"
        for text in ("one", "two", "three", "four"):
            self.disk(session, text)
        data = self.exported(session, DISK, "btrfs", snapname="three", withSnapshots=True)
        self.imported(session, copy, "btrfs", data, snapname="three", withSnapshots=True)
        for text in ("one", "two", "three"):
            self.assertEqual(self.content(session, copy, snapname=text), self.content(session, DISK, snapname=text))
        self.assertEqual(self.content(session, copy), self.content(session, DISK, snapname="three"))
        rest = self.exported(session, DISK, "btrfs", snapname="four", baseSnapshot="one", withSnapshots=True)
        self.assertLess(len(rest), MIB)
        self.refused("INVALID_PARAMS", self.exported, session, DISK, "btrfs", snapname="one", baseSnapshot="three",
                     withSnapshots=True)

    def test_a_container_keeps_its_owners(self):
        session, copy = self.open(), "101/subvol-101-disk-0.subvol"
        session.do("alloc_image", vmid=100, format="subvol", volname=TREE, size=0)
        top = session.do("path", volname=TREE)["path"]
        self.write(os.path.join(top, "file"), "hello")
        os.chown(os.path.join(top, "file"), 100033, 100033)
        os.chown(top, 100000, 100000)
        session.do("volume_snapshot", volname=TREE, snapname="one")
        data = self.exported(session, TREE, "btrfs", snapname="one")
        self.imported(session, copy, "btrfs", data, snapname="one")
        made = session.do("path", volname=copy)["path"]
        self.assertEqual(self.read(os.path.join(made, "file")), "hello")
        self.assertEqual(os.stat(os.path.join(made, "file")).st_uid, 100033)
        # Nothing in it belongs to the plugin: the host snapshots and removes for it.
        session.do("volume_snapshot", volname=copy, snapname="two")
        session.do("volume_snapshot_rollback", volname=copy, snapname="one")
        session.do("free_image", volname=copy)
        self.assertEqual(self.names(session), [TREE])

    def test_what_is_not_as_announced_leaves_everything_as_it_was(self):
        session, copy = self.open(), "101/vm-101-disk-0.raw"
        self.disk(session, "one")
        self.disk(session, "two")
        whole = self.exported(session, DISK, "btrfs", snapname="one")
        self.imported(session, copy, "btrfs", whole, snapname="one")
        session.do("alloc_image", vmid=100, format="subvol", volname=TREE, size=0)
        session.do("volume_snapshot", volname=TREE, snapname="one")
        tree = self.exported(session, TREE, "btrfs", snapname="one")
        before, entries = self.content(session, copy), self.entries()
        other = "102/vm-102-disk-0.raw"
        cut = whole[:len(whole) // 2]
        self.refused("STREAM_BROKEN", self.imported, session, other, "btrfs", cut, snapname="one", outcome="rolled_back")
        self.refused("STREAM_BROKEN", self.imported, session, other, "btrfs", whole, snapname="two",
                     outcome="rolled_back")
        both = self.exported(session, DISK, "btrfs", snapname="two", withSnapshots=True)
        self.refused("STREAM_BROKEN", self.imported, session, other, "btrfs", both, snapname="two",
                     outcome="rolled_back")
        # A container's tree is no disk.
        self.refused("CORRUPT", self.imported, session, other, "btrfs", tree, snapname="one", outcome="rolled_back")
        increment = self.exported(session, DISK, "btrfs", snapname="two", baseSnapshot="one")
        self.refused("STREAM_BROKEN", self.imported, session, copy, "btrfs", increment[:-20], snapname="two",
                     baseSnapshot="one", outcome="rolled_back")
        self.refused("SNAPSHOT_NOT_FOUND", self.imported, session, copy, "btrfs", increment, snapname="two",
                     baseSnapshot="zero")
        self.refused("SNAPSHOT_EXISTS", self.imported, session, copy, "btrfs",
                     self.exported(session, DISK, "btrfs", snapname="one"), snapname="one", baseSnapshot="one")
        self.refused("VOLUME_EXISTS", self.imported, session, copy, "btrfs", whole, snapname="one")
        self.assertEqual(self.content(session, copy), before)
        self.assertEqual(self.entries(), entries)

    def test_killed_when_everything_has_arrived(self):
        session, copy = self.open(), "101/vm-101-disk-0.raw"
        self.disk(session, "one")
        whole, entries = self.exported(session, DISK, "btrfs", snapname="one"), self.entries()
        self.host.after = lambda method: session.kill() if method == "host.btrfs.receive" else None
        fifo = self.fifo(feed=whole)
        try:
            session.start("volume_import", storeid="store", scfg=session.scfg, volname=copy, format="btrfs",
                          snapname="one", stream=fifo.params()).result()
        except Exception:  # the process is gone, as it should be
            pass
        fifo.finish()
        self.host.after = None
        self.assertNotEqual(self.entries(), entries)
        session = self.open()
        self.assertEqual(self.entries(), entries)
        self.imported(session, copy, "btrfs", whole, snapname="one")
        self.assertEqual(self.content(session, copy), self.content(session, DISK, snapname="one"))
