# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `nfs` storage end to end: the kernel's own NFS server in another network namespace, mounted for a sandboxed plugin."""

import os
import re
import signal
import subprocess
import time

import guest
from guest import run

EXPORT = "/berth/export"
SERVER, CLIENT = "10.99.0.2", "10.99.0.1"
SETTINGS = {"nfsv4leasetime": "10", "nfsv4gracetime": "10"}
SERVE = f"""
set -e
mount -t nfsd nfsd /proc/fs/nfsd
exportfs -ra
for setting in {' '.join(SETTINGS)}; do echo 10 >/proc/fs/nfsd/$setting; done
rpc.nfsd -N 3 2
exec rpc.mountd -F -N 3
"""


def mounts():
    """Where the host itself has the export."""
    with open("/proc/mounts", encoding="utf-8") as file:
        return [line.split()[1] for line in file if line.startswith(f"{SERVER}:")]


def silence(on):
    """The server is up and hears everything, but nothing it says comes through."""
    run("ip", "-n", "server", "route", "add" if on else "del", "blackhole", f"{CLIENT}/32")


class Nfs(guest.StorageTest):
    @classmethod
    def setUpClass(cls):
        os.makedirs(f"{EXPORT}/images/100", exist_ok=True)
        run("qemu-img", "create", "-q", "-f", "qcow2", f"{EXPORT}/images/100/vm-100-disk-7.qcow2", "16M")
        os.makedirs("/var/lib/nfs/v4recovery", exist_ok=True)
        with open("/etc/exports", "w", encoding="utf-8") as file:
            file.write(f"{EXPORT} {CLIENT}(rw,sync,fsid=0,no_subtree_check,all_squash,anonuid=0,anongid=0,insecure)\n")
        run("ip", "netns", "add", "server")
        run("ip", "link", "add", "client0", "type", "veth", "peer", "name", "server0", "netns", "server")
        run("ip", "addr", "add", f"{CLIENT}/24", "dev", "client0")
        run("ip", "link", "set", "client0", "up")
        for command in (("addr", "add", f"{SERVER}/24", "dev", "server0"), ("link", "set", "server0", "up"),
                        ("link", "set", "lo", "up")):
            run("ip", "-n", "server", *command)
        # Not on this suite's own output, whose end would never come.
        with open("/berth/server.log", "wb") as log:
            subprocess.Popen(["ip", "netns", "exec", "server", "sh", "-c", SERVE], stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log)
        cls.host = guest.Host("nfs")
        cls.host.start()

    def listed(self, within=60):
        """The volumes, as soon as the storage answers."""
        end = time.monotonic() + within
        while True:
            try:
                return self.host.volumes("share")
            except guest.Refused:
                if time.monotonic() > end:
                    raise
                time.sleep(1)

    def test_1_an_existing_export_works_as_it_stands(self):
        host = self.host
        host.berth("storage", "add", "nfs", "share", "--option", f"server={SERVER}", "--option", "export=/",
                   "--option", "options=vers=4.2,soft,timeo=30,retrans=1", "--consent")
        self.assertEqual(host.volumes("share"), ["share:100/vm-100-disk-7.qcow2"])
        self.assertEqual(len(mounts()), 1, mounts())
        volume = host.berth("volume", "alloc", "share", "100", "32M", "--format", "qcow2")
        self.assertTrue(os.path.isfile(f"{EXPORT}/images/{volume.removeprefix('share:')}"))
        self.assertEqual(os.stat(f"{EXPORT}/images/{volume.removeprefix('share:')}").st_uid, 0)
        path = host.berth("volume", "path", volume)
        run("qemu-io", "-f", "qcow2", "-c", "write -P 0x41 0 1M", path)
        host.berth("snapshot", "create", volume, "first")
        run("qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 1M", path)
        host.berth("snapshot", "rollback", volume, "first")
        self.assertNotIn("verification failed", run("qemu-io", "-f", "qcow2", "-c", "read -P 0x41 0 1M", path))
        host.berth("snapshot", "delete", volume, "first")
        host.berth("export", volume, "raw+size", "/berth/nfs/exported", "--digest", "sha256")
        copy = host.berth("import", "share", "raw+size", "/berth/nfs/exported", "--vmid", "101")
        self.assertEqual(len(host.volumes("share")), 3)
        for gone in (volume, copy):
            host.berth("volume", "free", gone)
        self.assertEqual(host.volumes("share"), ["share:100/vm-100-disk-7.qcow2"])

    def test_2_kill_9_of_the_plugin(self):
        volume = self.host.berth("volume", "alloc", "share", "200", "1M", "--format", "raw")
        plugin = int(run("pgrep", "-f", "/plugin/nfs.py").split()[-1])
        os.kill(plugin, signal.SIGKILL)
        self.assertEqual(self.listed(), ["share:100/vm-100-disk-7.qcow2", volume])
        self.assertNotIn(str(plugin), run("pgrep", "-f", "/plugin/nfs.py").split())
        self.assertEqual(len(mounts()), 1, mounts())
        self.host.berth("volume", "free", volume)

    def test_3_kill_9_of_the_daemon_while_a_volume_is_made(self):
        host = self.host
        for pause in (0.3, 1.0):
            child = subprocess.Popen([f"{guest.BIN}/berth", "volume", "alloc", "share", "300", "1M", "--format", "raw"],
                                     env=host.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            time.sleep(pause)
            host.kill()
            told = child.communicate(timeout=guest.PATIENCE)[0].strip()
            host.start()
            found = self.listed()
            # What was told is there; what was not told may be there or not.
            if told:
                self.assertIn(told, found)
            self.assertEqual(len(mounts()), 1, mounts())
            for volume in found:
                if volume.startswith("share:300/"):
                    host.berth("volume", "free", volume)
        self.assertEqual(self.listed(), ["share:100/vm-100-disk-7.qcow2"])

    def test_4_a_server_that_does_not_answer_costs_its_storage_only(self):
        host = self.host
        os.makedirs("/berth/local", exist_ok=True)
        host.berth("storage", "add", "directory", "local", "--option", "path=/berth/local", "--consent")
        silence(True)
        try:
            # Work that meets the silence ends in time, with an error.
            begin = time.monotonic()
            self.refused("volume", "alloc", "share", "400", "1M", "--format", "raw")
            self.assertLess(time.monotonic() - begin, guest.PATIENCE)
            begin = time.monotonic()
            out = host.berth("storage", "status")
            volume = host.berth("volume", "alloc", "local", "1", "1M", "--format", "raw")
            host.berth("volume", "free", volume)
            self.assertLess(time.monotonic() - begin, 60)
            self.assertRegex(out, re.compile(r"^local\b", re.M))
        finally:
            silence(False)
        self.assertIn("share:100/vm-100-disk-7.qcow2", self.listed(120))

    def test_5_removing_the_storage_unmounts(self):
        self.host.berth("storage", "remove", "share")
        end = time.monotonic() + 30
        while mounts() and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(mounts(), [])


if __name__ == "__main__":
    guest.main()
