# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The `nfs` plugin: the host's mount is a plain directory here, the server a socket that speaks enough RPC. A real
export is mounted in the guest (Tests/Guest)."""

import os
import random
import socket
import struct
import threading
import time
import unittest

from harness import PluginTest, refusal


class Server:
    """Answers RPC's empty call on the NFS port of a loopback address of its own; or accepts and stays silent."""

    def __init__(self):
        self.address = f"127.77.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.listener = socket.create_server((self.address, 2049))
        self.silent, self.calls, self.held = False, [], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            data = connection.recv(4096)
            self.calls.append(data)
            if self.silent:
                self.held.append(connection)
                continue
            answer = data[4:8] + struct.pack(">IIIII", 1, 0, 0, 0, 0)
            connection.sendall(struct.pack(">I", 0x80000000 | len(answer)) + answer)
            connection.close()

    def close(self):
        if self.listener.fileno() >= 0:
            # Closing alone would not wake the thread that accepts.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


class Nfs(PluginTest):
    plugin = "nfs"

    def setUp(self):
        super().setUp()
        self.server, self.mounts, self.requests, self.busy = Server(), {}, [], False
        self.addCleanup(self.server.close)
        self.scfg = {"server": self.server.address, "export": "/srv/vm", "options": "vers=4.2,soft"}

    def host(self, method, params):
        self.requests.append((method, params))
        if method == "host.mount":
            if params["source"] != f"{self.server.address}:/srv/vm":
                raise refusal("HOST_DENIED", "that source is not granted")
            self.mounts["m1"] = self.root
            return {"mount": "m1", "path": self.root}
        if method == "host.unmount":
            if self.busy:
                raise refusal("VOLUME_BUSY", "the mount is in use")
            del self.mounts[params["mount"]]
            return {}
        raise refusal("HOST_DENIED", f"{method} is not granted")

    def open(self, **options):
        session = super().open(host=self.host, **options)
        session.scfg.pop("path")
        return session

    def test_what_the_host_is_asked_for(self):
        session = self.open(activate=False)
        self.assertEqual(session.do("check_connection"), {"connected": True})
        self.refused("STORAGE_NOT_ACTIVE", session.do, "list_images")
        self.assertEqual(session.do("status")["active"], False)
        session.do("activate_storage")
        method, params = self.requests[0]
        self.assertEqual((method, params["kind"], params["source"], params["options"], params["access"]),
                         ("host.mount", "nfs", f"{self.server.address}:/srv/vm", {"vers": "4.2", "soft": ""}, "rw"))
        self.assertTrue(session.do("status")["active"])
        session.do("deactivate_storage")
        self.assertEqual(self.mounts, {})
        self.refused("STORAGE_NOT_ACTIVE", session.do, "list_images")

    def test_then_it_is_a_directory(self):
        session, volname = self.open(), "100/vm-100-disk-0.qcow2"
        session.do("alloc_image", vmid=100, format="qcow2", volname=volname, size=1 << 20)
        self.assertEqual(session.do("path", volname=volname)["path"],
                         os.path.join(self.root, "images/100/vm-100-disk-0.qcow2"))
        session.do("volume_snapshot", volname=volname, snapname="s")
        data = self.exported(session, volname, "raw+size")
        self.assertEqual(self.imported(session, "101/vm-101-disk-0.raw", "raw+size", data)["bytes"], len(data))
        self.assertEqual([entry["volname"] for entry in session.do("list_images")["volumes"]],
                         [volname, "101/vm-101-disk-0.raw"])
        session.do("free_image", volname=volname)
        self.assertEqual(session.do("parse_volname", volname=volname)["parts"]["format"], "qcow2")

    def test_a_new_process_lets_go_of_the_old_ones_mount(self):
        self.open().kill()
        self.assertEqual(list(self.mounts), ["m1"])
        session = self.open(activate=False)
        self.busy = True
        self.refused("VOLUME_BUSY", session.do, "deactivate_storage")
        self.busy = False
        for _ in range(2):
            session.do("deactivate_storage")
        self.assertEqual(self.mounts, {})

    def test_a_silent_server_is_told_in_time(self):
        session = self.open()
        self.server.silent = True
        begin = time.monotonic()
        self.assertEqual(session.do("check_connection"), {"connected": False})
        self.assertEqual(session.do("status")["active"], False)
        self.refused("STORAGE_UNAVAILABLE", session.do, "activate_storage", outcome="not_started")
        self.assertLess(time.monotonic() - begin, 30)
        self.server.close()
        self.assertEqual(session.do("check_connection"), {"connected": False})

    def test_configurations(self):
        session = self.open(activate=False)
        for field, value in (("server", "-x"), ("server", "a b"), ("server", "a,b"), ("export", "srv"),
                             ("export", "/a/../b"), ("export", "/a\n"), ("export", "/a,b"), ("export", "/*"),
                             ("options", "vers=4.2,-o evil"),
                             ("options", "=x")):
            session.scfg = {"type": "nfs", **self.scfg, field: value}
            error = self.refused("CONFIG_INVALID", session.do, "check_config")
            self.assertEqual(error.data.get("field"), f"/{field}")
        session.scfg = {"type": "nfs", **self.scfg, "export": "/other"}
        self.refused("HOST_DENIED", session.do, "activate_storage")


if __name__ == "__main__":
    unittest.main()
