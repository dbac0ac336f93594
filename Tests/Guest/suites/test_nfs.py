# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `nfs` storage end to end: the kernel's own NFS server on 127.0.0.1, mounted for a sandboxed plugin."""

import os
import re
import time

import guest
from guest import run

EXPORT = "/berth/export"


def mounts():
    with open("/proc/mounts", encoding="utf-8") as file:
        return [line.split()[1] for line in file if line.startswith("127.0.0.1:")]


def server(running):
    run("rpc.nfsd", "-N", "3", "-U", "2" if running else "0")


class Nfs(guest.StorageTest):
    @classmethod
    def setUpClass(cls):
        os.makedirs(f"{EXPORT}/images/100", exist_ok=True)
        run("qemu-img", "create", "-q", "-f", "qcow2", f"{EXPORT}/images/100/vm-100-disk-7.qcow2", "16M")
        run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd", check=False)
        os.makedirs("/var/lib/nfs/v4recovery", exist_ok=True)
        open("/etc/exports", "w", encoding="utf-8").write(
            f"{EXPORT} 127.0.0.1(rw,sync,fsid=0,no_subtree_check,all_squash,anonuid=0,anongid=0,insecure)\n")
        run("exportfs", "-ra")
        for name in ("nfsv4leasetime", "nfsv4gracetime"):
            with open(f"/proc/fs/nfsd/{name}", "w", encoding="utf-8") as file:
                file.write("10")
        import subprocess
        subprocess.Popen(["rpc.mountd", "-F", "-N", "3"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        run("rpc.nfsd", "-N", "3", "2")
        cls.host = guest.Host("nfs")
        cls.host.start()

    def test_1_an_existing_export_works_as_it_stands(self):
        host = self.host
        host.berth("storage", "add", "nfs", "share", "--option", "server=127.0.0.1", "--option", "export=/",
                   "--option", "options=vers=4.2,soft,timeo=50,retrans=1", "--consent")
        self.assertEqual(host.volumes("share"), ["share:100/vm-100-disk-7.qcow2"])
        self.assertEqual(len(mounts()), 1, mounts())
        volume = host.berth("volume", "alloc", "share", "100", "32M", "--format", "qcow2")
        self.assertTrue(os.path.isfile(f"{EXPORT}/images/{volume.removeprefix('share:')}"))
        self.assertEqual(os.stat(f"{EXPORT}/images/{volume.removeprefix('share:')}").st_uid, 0)
        path = host.berth("volume", "path", volume)
        run("qemu-io", "-f", "qcow2", "-c", "write -P 0x41 0 1M", path)
        host.berth("snapshot", "create", volume, "s")
        run("qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 1M", path)
        host.berth("snapshot", "rollback", volume, "s")
        self.assertNotIn("verification failed", run("qemu-io", "-f", "qcow2", "-c", "read -P 0x41 0 1M", path))
        host.berth("volume", "free", volume)
        self.assertEqual(host.volumes("share"), ["share:100/vm-100-disk-7.qcow2"])

    def test_2_a_server_that_is_gone_costs_its_storage_only(self):
        host = self.host
        os.makedirs("/berth/local", exist_ok=True)
        host.berth("storage", "add", "directory", "local", "--option", "path=/berth/local", "--consent")
        run("rpc.nfsd", "0")
        begin = time.monotonic()
        out = host.berth("storage", "status")
        self.assertLess(time.monotonic() - begin, 60)
        self.assertRegex(out, re.compile(r"^local\b", re.M))
        volume = host.berth("volume", "alloc", "local", "1", "1M", "--format", "raw")
        host.berth("volume", "free", volume)
        run("rpc.nfsd", "-N", "3", "2")
        end = time.monotonic() + 60
        while True:
            try:
                self.assertEqual(host.volumes("share"), ["share:100/vm-100-disk-7.qcow2"])
                break
            except guest.Refused:
                if time.monotonic() > end:
                    raise
                time.sleep(1)

    def test_3_removing_the_storage_unmounts(self):
        self.host.berth("storage", "remove", "share")
        end = time.monotonic() + 30
        while mounts() and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(mounts(), [])


if __name__ == "__main__":
    guest.main()
