# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth's systemd units: how exposed they are, and a storage served by them, with an unprivileged berthd."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

import guest
from guest import run

ROOT = open("/berth/root", encoding="utf-8").read().strip()
PACKAGING = f"{ROOT}/packaging"


def exposure(unit):
    out = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"{PACKAGING}/{unit}")
    return float(re.search(r"Overall exposure level for .*: ([0-9.]+) ", out)[1])


def journal():
    return run("journalctl", "--no-pager", "-n", "60", "_TRANSPORT=stdout", "+", "_PID=1", check=False)


class Exposure(unittest.TestCase):
    def test_the_daemon(self):
        self.assertLessEqual(exposure("berthd.service"), 1.5)

    def test_the_launcher(self):
        self.assertLessEqual(exposure("berth-launcher.service"), 4.0)


@unittest.skipUnless(open("/proc/1/comm", encoding="utf-8").read() == "systemd\n", "systemd does not run this machine")
class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for source, target in ((f"{guest.BIN}/berthd", "/usr/sbin/berthd"), (f"{guest.BIN}/berth", "/usr/bin/berth"),
                               (f"{guest.BIN}/berth-launcher", "/usr/libexec/berth/berth-launcher"),
                               (f"{guest.BIN}/berth-broker", "/usr/libexec/berth/berth-broker"),
                               (f"{PACKAGING}/berthd.service", "/etc/systemd/system/berthd.service"),
                               (f"{PACKAGING}/berth-launcher.service", "/etc/systemd/system/berth-launcher.service"),
                               (f"{PACKAGING}/berth.sysusers", "/usr/lib/sysusers.d/berth.conf"),
                               (f"{PACKAGING}/berth.tmpfiles", "/usr/lib/tmpfiles.d/berth.conf")):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
        shutil.copytree("/berth/plugins", "/usr/lib/berth/plugins", dirs_exist_ok=True)
        os.makedirs("/usr/lib/berth/plugins/linked")
        os.symlink("../minimal/manifest.json", "/usr/lib/berth/plugins/linked/manifest.json")
        run("chmod", "-R", "u=rwX,go=rX", "/usr/lib/berth", "/usr/libexec/berth")
        os.makedirs("/var/lib/vz", exist_ok=True)
        run("systemd-sysusers", "berth.conf")
        run("systemd-tmpfiles", "--create", "berth.conf")
        run("systemctl", "daemon-reload")
        try:
            run("systemctl", "start", "berthd.service")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{journal()}") from None

    @classmethod
    def tearDownClass(cls):
        run("systemctl", "stop", "berthd.service", "berth-launcher.service", check=False)

    @staticmethod
    def state(what, unit="berthd.service"):
        return run("systemctl", "show", "--property", what, "--value", unit)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        if len(result.errors) + len(result.failures) > before:
            plugins = run("berth", "plugin", "list", check=False)
            print(f"--- {guest.why(result)}\n{self.id()}: plugins:\n{plugins}\nthe journal:\n{journal()}\n---", file=sys.stderr)

    @staticmethod
    def answered():
        end = time.monotonic() + guest.PATIENCE
        while True:
            try:
                return run("berth", "daemon", "status")
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(1)

    @staticmethod
    def volumes(storage):
        return {json.loads(line)["volid"] for line in run("berth", "volume", "list", storage, "--json").splitlines()}

    def test_1_a_storage_is_served_without_privilege(self):
        self.answered()
        # Under the unit's own system call filter as everywhere: no bundle's file is read through a link.
        self.assertIn("symbolic link", run("berth", "plugin", "list"))
        pid = self.state("MainPID")
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertNotIn("0", status["Uid"].split("\t"))
        for capabilities in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh"):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        run("berth", "storage", "add", "directory", "local", "--option", "path=/var/lib/vz", "--consent")
        volume = run("berth", "volume", "alloc", "local", "100", "8M", "--format", "qcow2")
        self.assertTrue(os.path.isfile(f"/var/lib/vz/images/{volume.removeprefix('local:')}"))
        run("berth", "snapshot", "create", volume, "first")
        run("berth", "export", volume, "raw+size", "/run/exported", "--digest", "sha256")
        self.assertEqual(os.path.getsize("/run/exported"), (8 << 20) + 8)
        copy = run("berth", "import", "local", "raw+size", "/run/exported", "--vmid", "101")
        self.assertEqual(self.volumes("local"), {volume, copy})

    def listed(self, storage, within=60):
        """The volumes, as soon as the storage answers."""
        end = time.monotonic() + within
        while True:
            try:
                return self.volumes(storage)
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(1)

    def test_2_a_restart_of_either_costs_nothing(self):
        before = self.volumes("local")
        for unit in ("berth-launcher.service", "berthd.service"):
            was, daemon = self.state("MainPID", unit), self.state("MainPID")
            run("systemctl", "restart", unit)
            self.answered()
            self.assertNotIn(self.state("MainPID", unit), ("0", was))
            self.assertEqual(self.listed("local"), before)
            self.assertEqual(self.state("MainPID") == daemon, unit == "berth-launcher.service")

    def test_2_kill_9_of_the_launcher_leaves_the_daemon_as_it_is(self):
        daemon, before = self.state("MainPID"), self.listed("local")
        unit = "berth-launcher.service"
        for number in range(6):
            was = self.state("MainPID", unit)
            working = subprocess.Popen(["berth", "volume", "alloc", "local", "300", "1M", "--format", "raw"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(0.2 * number)
            os.kill(int(was), signal.SIGKILL)
            out, errors = working.communicate(timeout=guest.PATIENCE)
            # Done or not, the call ended and told which.
            self.assertTrue(working.returncode == 0 or "error: " in errors, errors)
            end = time.monotonic() + guest.PATIENCE
            while self.state("MainPID", unit) in ("0", was) and time.monotonic() < end:
                time.sleep(0.2)
            found = self.listed("local")
            if working.returncode == 0:
                self.assertIn(out.strip(), found)
            self.assertEqual({volume for volume in found if not volume.startswith("local:300/")}, before)
            for volume in found - before:
                run("berth", "volume", "free", volume)
        self.assertEqual(self.state("MainPID"), daemon)
        self.assertEqual(self.volumes("local"), before)
        log = run("journalctl", "--no-pager", "-u", "berthd.service")
        for word in ("cannot be killed", "quarantined", "Failed to set thread priority"):
            self.assertNotIn(word, log)

    def test_2_reload_takes_up_plugins_without_a_restart(self):
        daemon, before = self.state("MainPID"), self.listed("local")
        plugins = "/usr/lib/berth/plugins"
        manifest = f"{plugins}/directory/manifest.json"
        with open(manifest, encoding="utf-8") as file:
            text = file.read()
        version = json.loads(text)["version"]

        def running():
            shown = json.loads(run("berth", "plugin", "show", "org.berth.sample.directory", "--json"))
            return shown["version"], [process["version"] for process in shown["processes"] if process.get("pid")]

        def reloaded(wanted, told):
            run("systemctl", "reload", "berthd.service")
            end = time.monotonic() + guest.PATIENCE
            # First of all what the reload itself found: the commands below look again by themselves.
            while told not in run("journalctl", "--no-pager", "-u", "berthd.service"):
                self.assertLess(time.monotonic(), end, journal())
                time.sleep(0.5)
            while (self.listed("local"), running()) != (before, (wanted, [wanted])):
                self.assertLess(time.monotonic(), end, running())
                time.sleep(0.5)
            self.assertEqual((self.state("MainPID"), self.state("ActiveState")), (daemon, "active"))

        self.assertEqual(running(), (version, [version]))
        try:
            with open(f"{manifest}.new", "w", encoding="utf-8") as file:
                file.write(text.replace(f'"{version}"', '"9.9.9"', 1))
            os.rename(f"{manifest}.new", manifest)
            os.rename(f"{plugins}/minimal", "/usr/lib/berth/minimal")
            reloaded("9.9.9", "version=9.9.9")
            self.assertNotIn("org.berth.sample.minimal", run("berth", "plugin", "list"))
        finally:
            with open(manifest, "w", encoding="utf-8") as file:
                file.write(text)
            if os.path.exists("/usr/lib/berth/minimal"):
                os.rename("/usr/lib/berth/minimal", f"{plugins}/minimal")
        reloaded(version, "earlier=9.9.9")
        self.assertIn("org.berth.sample.minimal", run("berth", "plugin", "list"))

    @classmethod
    def on_btrfs(cls):
        """Two storages, each on a btrfs of its own."""
        for name in ("one", "two"):
            disk, place = f"/berth/{name}.btrfs", f"/var/lib/vz/{name}"
            with open(disk, "wb") as file:
                file.truncate(300 << 20)
            run("mkfs.btrfs", "-q", disk)
            os.makedirs(place, exist_ok=True)
            run("mount", "-o", "loop,user_subvol_rm_allowed", disk, place)
        # A launcher sees the mounts that were there when it started.
        run("systemctl", "restart", "berth-launcher.service")
        cls.answered()
        for name in ("one", "two"):
            run("berth", "storage", "add", "btrfs", name, "--option", f"path=/var/lib/vz/{name}", "--consent")

    @staticmethod
    def filled(volume, data, snapshot):
        with open(run("berth", "volume", "path", volume), "r+b") as disk:
            disk.write(data)
        run("berth", "snapshot", "create", volume, snapshot)

    def assert_equal_volumes(self, one, other):
        contents = []
        for volume in (one, other):
            with open(run("berth", "volume", "path", volume), "rb") as disk:
                contents.append(disk.read())
        self.assertEqual(len(contents[0]), 16 << 20)
        self.assertTrue(contents[0] == contents[1], f"{one} and {other} differ")

    def test_2_streams_of_snapshots_are_not_offered_without_the_drop_in(self):
        self.on_btrfs()
        volume = run("berth", "volume", "alloc", "one", "100", "16M")
        self.filled(volume, os.urandom(1 << 20), "s1")
        # Granted, but the launcher may not: told where it is asked for by name, another format in its place where not.
        with self.assertRaises(AssertionError) as caught:
            run("berth", "export", volume, "btrfs", "/run/no.btrfs", "--snapshot", "s1")
        self.assertIn("it offers: raw+size", str(caught.exception))
        copy = run("berth", "volume", "copy", volume, "two", "--snapshot", "s1")
        self.assert_equal_volumes(volume, copy)
        log = run("journalctl", "--no-pager", "-u", "berthd.service")
        self.assertIn("host.btrfs.send", log)
        self.assertIn("berth-launcher-broker.conf", log)
        run("berth", "snapshot", "delete", volume, "s1")
        for gone in (volume, copy):
            run("berth", "volume", "free", gone)

    def test_3_the_broker_needs_the_drop_in(self):
        with open("/berth/units.img", "wb") as file:
            file.truncate(512 << 20)
        run("vgcreate", "-y", "unitvg", run("losetup", "-f", "--show", "/berth/units.img"))
        run("lvcreate", "-y", "--type", "thin-pool", "-L", "256M", "-n", "thin", "unitvg")
        add = ("berth", "storage", "add", "lvmthin", "thin", "--option", "vgname=unitvg", "--option", "thinpool=thin",
               "--consent")
        with self.assertRaises(AssertionError) as caught:
            run(*add)
        self.assertIn("berth-launcher-broker.conf", str(caught.exception))
        self.assertNotIn("thin", run("berth", "storage", "list"))

        os.makedirs("/etc/systemd/system/berth-launcher.service.d", exist_ok=True)
        shutil.copy(f"{PACKAGING}/berth-launcher-broker.conf",
                    "/etc/systemd/system/berth-launcher.service.d/broker.conf")
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "berth-launcher.service")
        self.answered()
        run(*add)
        volume = run("berth", "volume", "alloc", "thin", "100", "16M")
        path = run("berth", "volume", "path", volume)
        run("lvchange", "-ay", "-K", path)
        with open(path, "r+b") as device:
            device.write(b"through the units")
        run("lvchange", "-an", path)
        run("berth", "snapshot", "create", volume, "first")
        run("berth", "export", volume, "raw+size", "/run/exported.thin", "--digest", "sha256")
        with open("/run/exported.thin", "rb") as file:
            self.assertEqual(file.read(25)[8:], b"through the units")
        copy = run("berth", "import", "thin", "raw+size", "/run/exported.thin", "--vmid", "101")
        self.assertEqual(self.volumes("thin"), {volume, copy})

        run("systemctl", "restart", "berthd.service")
        self.answered()
        self.assertEqual(self.listed("thin"), {volume, copy})
        run("berth", "snapshot", "delete", volume, "first")
        for gone in (volume, copy):
            run("berth", "volume", "free", gone)
        self.assertEqual(run("lvs", "--noheadings", "-o", "lv_name", "unitvg").split(), ["thin"])

    def test_3_the_streams_of_snapshots_pass_with_the_drop_in(self):
        volume = run("berth", "volume", "alloc", "one", "100", "16M")
        self.filled(volume, os.urandom(1 << 20), "s1")
        run("berth", "export", volume, "btrfs", "/run/whole.btrfs", "--snapshot", "s1", "--digest", "sha256")
        with open("/run/whole.btrfs", "rb") as file:
            self.assertEqual(file.read(12), b"btrfs-stream")
        copy = run("berth", "import", "two", "btrfs", "/run/whole.btrfs", "--vmid", "100", "--snapshot", "s1")
        self.assert_equal_volumes(volume, copy)
        self.filled(volume, b"changed", "s2")
        # From storage to storage, and only what came after the first.
        run("berth", "volume", "copy", volume, "two", "--name", copy.split(":", 1)[1], "--snapshot", "s2", "--base", "s1")
        self.assert_equal_volumes(volume, copy)
        run("berth", "export", volume, "btrfs", "/run/changes.btrfs", "--snapshot", "s2", "--base", "s1")
        self.assertLess(os.path.getsize("/run/changes.btrfs") * 4, os.path.getsize("/run/whole.btrfs"))
        # One that is cut leaves nothing.
        with open("/run/whole.btrfs", "r+b") as file:
            file.truncate(os.path.getsize("/run/whole.btrfs") // 2)
        before = self.volumes("two")
        with self.assertRaises(AssertionError):
            run("berth", "import", "two", "btrfs", "/run/whole.btrfs", "--vmid", "101", "--snapshot", "s1")
        self.assertEqual(self.volumes("two"), before)

    def test_4_plugins_are_gone_with_the_daemon(self):
        run("systemctl", "stop", "berthd.service")
        self.assertEqual(self.state("Result"), "success")
        end = time.monotonic() + 20
        while time.monotonic() < end and run("pgrep", "-f", "^/usr/bin/python3.*/plugin/", check=False):
            time.sleep(0.2)
        self.assertEqual(run("pgrep", "-f", "^/usr/bin/python3.*/plugin/", check=False), "")


if __name__ == "__main__":
    guest.main()
