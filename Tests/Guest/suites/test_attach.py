# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""What the host attaches and mounts for a sandboxed plugin, from servers of this same kernel: disks by iSCSI and NVMe
over TCP, an SMB share, file systems in files. What anybody else attached is not touched."""

import glob
import os
import shutil
import subprocess
import time
import uuid

import guest
from guest import run

IMAGES, WORK = "/berth/images", "/berth/attach"
IQN, LOCKED = "iqn.2026-01.org.example:open", "iqn.2026-01.org.example:locked"
NQN = "nqn.2026-01.org.example:disk"
TARGETS, NVMET = "/sys/kernel/config/target", "/sys/kernel/config/nvmet"
PORTAL, PORTS = "127.0.0.1:3260", ("127.0.0.1:4420", "127.0.0.1:4421")
CHAP = "guest one-secret-to-log-in"
SMB_USER, SMB_PASSWORD = "keeper", "one-secret-to-share"
SMB = f"""
[global]
server role = standalone server
load printers = no
disable spoolss = yes
host msdfs = yes
smb ports = 445
interfaces = lo
bind interfaces only = yes
log file = {WORK}/smbd.log
[share]
path = {WORK}/share
read only = no
force user = root
[elsewhere]
path = {WORK}/share
msdfs root = yes
msdfs proxy = \\\\127.0.0.1\\share
"""


def put(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def get(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def image(path, fs, size):
    with open(path, "wb") as file:
        file.truncate(size << 20)
    # Blocks as large as the NVMe target's sectors.
    run(f"mkfs.{fs}", "-q", *(("-b", "4096") if fs == "ext4" else ()), path)
    return path


def iscsi_target(iqn, names, login=None):
    """The kernel's own target; answers with what its disks call themselves."""
    group = f"{TARGETS}/iscsi/{iqn}/tpgt_1"
    os.makedirs(group)
    os.mkdir(f"{group}/np/{PORTAL}")
    serials = []
    for number, name in enumerate(names):
        path = image(f"{WORK}/{name}.img", "ext4", 64)
        disk = f"{TARGETS}/core/fileio_{number}/{name}"
        os.makedirs(disk)
        put(f"{disk}/control", f"fd_dev_name={path},fd_dev_size={64 << 20},fd_buffered_io=1")
        serials.append(str(uuid.uuid4()))
        put(f"{disk}/wwn/vpd_unit_serial", serials[-1])
        put(f"{disk}/enable", "1")
        os.mkdir(f"{group}/lun/lun_{number}")
        os.symlink(disk, f"{group}/lun/lun_{number}/disk")
    for key, value in (("generate_node_acls", 1), ("demo_mode_write_protect", 0), ("authentication", int(bool(login)))):
        put(f"{group}/attrib/{key}", str(value))
    if login:
        put(f"{group}/auth/userid", login.split()[0])
        put(f"{group}/auth/password", login.split()[1])
    put(f"{group}/enable", "1")
    return ["naa.6001405" + serial.replace("-", "")[:25] for serial in serials]


def nvme_target():
    system = f"{NVMET}/subsystems/{NQN}"
    os.makedirs(system)
    put(f"{system}/attr_allow_any_host", "1")
    idents = [str(uuid.uuid4()) for _ in range(2)]
    for number, ident in enumerate(idents, 1):
        namespace = f"{system}/namespaces/{number}"
        os.mkdir(namespace)
        put(f"{namespace}/device_path", image(f"{WORK}/nvme{number}.img", "ext4", 64))
        put(f"{namespace}/device_uuid", ident)
        put(f"{namespace}/enable", "1")
    for number, portal in enumerate(PORTS, 1):
        port = f"{NVMET}/ports/{number}"
        os.mkdir(port)
        for key, value in (("adrfam", "ipv4"), ("trtype", "tcp"), ("traddr", portal.split(":")[0]),
                           ("trsvcid", portal.split(":")[1])):
            put(f"{port}/addr_{key}", value)
        os.symlink(system, f"{port}/subsystems/{NQN}")
    return [f"uuid.{ident}" for ident in idents]


def sessions():
    """The iSCSI sessions of this host, by target."""
    return sorted(get(f"{path}/targetname") for path in glob.glob("/sys/class/iscsi_session/session*"))


def controllers():
    """The ports of the NVMe controllers that are reached over TCP."""
    found = [get(f"{path}/address") for path in glob.glob("/sys/class/nvme/nvme*") if get(f"{path}/transport") == "tcp"]
    return sorted(dict(part.split("=") for part in text.split(","))["trsvcid"] for text in found)


def connect(portal):
    """An administrator's own NVMe connection; ends with what it answers."""
    address, port = portal.split(":")
    fd = os.open("/dev/nvme-fabrics", os.O_RDWR)
    os.write(fd, f"nqn={NQN},transport=tcp,traddr={address},trsvcid={port}".encode())
    instance = os.read(fd, 100).decode().split(",")[0].split("=")[1]
    os.close(fd)
    return lambda: put(f"/sys/class/nvme/nvme{instance}/delete_controller", "1")


def own_disk():
    """The identity of a disk of this machine's own."""
    return get("/sys/block/nvme0n1/wwid")


def mounts():
    with open("/proc/mounts", encoding="utf-8") as file:
        return [line.split() for line in file if f"{WORK}/run/" in line]


def holding():
    """What berthd has mounted for plugins besides the places for that."""
    return [line for line in mounts() if "/mounts/mnt-" in line[1]]


class Attach(guest.StorageTest):
    @classmethod
    def setUpClass(cls):
        for path in (IMAGES, WORK, f"{WORK}/share"):
            os.makedirs(path, exist_ok=True)
        run("modprobe", "-a", "target_core_mod", "target_core_file", "iscsi_target_mod", "iscsi_tcp", "nvmet-tcp",
            "nvme-tcp", "sd_mod", "cifs")
        os.makedirs("/run/lock", exist_ok=True)  # the iSCSI tool's
        if not os.path.exists(TARGETS):
            run("mount", "-t", "configfs", "none", "/sys/kernel/config")
        cls.open, cls.open_too = iscsi_target(IQN, ("open", "open-too"))
        cls.locked, = iscsi_target(LOCKED, ("locked",), CHAP)
        cls.nvme, cls.nvme_too = nvme_target()
        put("/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.2026-01.org.example:guest\n")
        run("iscsid")
        put("/etc/samba/smb.conf", SMB)
        run("useradd", "--no-create-home", SMB_USER)
        run("smbpasswd", "-a", "-s", SMB_USER, stdin=None, input=f"{SMB_PASSWORD}\n" * 2)
        run("smbd", "-D")
        cls.host = guest.Host("attach", "/berth/test-plugins")
        cls.host.start()

    def tearDown(self):
        """No test leaves anything to the next."""
        for name in self.storages():
            self.host.ask("storage", "remove", name)

    def storages(self):
        return [item["storeid"] for item in self.host.items("storage", "list")[0]["items"]]

    def add(self, name, secret=None, **options):
        filled = {"protocol": "none", "portals": "none", "target": "none", "kind": "device", "source": "none", **options}
        arguments = ["storage", "add", "attach", name, "--consent"]
        for key, value in filled.items():
            for one in value if isinstance(value, tuple) else (value,):
                arguments += ["--option", f"{key}={one}"]
        if secret is not None:
            put("/run/secret", secret)
            arguments += ["--secret", "login=@/run/secret"]
        return arguments

    def iscsi(self, name, target=IQN, wwid=None, secret=None, **more):
        login = ",login" if secret is not None else ""
        return self.add(name, secret, protocol="iscsi", portals=PORTAL, target=target, wwid=wwid or self.open,
                        options=f"fs=ext4{login}", **more)

    def over_nvme(self, name, portal=PORTS[0], wwid=None, **more):
        return self.add(name, protocol="nvme-tcp", portals=portal, target=NQN, wwid=wwid or self.nvme,
                        **{"options": "fs=ext4", **more})

    def take(self, arguments):
        """Adds a storage and uses it: what it was tried with while it was added is let go of by then."""
        self.host.berth(*arguments)
        return self.host.volumes(arguments[3])

    def gone(self, what, wanted=()):
        """Detached, as soon as the kernel is through with it."""
        end = time.monotonic() + 30
        while what() != list(wanted) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(what(), list(wanted))

    def check_data(self, name, arguments):
        """Writes through the plugin, lets go, takes it again, reads: what was written is there."""
        host, data = self.host, os.urandom(1 << 20)
        self.take(arguments)
        self.assertEqual(len(holding()), 1, holding())
        mount = holding()[0]
        put_in, out = "/run/in.raw", "/run/out.raw"
        with open(put_in, "wb") as file:
            file.write(len(data).to_bytes(8, "little") + data)
        volume = host.berth("import", name, "raw+size", put_in, "--vmid", "100")
        host.berth("storage", "remove", name)
        self.gone(holding)
        self.assertEqual(self.take(arguments), [volume])
        host.berth("export", volume, "raw+size", out)
        with open(out, "rb") as file:
            self.assertTrue(file.read()[8:] == data, "other data than was written")
        host.berth("volume", "free", volume)
        host.berth("storage", "remove", name)
        self.gone(holding)
        return mount

    def test_file_systems_in_files(self):
        for fs, size in (("ext4", 64), ("xfs", 320), ("btrfs", 128)):
            with self.subTest(fs):
                path = image(f"{IMAGES}/{fs}.img", fs, size)
                mount = self.check_data(fs, self.add(fs, kind="loop", source=path, options=f"fs={fs}"))
                self.assertEqual(mount[2], fs)
                self.assertTrue({"rw", "nosuid", "nodev", "noexec"} <= set(mount[3].split(",")), mount)
                self.assertNotIn(path, run("losetup", "-a"))
                os.unlink(path)

    def test_a_share(self):
        mount = self.check_data("share", self.add("share", SMB_PASSWORD, kind="cifs", source="//127.0.0.1/share",
                                                  options=f"username={SMB_USER}"))
        self.assertEqual(mount[2], "cifs")
        self.assertNotIn(SMB_PASSWORD, f"{mount} {self.host.tail()}")
        text = self.refused(*self.add("share", "another-secret", kind="cifs", source="//127.0.0.1/share",
                                      options=f"username={SMB_USER}"))
        self.assertIn("AUTH_FAILED", text)
        self.assertEqual(holding(), [])

    def test_a_share_that_refers_to_another_server_is_not_followed(self):
        os.makedirs("/run/followed", exist_ok=True)
        source = "//127.0.0.1/elsewhere"
        # The control: without Berth's option the kernel goes where the server sends it.
        login = f"ip=127.0.0.1,username={SMB_USER},password={SMB_PASSWORD}"
        run("mount", "-t", "cifs", "-o", login, source, "/run/followed")
        run("umount", "/run/followed")
        self.refused(*self.add("share", SMB_PASSWORD, kind="cifs", source=source, options=f"username={SMB_USER}"))
        self.assertEqual(holding(), [])

    def test_iscsi(self):
        self.check_data("disk", self.iscsi("disk"))
        self.gone(sessions)

    def test_iscsi_with_a_secret(self):
        self.check_data("disk", self.iscsi("disk", LOCKED, self.locked, CHAP, lun=0))
        self.gone(sessions)
        # It is in no file of the tool's and in no log.
        for place in ("/etc/iscsi", "/var/lib/iscsi", self.host.log):
            found = subprocess.run(["grep", "-rl", CHAP.split()[1], place], stdout=subprocess.PIPE, check=False)
            self.assertEqual(found.stdout, b"")
        for wrong in ("guest another-secret", "another one-secret-to-log-in", None):
            with self.subTest(wrong):
                text = self.refused(*self.iscsi("disk", LOCKED, self.locked, wrong))
                self.assertIn("AUTH_FAILED", text)
                self.gone(sessions)
        self.assertIn("no CHAP login", self.refused(*self.iscsi("disk", LOCKED, self.locked, "oneword")))

    def test_nvme(self):
        self.check_data("disk", self.over_nvme("disk", lun=1))
        self.gone(controllers)

    def test_a_disk_that_is_not_the_targets_is_refused(self):
        self.assertTrue(own_disk())
        for arguments in (self.over_nvme("disk", wwid=own_disk()), self.iscsi("disk", wwid=own_disk()),
                          # The right disk by another number, and another target's.
                          self.over_nvme("disk", lun=2), self.iscsi("disk", lun=1),
                          self.iscsi("disk", wwid=self.locked)):
            with self.subTest(arguments):
                self.assertIn("shows no device with identity", self.refused(*arguments))
                self.gone(sessions)
                self.gone(controllers)

    def test_what_others_attached_stays(self):
        run("iscsiadm", "-m", "node", "-T", IQN, "-p", PORTAL, "-o", "new")
        run("iscsiadm", "-m", "node", "-T", IQN, "-p", PORTAL, "--login")
        ends = [connect(portal) for portal in PORTS]
        try:
            for name, arguments in (("disk", self.iscsi("disk")), ("disk", self.over_nvme("disk"))):
                self.check_data(name, arguments)
            for arguments in (self.iscsi("disk", wwid=own_disk()), self.over_nvme("disk", wwid=own_disk())):
                self.refused(*arguments)
            # Also by a daemon that finds what another had begun.
            self.take(self.over_nvme("disk"))
            self.host.kill()
            self.host.start()
            self.host.berth("storage", "remove", "disk")
            self.assertEqual(sessions(), [IQN])
            self.assertEqual(controllers(), ["4420", "4421"])
            self.assertIn(IQN, run("iscsiadm", "-m", "node"))
        finally:
            for end in ends:
                end()
            run("iscsiadm", "-m", "node", "-T", IQN, "-p", PORTAL, "--logout")
            run("iscsiadm", "-m", "node", "-T", IQN, "-p", PORTAL, "-o", "delete")
        self.gone(sessions)
        self.gone(controllers)

    def test_storages_of_one_target_do_not_cut_each_other_off(self):
        one, two = self.over_nvme("one"), self.over_nvme("two", PORTS[1], self.nvme_too)
        self.take(one)
        # The disk itself is one storage's: another would write into the same file system, by other locks.
        self.assertIn("in use", self.refused(*self.over_nvme("two", PORTS[1])))
        self.take(two)
        self.assertEqual(controllers(), ["4420", "4421"])
        self.host.berth("storage", "remove", "one")
        self.gone(controllers, ["4421"])
        self.assertEqual(self.host.volumes("two"), [])
        self.host.berth("storage", "remove", "two")
        self.gone(controllers)
        # One session for both, until the last of them goes.
        self.take(self.iscsi("one"))
        self.assertIn("in use", self.refused(*self.iscsi("two")))
        self.take(self.iscsi("two", wwid=self.open_too))
        self.assertEqual(sessions(), [IQN])
        self.host.berth("storage", "remove", "one")
        self.assertEqual(sessions(), [IQN])
        self.host.berth("storage", "remove", "two")
        self.gone(sessions)

    def test_what_is_not_offered_says_so(self):
        for arguments, said in (
                (self.add("disk", protocol="nvme-tcp", portals=PORTS[0], target=NQN, wwid=self.nvme, secret="a b",
                          options="fs=ext4,login"), "no NVMe in-band authentication"),
                (self.over_nvme("disk", PORTS), "one portal at a time"),
                (self.add("disk", protocol="nbd", portals="127.0.0.1:10809", target="a", wwid="a"), "attaches no NBD exports"),
                (self.add("disk", protocol="fc", portals="127.0.0.1:1", target="a", wwid="a"), "needs no attaching")):
            with self.subTest(said):
                self.assertIn(said, self.refused(*arguments))
        self.assertEqual((sessions(), controllers()), ([], []))

    def test_kill_9_of_the_daemon_in_the_middle(self):
        for arguments, state in ((self.iscsi("disk"), sessions), (self.over_nvme("disk"), controllers)):
            with self.subTest(state.__name__):
                child = subprocess.Popen([f"{guest.BIN}/berth", *arguments], env=self.host.environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                end = time.monotonic() + guest.PATIENCE
                while not state() and time.monotonic() < end:
                    time.sleep(0.01)
                self.host.kill()
                child.wait(guest.PATIENCE)
                self.host.start()
                if self.storages():
                    self.host.berth("storage", "remove", "disk")
                self.gone(holding)
                self.gone(state)
                # And it can be had again.
                self.check_data("disk", arguments)
                self.gone(state)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        run("pkill", "smbd", check=False)
        shutil.rmtree(IMAGES, ignore_errors=True)


if __name__ == "__main__":
    guest.main()
