# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The wire as the Python kit speaks it: framing, limits, cancel, deadlines, keys, tokens, the end."""

import json
import os
import time
import unittest

from harness import PATIENCE, Fifo, PluginTest

MIB = 1 << 20


class Wire(PluginTest):
    def raw_answer(self, session, data):
        """The unsolicited answer (id null) to a line that is no request."""
        count = len(session.unsolicited)
        session.send_line(data)
        end = time.monotonic() + PATIENCE
        while len(session.unsolicited) == count:
            self.assertLess(time.monotonic(), end, f"no answer to {data[:60]!r}")
            time.sleep(0.005)
        return session.unsolicited[-1]["error"]

    def test_bad_lines(self):
        session = self.open()
        for line, symbol in (
                (b"nonsense\n", "PARSE_ERROR"), (b"Content-Length: 5\n", "PARSE_ERROR"), (b"[]\n", "INVALID_REQUEST"),
                (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"status"}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":"\\u0000"}}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":"\\ud800"}}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":"\xff"}}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":1e400000}}\n', None),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":NaN}}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":{"a":9223372036854775808}}\n', "PARSE_ERROR"),
                (b'{"jsonrpc":"2.0","id":9,"method":"status","params":' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}\n",
                 "PARSE_ERROR"),
                (b"[" * 100000 + b"\n", "PARSE_ERROR"),
                (b'{"jsonrpc":"1.0","id":9,"method":"status"}\n', "INVALID_REQUEST"),
                (b'{"jsonrpc":"2.0","id":"x","method":"status"}\n', "INVALID_REQUEST"),
                (b'{"jsonrpc":"2.0","id":null,"method":"status"}\n', "INVALID_REQUEST"),
                (b'{"jsonrpc":"2.0","id":1.5,"method":"status"}\n', "INVALID_REQUEST"),
                (b'{"jsonrpc":"2.0","id":9,"method":5}\n', "INVALID_REQUEST"),
                (b'"' + b"x" * (5 * MIB) + b'"\n', "MESSAGE_TOO_LARGE")):
            if symbol is None:
                continue
            with self.subTest(line[:60]):
                self.assertEqual(self.raw_answer(session, line)["data"]["symbol"], symbol)
        self.assertTrue(session.do("status")["active"])

    def test_bytes_may_come_in_any_portions(self):
        session = self.open()
        pending = session.start("status", storeid="store", scfg=session.scfg)
        pending.result()
        session.next += 1
        from harness import Pending
        slow = session.pending[session.next] = Pending(session, session.next)
        line = json.dumps({"jsonrpc": "2.0", "id": slow.id, "method": "status", "params": {
            "storeid": "store", "scfg": session.scfg, "unknown": 2**53 + 1}}).encode() + b"\r\n\n"
        for index in range(0, len(line), 7):
            session.send_line(line[index:index + 7])
        self.assertTrue(slow.result()["active"])

    def test_lifecycle(self):
        session = self.open(activate=False, initialize=False)
        self.refused("NOT_INITIALIZED", session.call, "status")
        ask = {"profiles": {}, "host": {"name": "t", "version": "1", "node": "n"}, "hostServices": [], "limits": {},
               "streams": ["fifo"], "session": {"id": "s", "epoch": 1}, "stateDir": self.state}
        error = self.refused("UNSUPPORTED_PROTOCOL", session.call, "initialize",
                             protocol={"min": "2.0", "max": "3.1"}, **ask)
        self.assertIn("upgrade the plugin", error.error["message"])
        facts = session.call("initialize", protocol={"min": "0.9", "max": "7.0"}, future={"x": 1}, **ask)
        self.assertEqual(facts["protocol"], "1.0")
        for member in ("methods", "concurrency", "fencing"):
            self.assertEqual(facts[member], session.manifest[member])
        self.refused("INVALID_REQUEST", session.call, "initialize", protocol={"min": "1.0", "max": "1.0"}, **ask)
        self.refused("METHOD_NOT_FOUND", session.call, "no_such_method")
        self.refused("UNSUPPORTED_FEATURE", session.do, "status", {"require": ["org.example.unheard"]})
        self.assertEqual(session.call("shutdown"), {})
        self.refused("SHUTTING_DOWN", session.do, "status")
        self.assertLess(session.close(), 5)
        self.assertEqual(session.process.returncode, 0)

    def test_every_declared_method_is_there(self):
        for plugin in ("directory", "minimal"):
            self.plugin = plugin
            session = self.open()
            for method in session.manifest["methods"]:
                try:
                    session.call(method, storeid="store")
                except Exception as error:
                    self.assertNotEqual(error.symbol, "METHOD_NOT_FOUND", method)
                    self.assertNotEqual(error.symbol, "INTERNAL_ERROR", method)

    def test_end_of_input_during_work(self):
        session, volname = self.open(), "100/vm-100-disk-0.raw"
        before = self.tree()
        session.storage("volume_import", volname=volname, format="raw+size", stream=self.endless())
        self.assertLess(session.close(), 5)
        self.assertEqual(self.tree(), before)

    def endless(self):
        """A stream that never comes to its end: the writer holds it open."""
        path = os.path.join(self.folder, "endless")
        os.mkfifo(path)
        fd = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, fd)
        os.write(fd, (64 * MIB).to_bytes(8, "little") + bytes(1000))
        return {"id": "s", "path": path}

    def test_cancel_and_deadline(self):
        session, before = self.open(), self.tree()
        for form in ("raw", "qcow2"):
            pending = session.storage("volume_import", volname=f"100/vm-100-disk-0.{form}", format="raw+size",
                                      stream=self.endless())
            time.sleep(0.3)
            pending.cancel()
            self.refused("CANCELLED", pending.result, outcome="rolled_back")
            self.assertEqual(self.tree(), before)
            os.unlink(os.path.join(self.folder, "endless"))
        self.refused("DEADLINE_EXCEEDED", session.do, "volume_import", {"timeoutMs": 300},
                     volname="100/vm-100-disk-0.raw", format="raw+size", stream=self.endless(), outcome="rolled_back")
        self.assertEqual(self.tree(), before)
        session.notify("$/cancel", {"id": 99999})
        session.notify("$/cancel", {"id": {}})
        session.notify("unknown/notification", {})
        self.assertTrue(session.do("status")["active"])

    def test_nobody_opens_the_stream(self):
        session = self.open()
        session.do("alloc_image", vmid=1, format="raw", volname="1/vm-1-disk-0.raw", size=MIB)
        path = os.path.join(self.folder, "lonely")
        os.mkfifo(path)
        pending = session.storage("volume_export", volname="1/vm-1-disk-0.raw", format="raw+size",
                                  stream={"id": "s", "path": path})
        self.assertTrue(session.do("status")["active"])
        pending.cancel()
        self.refused("CANCELLED", pending.result, outcome="not_started")
        for wrong in (self.root, os.path.join(self.folder, "absent"), "/etc/hostname"):
            with self.assertRaises(Exception) as caught:
                session.do("volume_export", volname="1/vm-1-disk-0.raw", format="raw+size",
                           stream={"id": "s", "path": wrong})
            self.assertEqual(caught.exception.outcome, "not_started")

    def test_progress(self):
        session, volname = self.open(), "1/vm-1-disk-0.raw"
        session.do("alloc_image", vmid=1, format="raw", volname=volname, size=64 * MIB)

        def slowly():
            yield (32 * MIB).to_bytes(8, "little")
            for _ in range(32):
                time.sleep(0.03)
                yield bytes(MIB)
        fifo = Fifo(self.folder, feed=slowly())
        pending = session.storage("volume_import", {"progress": True}, volname="2/vm-2-disk-0.raw", format="raw+size",
                                  stream=fifo.params())
        pending.result()
        fifo.finish()
        notes = [note["params"] for note in session.notes if note["method"] == "$/progress"]
        self.assertTrue(notes)
        self.assertTrue(all(note["id"] == pending.id and note["total"] == 32 * MIB for note in notes))
        done = [note["done"] for note in notes]
        self.assertEqual(done, sorted(set(done)))

    def test_idempotency_keys(self):
        session, volname = self.open(), "100/vm-100-disk-0.qcow2"
        ask = dict(vmid=100, format="qcow2", volname=volname, size=MIB)
        first = session.do("alloc_image", {"idempotencyKey": "k1"}, **ask)
        self.assertEqual(session.do("alloc_image", {"idempotencyKey": "k1"}, **ask), first)
        self.refused("IDEMPOTENCY_CONFLICT", session.do, "alloc_image", {"idempotencyKey": "k1"}, **{**ask, "size": 1})
        self.refused("VOLUME_EXISTS", session.do, "alloc_image", {"idempotencyKey": "k2"}, **ask)
        session.close()
        session = self.open()
        self.assertEqual(session.do("alloc_image", {"idempotencyKey": "k1"}, **ask), first)
        pending = session.storage("volume_import", {"idempotencyKey": "k3"}, volname="1/vm-1-disk-0.raw",
                                  format="raw+size", stream=self.endless())
        time.sleep(0.3)
        self.refused("IN_PROGRESS", session.do, "volume_import", {"idempotencyKey": "k3"}, volname="1/vm-1-disk-0.raw",
                     format="raw+size", stream={"id": "other", "path": "/x"})
        pending.cancel()
        self.refused("CANCELLED", pending.result)
        data = (512).to_bytes(8, "little") + b"x" * 512
        result = self.imported(session, "1/vm-1-disk-0.raw", "raw+size", data, "crc32", {"idempotencyKey": "k3"})
        again = session.do("volume_import", {"idempotencyKey": "k3"}, volname="1/vm-1-disk-0.raw", format="raw+size",
                           stream={"id": "other", "path": "/x"}, digest="crc32")
        self.assertEqual(again, result)

    def test_fencing(self):
        session, ask = self.open(), dict(vmid=1, format="raw", size=512)
        lock = {"name": "storage/other", "scope": "storage", "ttlMs": 1000}
        session.do("alloc_image", {"lock": {**lock, "token": 2**53 + 1}}, volname="1/a.raw", **ask)
        session.do("alloc_image", {"lock": {**lock, "token": 2**53 + 1}}, volname="1/b.raw", **ask)
        error = self.refused("STALE_FENCE", session.do, "alloc_image", {"lock": {**lock, "token": 2**53}},
                             volname="1/c.raw", **ask, outcome="not_started")
        self.assertEqual(error.data["seen"], 2**53 + 1)
        session.kill()
        session = self.open()
        self.refused("STALE_FENCE", session.do, "alloc_image", {"lock": {**lock, "token": 2**53}}, volname="1/c.raw",
                     **ask, outcome="not_started")

    def test_stray_output_stays_off_the_wire(self):
        session = self.open()
        self.assertEqual(session.unsolicited, [])
        # Every line read so far was a JSON message, or the reader would have died.
        self.assertTrue(session.reader.is_alive())


if __name__ == "__main__":
    unittest.main()
