# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Berth's systemd units: how exposed they are, and a storage served by them, with an unprivileged berthd."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import guest
from guest import run

ROOT = open("/berth/root", encoding="utf-8").read().strip()
PACKAGING = f"{ROOT}/packaging"


PLUGINS = "/usr/lib/berth/plugins"
# Addresses of "another machine": this one's loopback device has them.
FAR = ("10.9.8.7", "fd00:9:8::7")
# Says its name at each place, whenever its storage is activated.
CALLER = """def activate_storage(call):
    import socket
    for place in {places}:
        try:
            with socket.create_connection(place, timeout=10) as connection:
                connection.sendall("{name}".encode())
        except OSError as error:
            raise PluginError("INTERNAL", f"{{place}}: {{error}}") from None
"""


def planted(name, permissions=None, **change):
    """The sample plugin `minimal` under another name, with more permissions and other words in its program."""
    place = f"{PLUGINS}/{name}"
    shutil.copytree(f"{PLUGINS}/minimal", place)
    with open(f"{place}/minimal.py", encoding="utf-8") as file:
        program = file.read()
    for old, new in change.items():
        program = program.replace(f"def {old}(call):\n", new)
    with open(f"{place}/minimal.py", "w", encoding="utf-8") as file:
        file.write(program)
    with open(f"{place}/manifest.json", encoding="utf-8") as file:
        manifest = json.load(file)
    manifest["id"], manifest["storageTypes"][0]["type"] = f"org.berth.test.{name}", name
    manifest["sha256"] = hashlib.sha256(program.encode()).hexdigest()
    manifest["permissions"].update(permissions or {})
    with open(f"{place}/manifest.json", "w", encoding="utf-8") as file:
        json.dump(manifest, file)
    os.makedirs(f"/var/lib/vz/{name}", exist_ok=True)
    run("berth", "plugin", "rescan", check=False)  # which fails for `linked`, as it must


def added(name):
    return run("berth", "storage", "add", name, name, "--option", f"path=/var/lib/vz/{name}", "--consent")


class Listener:
    """Collects what is said at one address."""

    def __init__(self, address):
        self.heard = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, 0), family=family)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            connection, _ = self.socket.accept()
            with connection:
                self.heard.append(connection.recv(100).decode())

    def hears(self, what, within=20):
        end = time.monotonic() + within
        while what not in self.heard and time.monotonic() < end:
            time.sleep(0.1)
        return what in self.heard


def journal():
    return run("journalctl", "--no-pager", "-n", "60", "_TRANSPORT=stdout", "+", "_PID=1", check=False)


class Exposure(unittest.TestCase):
    def test_the_units_are_no_more_exposed_than_they_may_be(self):
        run(f"{ROOT}/scripts/check-exposure")


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
        shutil.copytree("/berth/plugins", PLUGINS, dirs_exist_ok=True)
        os.makedirs(f"{PLUGINS}/linked")
        os.symlink("../minimal/manifest.json", f"{PLUGINS}/linked/manifest.json")
        run("chmod", "-R", "u=rwX,go=rX", "/usr/lib/berth", "/usr/libexec/berth")
        os.makedirs("/var/lib/vz", exist_ok=True)
        for address in FAR:
            run("ip", "address", "add", address, "dev", "lo")
        with open("/etc/hosts", "a", encoding="utf-8") as file:
            file.write(f"{FAR[0]} array.example\n")
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

    def test_1_of_what_is_read_only_one_file_may_be_written(self):
        """What the launcher's unit does with vm.memfd_noexec, with a setting that every kernel has."""
        with open("/run/systemd/system/one-setting.service", "w", encoding="utf-8") as file:
            file.write("""[Service]
Type=oneshot
ProtectKernelTunables=yes
ReadWritePaths=-/proc/sys/vm/swappiness -/proc/sys/vm/no_such_setting
ExecStart=/bin/sh -c 'echo 60 >/proc/sys/vm/swappiness && ! echo 0 >/proc/sys/vm/laptop_mode'
""")
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "one-setting.service")

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
        manifest = f"{PLUGINS}/directory/manifest.json"
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
            os.rename(f"{PLUGINS}/minimal", "/usr/lib/berth/minimal")
            reloaded("9.9.9", "version=9.9.9")
            self.assertNotIn("org.berth.sample.minimal", run("berth", "plugin", "list"))
        finally:
            with open(manifest, "w", encoding="utf-8") as file:
                file.write(text)
            if os.path.exists("/usr/lib/berth/minimal"):
                os.rename("/usr/lib/berth/minimal", f"{PLUGINS}/minimal")
        reloaded(version, "earlier=9.9.9")
        self.assertIn("org.berth.sample.minimal", run("berth", "plugin", "list"))

    def test_2_granted_endpoints_are_reached_by_name_and_by_address(self):
        named, four, six = Listener(FAR[0]), Listener(FAR[0]), Listener(FAR[1])
        places = [("array.example", named.port), (FAR[0], four.port), (FAR[1], six.port)]
        planted("reaches", {"net": {"endpoints": [
            {"host": host, "port": port, "reason": "where the storage is"} for host, port in places]}},
                activate_storage=CALLER.format(places=places, name="reaches"))
        added("reaches")
        self.assertEqual(self.volumes("reaches"), set())
        for listener in (named, four, six):
            self.assertTrue(listener.hears("reaches"), listener.socket)

    def test_2_the_host_network_is_refused_where_the_launcher_has_none(self):
        type(self).far = Listener(FAR[0])
        planted("roams", {"net": {"host": {"reason": "tries everything"}}},
                activate_storage=CALLER.format(places=[(FAR[0], self.far.port)], name="roams"))
        with self.assertRaises(AssertionError) as caught:
            added("roams")
        self.assertIn("the launcher has a network of its own", str(caught.exception))
        self.assertIn("berth-launcher-broker.conf", str(caught.exception))
        self.assertEqual(self.far.heard, [])

    def test_2_a_kept_copy_serves_when_the_bundle_is_broken(self):
        planted("kept")
        added("kept")
        volume = run("berth", "volume", "alloc", "kept", "100", "1M")
        end = time.monotonic() + guest.PATIENCE
        while not os.path.exists("/var/lib/berth/bundles/org.berth.test.kept/good.json"):
            self.assertLess(time.monotonic(), end, "no copy is kept")
            time.sleep(0.2)
        with open(f"{PLUGINS}/kept/minimal.py", "w", encoding="utf-8") as file:
            file.write("#!/bin/false\n")
        run("systemctl", "restart", "berth-launcher.service")
        self.assertEqual(self.listed("kept"), {volume})
        self.assertIn("kept", run("berth", "plugin", "rescan", check=False))
        self.assertEqual(self.listed("kept"), {volume})

    def test_2_the_state_of_a_plugin_has_a_size(self):
        self.listed("local")
        self.assertIn("/var/lib/berth/", run("losetup", "--list", "--noheadings", "--output", "BACK-FILE"))

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

    def test_3_the_host_network_is_the_hosts_with_the_drop_in(self):
        added("roams")
        self.assertEqual(self.volumes("roams"), set())
        self.assertTrue(self.far.hears("roams"))

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


# What `short` runs: that the units serve at all, and what only a launcher in its unit can get wrong.
SHORT = (
    "test_1_a_storage_is_served_without_privilege", "test_2_granted_endpoints_are_reached_by_name_and_by_address",
    "test_2_the_host_network_is_refused_where_the_launcher_has_none", "test_2_a_kept_copy_serves_when_the_bundle_is_broken",
    "test_2_the_state_of_a_plugin_has_a_size", "test_4_plugins_are_gone_with_the_daemon",
)

if __name__ == "__main__":
    guest.main(SHORT if "short" in sys.argv else ())
