# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth's systemd units: how exposed they are, and a storage served by them, with an unprivileged berthd."""

import os
import re
import shutil
import time
import unittest

import guest
from guest import run

ROOT = open("/berth/root", encoding="utf-8").read().strip()
PACKAGING = f"{ROOT}/packaging"


def exposure(unit):
    out = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"{PACKAGING}/{unit}")
    return float(re.search(r"Overall exposure level for .*: ([0-9.]+) ", out)[1])


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
                               (f"{PACKAGING}/berthd.service", "/etc/systemd/system/berthd.service"),
                               (f"{PACKAGING}/berth-launcher.service", "/etc/systemd/system/berth-launcher.service"),
                               (f"{PACKAGING}/berth.sysusers", "/usr/lib/sysusers.d/berth.conf"),
                               (f"{PACKAGING}/berth.tmpfiles", "/usr/lib/tmpfiles.d/berth.conf")):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
        shutil.copytree("/berth/plugins", "/usr/lib/berth/plugins", dirs_exist_ok=True)
        os.makedirs("/var/lib/vz", exist_ok=True)
        run("systemd-sysusers", "berth.conf")
        run("systemd-tmpfiles", "--create", "berth.conf")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "berthd.service")

    @classmethod
    def tearDownClass(cls):
        run("systemctl", "stop", "berthd.service", "berth-launcher.service", check=False)

    def state(self, what):
        return run("systemctl", "show", "--property", what, "--value", "berthd.service")

    def test_a_storage_is_served_without_privilege(self):
        end = time.monotonic() + guest.PATIENCE
        while True:
            try:
                run("berth", "daemon", "status")
                break
            except AssertionError as error:
                if time.monotonic() > end:
                    log = run("journalctl", "--no-pager", "-n", "40", check=False)
                    raise AssertionError(f"{error}\n{log}") from None
                time.sleep(1)
        pid = self.state("MainPID")
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertNotIn("0", status["Uid"].split("\t"))
        for capabilities in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh"):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        run("berth", "storage", "add", "directory", "local", "--option", "path=/var/lib/vz", "--consent")
        volume = run("berth", "volume", "alloc", "local", "100", "8M", "--format", "qcow2")
        self.assertTrue(os.path.isfile(f"/var/lib/vz/images/{volume.removeprefix('local:')}"))
        run("berth", "snapshot", "create", volume, "s")
        run("berth", "export", volume, "raw+size", "/run/exported", "--digest", "sha256")
        self.assertEqual(os.path.getsize("/run/exported"), (8 << 20) + 8)
        copy = run("berth", "import", "local", "raw+size", "/run/exported", "--vmid", "101")
        run("berth", "volume", "free", volume, copy)
        # The plugin does not run in berthd's control group, and is gone with it.
        run("systemctl", "stop", "berthd.service")
        self.assertEqual(self.state("Result"), "success")
        end = time.monotonic() + 20
        while time.monotonic() < end and run("pgrep", "-f", "/plugin/directory.py", check=False):
            time.sleep(0.2)
        self.assertEqual(run("pgrep", "-f", "/plugin/directory.py", check=False), "")


if __name__ == "__main__":
    guest.main()
