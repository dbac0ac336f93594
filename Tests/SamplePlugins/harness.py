# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Drives a real plugin over pipes, as the host does: bundles, sessions, requests, FIFO streams, kills."""

import atexit
import hashlib
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 60
TOKENS = itertools.count(1)
_bundles = None


def bundles():
    """The folder of freshly made bundles, one build a test run."""
    global _bundles
    if _bundles is None:
        _bundles = tempfile.mkdtemp(prefix="berth-bundles-")
        os.chmod(_bundles, 0o755)
        subprocess.run([os.path.join(ROOT, "scripts/bundle"), "--all", _bundles], check=True,
                       stdout=subprocess.DEVNULL)
        atexit.register(shutil.rmtree, _bundles, ignore_errors=True)
    return _bundles


class Refused(Exception):
    """The error answer of a plugin."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')} {error.get('message')} {error.get('data')}")
        self.error, self.data = error, error.get("data", {})
        self.symbol, self.outcome = self.data.get("symbol"), self.data.get("outcome")


def refusal(symbol, message, number=1119, outcome="not_started"):
    return Refused({"code": number, "message": message,
                    "data": {"symbol": symbol, "outcome": outcome, "retry": {"class": "never"}}})


class Pending:
    def __init__(self, session, ident):
        self.session, self.id, self.answers = session, ident, queue.SimpleQueue()

    def result(self, timeout=PATIENCE):
        try:
            answer = self.answers.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"request {self.id} was not answered in {timeout} s") from None
        if answer is None:
            raise ConnectionError("the plugin is gone")
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def cancel(self):
        self.session.notify("$/cancel", {"id": self.id})


class Session:
    """One run of a plugin's process. `root`: its storage's path; state survives in `state`. `host(method, params)`
    answers what the plugin asks the host for, or raises Refused; `services` names what the host offers."""

    def __init__(self, name, root, state, scfg=None, initialize=True, preexec=None, host=None, services=()):
        self.host = host
        self.bundle = os.path.join(bundles(), name)
        with open(os.path.join(self.bundle, "manifest.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)
        self.scfg = {"type": self.manifest["storageTypes"][0]["type"], "path": root, **(scfg or {})}
        self.state, self.log = state, tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.path.join(self.bundle, self.manifest["executable"])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, cwd="/", env={"PATH": "/usr/bin:/bin"}, start_new_session=True, preexec_fn=preexec)
        self.next, self.pending, self.notes = 0, {}, []
        self.unsolicited, self.mutex = [], threading.Lock()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if initialize:
            self.facts = self.call("initialize", protocol={"min": "1.0", "max": "1.9"},
                                   profiles={"pve-storage": {"min": 9, "max": 15}},
                                   host={"name": "test", "version": "1", "node": "here"},
                                   hostServices=list(services),
                                   limits={"maxMessageBytes": 4 << 20}, streams=["fifo"],
                                   session={"id": "s", "epoch": 1}, storeid="store", stateDir=state)
            self.notify("initialized", {})

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if "method" in message:
                if "id" in message:
                    threading.Thread(target=self._serve, args=(message,), daemon=True).start()
                else:
                    self.notes.append(message)
                continue
            with self.mutex:
                pending = self.pending.pop(message.get("id"), None)
            if pending is None:
                self.unsolicited.append(message)
            else:
                pending.answers.put(message)
        with self.mutex:
            left, self.pending = list(self.pending.values()), None
        for pending in left:
            pending.answers.put(None)

    def _serve(self, message):
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            if self.host is None:
                raise refusal("HOST_DENIED", f"{message['method']} is not granted")
            reply["result"] = self.host(message["method"], message["params"])
        except Refused as error:
            reply["error"] = error.error
        try:
            self.send_line(json.dumps(reply).encode() + b"\n")
        except (BrokenPipeError, ValueError, OSError):
            pass  # killed meanwhile

    def send_line(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send_line(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n")

    def start(self, method, **params):
        with self.mutex:
            if self.pending is None:
                raise ConnectionError("the plugin is gone")
            self.next += 1
            pending = self.pending[self.next] = Pending(self, self.next)
        message = {"jsonrpc": "2.0", "id": pending.id, "method": method, "params": params}
        try:
            self.send_line(json.dumps(message).encode() + b"\n")
        except (BrokenPipeError, ValueError):
            raise ConnectionError("the plugin is gone") from None
        return pending

    def call(self, method, timeout=PATIENCE, **params):
        return self.start(method, **params).result(timeout)

    def storage(self, method, context=None, **params):
        """Starts a storage method with the usual members."""
        lock = {"name": "storage/store", "scope": "storage", "token": next(TOKENS), "ttlMs": 60000}
        return self.start(method, storeid="store", scfg=self.scfg,
                          context={"timeoutMs": 120000, "lock": lock, **(context or {})}, **params)

    def do(self, method, context=None, **params):
        return self.storage(method, context, **params).result()

    def kill(self):
        """kill -9 of the plugin and all its tools, as the end of its cgroup would be; waits until they are gone."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP)
            victims = descendants(self.process.pid)
            os.kill(self.process.pid, signal.SIGKILL)
            for victim in victims:
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            while any(os.path.exists(f"/proc/{victim}") and not zombie(victim) for victim in victims):
                time.sleep(0.001)
        self.process.wait()
        self.reader.join(PATIENCE)
        self._close()

    def close(self):
        """The clean end: EOF; returns the seconds until the plugin was gone."""
        begin = time.monotonic()
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self._close()
        return time.monotonic() - begin

    def _close(self):
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass
        self.log.close()

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")


class Fifo:
    """A stream's FIFO with the host's end on a thread. Collects (`read`) or feeds (`write`) bytes."""

    def __init__(self, folder, feed=None, stop_after=None):
        self.path = os.path.join(folder, f"fifo-{time.monotonic_ns()}")
        os.mkfifo(self.path, 0o600)
        self.data, self.feed, self.stop_after = bytearray(), feed, stop_after
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def params(self):
        return {"id": "s1", "path": self.path}

    def _run(self):
        try:
            if self.feed is not None:
                with open(self.path, "wb", buffering=0) as pipe:
                    for part in self.feed if not isinstance(self.feed, bytes) else [self.feed]:
                        view = memoryview(part)
                        while view:
                            view = view[pipe.write(view):]
            else:
                with open(self.path, "rb", buffering=0) as pipe:
                    while part := pipe.read(1 << 20):
                        self.data += part
                        if self.stop_after is not None and len(self.data) >= self.stop_after:
                            return
        except BrokenPipeError:
            pass

    def finish(self):
        if self.feed is not None and self.thread.is_alive():
            # Nobody may ever have opened the other end.
            try:
                os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
            except OSError:
                pass
        self.thread.join(PATIENCE)
        os.unlink(self.path)
        return bytes(self.data)


def descendants(pid):
    """The living children of a process, and theirs."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parents[int(entry)] = int(file.read().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - {pid}


def zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def digests(data):
    return {"crc32": f"{zlib.crc32(data):08x}", "sha256": hashlib.sha256(data).hexdigest()}


class PluginTest(unittest.TestCase):
    plugin = "directory"
    scfg = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="berth-plugin-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.root = os.path.join(self.folder, "root")
        self.state = os.path.join(self.folder, "state")
        os.mkdir(self.root)
        os.mkdir(self.state)
        self.sessions = []
        self.addCleanup(lambda: [session.kill() for session in self.sessions if session.process.returncode is None])

    def open(self, activate=True, **options):
        session = Session(self.plugin, self.root, self.state, {**self.scfg, **options.pop("scfg", {})}, **options)
        self.sessions.append(session)
        if activate:
            session.do("activate_storage")
        return session

    def refused(self, symbol, function, *arguments, outcome=None, **named):
        with self.assertRaises(Refused) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.symbol, symbol, caught.exception)
        if outcome is not None:
            self.assertEqual(caught.exception.outcome, outcome, caught.exception)
        return caught.exception

    def exported(self, session, volname, form, digest=None, **params):
        fifo = Fifo(self.folder)
        result = session.do("volume_export", volname=volname, format=form, stream=fifo.params(), digest=digest,
                            **params)
        data = fifo.finish()
        self.assertEqual(result["bytes"], len(data))
        if digest:
            self.assertEqual(result["digest"], {"algorithm": digest, "value": digests(data)[digest]})
        return data

    def imported(self, session, volname, form, data, digest=None, context=None, **params):
        fifo = Fifo(self.folder, feed=data)
        try:
            return session.do("volume_import", context, volname=volname, format=form, stream=fifo.params(),
                              digest=digest, **params)
        finally:
            fifo.finish()

    def tree(self):
        """Everything below the storage's root, for comparison."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            for name in folders + files:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                found[os.path.relpath(path, self.root)] = (info.st_mode, info.st_size if name in files else None)
        return found
