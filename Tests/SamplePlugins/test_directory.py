# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `directory` plugin's methods with real images."""

import filecmp
import io
import itertools
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest

from harness import ROOT, Fifo, PluginTest

sys.path.insert(0, os.path.join(ROOT, "sample-plugins", "directory"))
import archive as archives  # noqa: E402

MIB = 1 << 20


def qemu_io(path, form, *commands):
    arguments = [part for command in commands for part in ("-c", command)]
    done = subprocess.run(["qemu-io", "-f", form, *arguments, path], capture_output=True, text=True, check=False)
    if done.returncode or "failed" in done.stdout + done.stderr:
        raise AssertionError(done.stdout + done.stderr)


class Images(PluginTest):
    def test_alloc_list_free(self):
        session = self.open()
        for form, size in (("raw", 8 * MIB), ("qcow2", 8 * MIB), ("vmdk", 8 * MIB), ("subvol", 0)):
            with self.subTest(form):
                prefix = "subvol" if form == "subvol" else "vm"
                volname = f"100/{prefix}-100-disk-0.{form}"
                result = session.do("alloc_image", vmid=100, format=form, volname=volname, size=size)
                self.assertEqual(result["volname"], volname)
                info = session.do("volume_size_info", volname=volname)
                self.assertEqual((info["size"], info["format"]), (size, form))
                self.assertEqual([entry["volname"] for entry in session.do("list_images", vmid=100)["volumes"]],
                                 [volname])
                self.refused("VOLUME_EXISTS", session.do, "alloc_image", vmid=100, format=form, volname=volname,
                             size=size, outcome="not_started")
                left = session.do("free_image", volname=volname)
                if "cleanup" in left:
                    session.do("run_cleanup", token=left["cleanup"]["token"])
                self.assertEqual(session.do("free_image", volname=volname), {})
                self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])
                self.refused("VOLUME_NOT_FOUND", session.do, "volume_size_info", volname=volname)

    def test_linked_clone(self):
        session = self.open()
        session.do("alloc_image", vmid=9, format="qcow2", volname="9/vm-9-disk-0.qcow2", size=4 * MIB)
        image = os.path.join(self.root, "images/9/vm-9-disk-0.qcow2")
        qemu_io(image, "qcow2", "write -P 7 0 64k")
        self.refused("NOT_SUPPORTED", session.do, "clone_image", volname="9/vm-9-disk-0.qcow2", vmid=10,
                     targetVolname="10/vm-10-disk-0.qcow2")
        base = session.do("create_base", volname="9/vm-9-disk-0.qcow2", targetVolname="9/base-9-disk-0.qcow2")
        self.assertEqual(base["volname"], "9/base-9-disk-0.qcow2")
        self.assertEqual(os.stat(os.path.join(self.root, "images/9/base-9-disk-0.qcow2")).st_mode & 0o777, 0o444)
        clone = "9/base-9-disk-0.qcow2/10/vm-10-disk-0.qcow2"
        self.assertEqual(session.do("clone_image", volname=base["volname"], vmid=10, targetVolname=clone)["volname"],
                         clone)
        info = subprocess.run(["qemu-img", "info", "-f", "qcow2", os.path.join(
            self.root, "images/10/vm-10-disk-0.qcow2")], capture_output=True, text=True, check=True).stdout
        self.assertIn("backing file: ../9/base-9-disk-0.qcow2", info)
        entries = {entry["volname"]: entry for entry in session.do("list_images")["volumes"]}
        self.assertEqual(entries[clone]["parent"], "9/base-9-disk-0.qcow2")
        self.assertEqual(session.do("volume_size_info", volname=clone)["parent"], "9/base-9-disk-0.qcow2")
        error = self.refused("HAS_DEPENDENTS", session.do, "free_image", volname=base["volname"])
        self.assertEqual(error.data["dependents"], [clone])
        renamed = "9/base-9-disk-0.qcow2/11/vm-11-disk-3.qcow2"
        session.do("rename_volume", volname=clone, targetVmid=11, targetVolname=renamed)
        self.assertNotIn("10", os.listdir(os.path.join(self.root, "images")))
        data = self.exported(session, renamed, "raw+size", "crc32")
        self.assertEqual(data[8:8 + 65536], b"\7" * 65536)
        self.assertEqual(session.do("volume_export_formats", volname=renamed)["formats"], ["raw+size"])
        session.do("free_image", volname=renamed)
        session.do("free_image", volname=base["volname"])
        self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])

    def test_snapshots(self):
        session, volname = self.open(), "100/vm-100-disk-0.qcow2"
        image = os.path.join(self.root, "images", volname)
        session.do("alloc_image", vmid=100, format="qcow2", volname=volname, size=4 * MIB)
        qemu_io(image, "qcow2", "write -P 1 0 64k")
        session.do("volume_snapshot", volname=volname, snapname="one")
        qemu_io(image, "qcow2", "write -P 2 0 64k")
        session.do("volume_snapshot", volname=volname, snapname="two")
        self.refused("SNAPSHOT_EXISTS", session.do, "volume_snapshot", volname=volname, snapname="two")
        qemu_io(image, "qcow2", "write -P 3 0 64k")
        snapshots = session.do("volume_snapshot_info", volname=volname)["snapshots"]
        self.assertEqual([(entry["name"], entry["order"]) for entry in snapshots], [("one", 0), ("two", 1)])
        self.assertEqual(self.exported(session, volname, "raw+size", snapname="one")[8:9], b"\1")
        session.do("volume_rollback_is_possible", volname=volname, snapname="two")
        session.do("volume_snapshot_rollback", volname=volname, snapname="two")
        qemu_io(image, "qcow2", "read -P 2 0 64k")
        self.refused("SNAPSHOT_NOT_FOUND", session.do, "volume_snapshot_rollback", volname=volname, snapname="three")
        for _ in range(2):
            session.do("volume_snapshot_delete", volname=volname, snapname="one", running=False)
        self.assertEqual([entry["name"] for entry in session.do("volume_snapshot_info", volname=volname)["snapshots"]],
                         ["two"])
        session.do("alloc_image", vmid=100, format="raw", volname="100/vm-100-disk-1.raw", size=MIB)
        self.refused("NOT_SUPPORTED", session.do, "volume_snapshot", volname="100/vm-100-disk-1.raw", snapname="x")
        for bad in ("current", "1", "../x", "", "a" * 200):
            self.refused("INVALID_PARAMS", session.do, "volume_snapshot", volname=volname, snapname=bad)

    def test_resize(self):
        session = self.open()
        for form in ("raw", "qcow2"):
            volname = f"100/vm-100-disk-0.{form}"
            session.do("alloc_image", vmid=100, format=form, volname=volname, size=4 * MIB)
            self.assertEqual(session.do("volume_resize", volname=volname, size=6 * MIB + 1, running=False)["size"],
                             6 * MIB + 1024)
            self.assertEqual(session.do("volume_size_info", volname=volname)["size"], 6 * MIB + 1024)
            session.do("volume_resize", volname=volname, size=6 * MIB + 1024, running=False)
            self.refused("NOT_SUPPORTED", session.do, "volume_resize", volname=volname, size=MIB, running=False,
                         outcome="not_started")
            for size in (0, -1, 2**63, 1.5, "1"):
                self.refused("INVALID_PARAMS" if size != 2**63 else None, session.do, "volume_resize", volname=volname,
                             size=size, running=False) if size != 2**63 else None

    def test_preallocation(self):
        for mode, raw_blocks in (("off", 0), ("metadata", 0), ("falloc", MIB), ("full", MIB)):
            session = self.open(scfg={"preallocation": mode})
            for form in ("raw", "qcow2"):
                volname = f"100/vm-100-disk-0.{form}"
                session.do("alloc_image", vmid=100, format=form, volname=volname, size=MIB)
                used = session.do("volume_size_info", volname=volname)["used"]
                if form == "raw":
                    self.assertGreaterEqual(used, raw_blocks)
                session.do("free_image", volname=volname)
            session.close()

    def test_existing_tree(self):
        images = os.path.join(self.root, "images/100")
        os.makedirs(images)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", f"{images}/vm-100-disk-0.qcow2", "8M"], check=True)
        with open(f"{images}/base-100-disk-1.raw", "wb") as file:
            file.truncate(MIB)
        with open(f"{images}/vm-100-cloudinit.qcow2", "wb") as file:
            file.write(b"not an image")
        os.symlink("/etc/passwd", f"{images}/vm-100-disk-9.raw")
        dump = os.path.join(self.root, "dump")
        os.mkdir(dump)
        archive = os.path.join(dump, "vzdump-qemu-100-2024_05_01-12_00_00.vma.zst")
        for path, text in ((archive, "x"), (archive + ".notes", "first\nsecond"), (archive + ".protected", "")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for place, filename in (("template/iso", "debian.ISO"), ("template/cache", "alpine.tar.xz"),
                                ("snippets", "user.yaml"), ("import", "guest.ova")):
            os.makedirs(os.path.join(self.root, place))
            with open(os.path.join(self.root, place, filename), "w", encoding="utf-8") as file:
                file.write("x")
        session = self.open()
        entries = {entry["volname"]: entry for entry in session.do("list_volumes")["volumes"]}
        self.assertEqual(sorted(entries), sorted([
            "100/base-100-disk-1.raw", "100/vm-100-cloudinit.qcow2", "100/vm-100-disk-0.qcow2",
            "backup/vzdump-qemu-100-2024_05_01-12_00_00.vma.zst", "import/guest.ova", "iso/debian.ISO",
            "snippets/user.yaml", "vztmpl/alpine.tar.xz"]))
        self.assertEqual(entries["100/vm-100-cloudinit.qcow2"]["format"], "invalid")
        backup = entries["backup/vzdump-qemu-100-2024_05_01-12_00_00.vma.zst"]
        self.assertEqual((backup["vmid"], backup["subtype"], backup["notes"], backup["protected"], backup["format"]),
                         (100, "qemu", "first", True, "vma.zst"))
        name = backup["volname"]
        self.refused("PROTECTED", session.do, "free_image", volname=name)
        session.do("update_volume_attribute", volname=name, attribute="protected", value=False)
        self.assertEqual(session.do("get_volume_attribute", volname=name, attribute="notes")["value"], "first\nsecond")
        session.do("update_volume_attribute", volname=name, attribute="notes", value="new ü")
        self.assertEqual(session.do("get_volume_attribute", volname=name, attribute="notes")["value"], "new ü")
        session.do("free_image", volname=name)
        self.assertEqual(os.listdir(dump), [])
        self.refused("CORRUPT", session.do, "volume_size_info", volname="100/vm-100-cloudinit.qcow2")
        self.refused("CORRUPT", session.do, "volume_size_info", volname="100/vm-100-disk-9.raw")
        pages, cursor = [], None
        while True:
            page = session.do("list_volumes", limit=2, **({"cursor": cursor} if cursor else {}))
            self.assertLessEqual(len(page["volumes"]), 2)
            pages += [entry["volname"] for entry in page["volumes"]]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        self.assertEqual(len(pages), 7)
        self.assertEqual(len(set(pages)), 7)
        self.refused("CURSOR_INVALID", session.do, "list_volumes", cursor="nonsense")


class Streams(PluginTest):
    def test_raw_and_qcow2(self):
        session = self.open()
        payload = os.urandom(MIB) + bytes(3 * MIB) + os.urandom(MIB + 512)
        stream = struct.pack("<Q", len(payload)) + payload
        for number, form in enumerate(("raw", "qcow2", "vmdk")):
            volname = f"100/vm-100-disk-{number}.{form}"
            for digest in (None, "crc32", "sha256"):
                result = self.imported(session, volname, "raw+size", stream, digest)
                self.assertEqual((result["volname"], result["bytes"]), (volname, len(stream)))
                data = self.exported(session, volname, "raw+size", digest)
                self.assertEqual(data[8:8 + len(payload)], payload)
                self.assertEqual(data[8 + len(payload):].strip(b"\0"), b"")
                session.do("free_image", volname=volname)

    def test_whole_qcow2_with_snapshots(self):
        session, volname = self.open(), "100/vm-100-disk-0.qcow2"
        session.do("alloc_image", vmid=100, format="qcow2", volname=volname, size=4 * MIB)
        qemu_io(os.path.join(self.root, "images", volname), "qcow2", "write -P 5 0 64k")
        session.do("volume_snapshot", volname=volname, snapname="kept")
        self.assertEqual(session.do("volume_export_formats", volname=volname, withSnapshots=True)["formats"],
                         ["qcow2+size"])
        data = self.exported(session, volname, "qcow2+size", "sha256", withSnapshots=True)
        copy = "101/vm-101-disk-0.qcow2"
        self.imported(session, copy, "qcow2+size", data, "crc32", withSnapshots=True)
        self.assertEqual([entry["name"] for entry in session.do("volume_snapshot_info", volname=copy)["snapshots"]],
                         ["kept"])
        before = self.tree()
        for bad in (data[:len(data) // 2], data[:8] + b"QFI\xfb" + bytes(4096), struct.pack("<Q", 1) + data[8:]):
            with self.subTest(len(bad)):
                error = self.refused_import(session, bad)
                self.assertIn(error.symbol, ("CORRUPT", "STREAM_BROKEN", "BACKEND_ERROR"))
                self.assertEqual(self.tree(), before)

    def refused_import(self, session, data):
        with self.assertRaises(Exception) as caught:
            self.imported(session, "102/vm-102-disk-0.qcow2", "qcow2+size", data, withSnapshots=True)
        self.assertEqual(caught.exception.outcome, "rolled_back")
        return caught.exception

    def test_backing_files_are_refused(self):
        session = self.open()
        path = os.path.join(self.folder, "evil.qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", path, "1M"],
                       check=True)
        with open(path, "rb") as file:
            stream = struct.pack("<Q", MIB) + file.read()
        self.refused("FORMAT_UNSUPPORTED", self.imported, session, "100/vm-100-disk-0.qcow2", "qcow2+size", stream,
                     outcome="rolled_back")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o",
                        f"data_file={self.folder}/outside.raw,data_file_raw=on", path, "1M"], check=True)
        with open(path, "rb") as file:
            stream = struct.pack("<Q", MIB) + file.read()
        self.refused("FORMAT_UNSUPPORTED", self.imported, session, "100/vm-100-disk-0.qcow2", "qcow2+size", stream,
                     outcome="rolled_back")
        self.assertEqual(os.listdir(os.path.join(self.root, "images")), [])

    def test_tree(self):
        session, volname = self.open(), "100/subvol-100-disk-0.subvol"
        session.do("alloc_image", vmid=100, format="subvol", volname=volname, size=0)
        top = os.path.join(self.root, "images", volname)
        os.makedirs(f"{top}/etc")
        with open(f"{top}/etc/hosts", "w", encoding="utf-8") as file:
            file.write("127.0.0.1 localhost\n")
        os.symlink("hosts", f"{top}/etc/link")
        os.chmod(f"{top}/etc/hosts", 0o640)
        data = self.exported(session, volname, "tar+size", "crc32")
        copy = "101/subvol-101-disk-0.subvol"
        self.imported(session, copy, "tar+size", data, "crc32")
        there = os.path.join(self.root, "images", copy)
        self.assertEqual(os.readlink(f"{there}/etc/link"), "hosts")
        self.assertEqual(os.stat(f"{there}/etc/hosts").st_mode & 0o777, 0o640)
        before = self.tree()
        self.refused("STREAM_BROKEN", self.imported, session, "102/subvol-102-disk-0.subvol", "tar+size", data[:5000],
                     outcome="rolled_back")
        self.assertEqual(self.tree(), before)

    def test_set_id_bits_of_an_archive_are_left_out(self):
        """In every format that tar writes; everything else of the mode stays, and so does the data behind it."""
        session, big = self.open(), os.urandom(70_000)
        for number, form in enumerate((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT)):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
                for name, kind, mode in (("tmp", tarfile.DIRTYPE, 0o1777), ("mail", tarfile.DIRTYPE, 0o2775),
                                         ("mail/" + "n" * 90, tarfile.REGTYPE, 0o640),
                                         ("su", tarfile.REGTYPE, 0o4755), ("both", tarfile.REGTYPE, 0o6711)):
                    member = tarfile.TarInfo(name)
                    member.type, member.mode = kind, mode
                    member.size = len(big) if kind == tarfile.REGTYPE else 0
                    if form == tarfile.PAX_FORMAT:
                        member.pax_headers = {"SCHILY.xattr.user.note": "x" * 700, "size": str(member.size)}
                    archive.addfile(member, io.BytesIO(big))
            volname = f"{100 + number}/subvol-{100 + number}-disk-0.subvol"
            self.imported(session, volname, "tar+size", bytes(8) + packed.getvalue())
            there = os.path.join(self.root, "images", volname)
            modes = {name: os.stat(f"{there}/{name}").st_mode & 0o7777 for name in os.listdir(there)}
            self.assertEqual(modes, {"tmp": 0o1777, "mail": 0o775, "su": 0o755, "both": 0o711})
            for name in ("su", "both", "mail/" + "n" * 90):
                with open(f"{there}/{name}", "rb") as file:
                    self.assertEqual(file.read(), big)

    def test_archives_in_pieces(self):
        """Whatever pieces an archive comes in, the filter passes on the same bytes, and sparse maps and long names too."""
        with tempfile.TemporaryDirectory() as top:
            with open(f"{top}/holes", "wb") as file:
                for part in range(30):
                    file.seek(part << 20)
                    file.write(b"data")
            os.chmod(f"{top}/holes", 0o4750)
            os.makedirs(f"{top}/" + "/".join("d" * 60 for _ in range(4)))
            for form in ("gnu", "oldgnu", "pax"):
                packed = subprocess.run(["tar", "-C", top, "--sparse", f"--format={form}", "-cf", "-", "."],
                                        check=True, capture_output=True).stdout
                whole = archives.PlainModes()
                wanted = whole.feed(packed) + whole.end()
                self.assertEqual((len(wanted), whole.dropped), (len(packed), 1), form)
                pieces, got, at = archives.PlainModes(), b"", 0
                for step in itertools.cycle((1, 511, 513, 7, 4096)):
                    if at >= len(packed):
                        break
                    got += pieces.feed(packed[at:at + step])
                    at += step
                self.assertEqual(got + pieces.end(), wanted, form)
                with tempfile.TemporaryDirectory() as out:
                    subprocess.run(["tar", "-C", out, "-xpf", "-"], input=wanted, check=True)
                    self.assertEqual(os.stat(f"{out}/holes").st_mode & 0o7777, 0o750)
                    self.assertTrue(filecmp.cmp(f"{out}/holes", f"{top}/holes", shallow=False))

    def test_short_and_long_streams(self):
        session = self.open()
        before = self.tree()
        for form in ("raw", "qcow2"):
            for stream in (b"", b"1234", struct.pack("<Q", MIB) + bytes(1000), struct.pack("<Q", 512) + bytes(1000),
                           struct.pack("<Q", 1 << 63) + bytes(10)):
                with self.subTest(form=form, length=len(stream)):
                    self.refused("STREAM_BROKEN", self.imported, session, f"100/vm-100-disk-0.{form}", "raw+size",
                                 stream, outcome="rolled_back")
                    self.assertEqual(self.tree(), before)

    def test_reader_goes_away(self):
        session = self.open()
        session.do("alloc_image", vmid=100, format="raw", volname="100/vm-100-disk-0.raw", size=64 * MIB)
        fifo = Fifo(self.folder, stop_after=MIB)
        self.refused("STREAM_BROKEN", session.do, "volume_export", volname="100/vm-100-disk-0.raw", format="raw+size",
                     stream=fifo.params())
        fifo.finish()


if __name__ == "__main__":
    unittest.main()
