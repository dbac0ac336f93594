# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""berth_plugin: write a Berth storage plugin in Python with nothing but the standard library.

    from berth_plugin import Plugin
    plugin = Plugin()                       # reads manifest.json beside the executable

    @plugin.method("status")
    def status(call):
        return {"total": 0, "used": 0, "available": 0, "active": True}

    plugin.run()

A handler gets a `Call` and returns the result object. It raises `PluginError` to fail with a symbol of the protocol's
error table; an `OSError` is translated. Handlers run on worker threads as the manifest's `concurrency` allows; the wire
is read by the main thread only. Nothing but the protocol ever reaches standard output: `print` goes to the log.
"""

import errno
import json
import os
import queue
import re
import sys
import threading
import time
import traceback

# Symbol -> (number, retry class). The protocol's error table, protocol/v1/reference.md.
ERRORS = {
    "NOT_INITIALIZED": (1001, "never"), "UNSUPPORTED_PROTOCOL": (1002, "never"),
    "UNSUPPORTED_FEATURE": (1003, "never"), "SHUTTING_DOWN": (1004, "after_restart"),
    "MESSAGE_TOO_LARGE": (1005, "after_fix"), "OVERLOADED": (1006, "backoff"),
    "CANCELLED": (1007, "same_key"), "DEADLINE_EXCEEDED": (1008, "same_key"),
    "STALE_FENCE": (1009, "never"), "LOCK_REQUIRED": (1010, "reacquire"), "LOCK_LOST": (1011, "reacquire"),
    "IDEMPOTENCY_CONFLICT": (1012, "never"), "IN_PROGRESS": (1013, "poll"), "STREAM_BROKEN": (1014, "same_key"),
    "HOST_DENIED": (1015, "never"),
    "CONFIG_INVALID": (1101, "after_fix"), "STORAGE_UNAVAILABLE": (1102, "backoff"),
    "STORAGE_NOT_ACTIVE": (1103, "after_activate"), "VOLUME_NOT_FOUND": (1104, "never"),
    "VOLUME_EXISTS": (1105, "new_name"), "VOLUME_BUSY": (1106, "backoff"), "SNAPSHOT_NOT_FOUND": (1107, "never"),
    "SNAPSHOT_EXISTS": (1108, "new_name"), "ROLLBACK_BLOCKED": (1109, "after_fix"), "NO_SPACE": (1110, "after_fix"),
    "QUOTA_EXCEEDED": (1111, "after_fix"), "FORMAT_UNSUPPORTED": (1112, "never"), "NAME_INVALID": (1113, "after_fix"),
    "HAS_DEPENDENTS": (1114, "after_fix"), "READ_ONLY": (1115, "never"), "AUTH_FAILED": (1116, "after_fix"),
    "PERMISSION_DENIED": (1117, "after_fix"), "CORRUPT": (1118, "never"), "BACKEND_ERROR": (1119, "backoff"),
    "NOT_SUPPORTED": (1120, "never"), "CURSOR_INVALID": (1121, "restart_list"), "PROTECTED": (1122, "after_fix"),
}
ERRORS.update({"PARSE_ERROR": (-32700, "never"), "INVALID_REQUEST": (-32600, "never"),
               "METHOD_NOT_FOUND": (-32601, "never"), "INVALID_PARAMS": (-32602, "after_fix"),
               "INTERNAL_ERROR": (-32603, "same_key")})
OS_ERRORS = {errno.ENOSPC: "NO_SPACE", errno.EDQUOT: "QUOTA_EXCEEDED", errno.EROFS: "READ_ONLY",
             errno.EACCES: "PERMISSION_DENIED", errno.EPERM: "PERMISSION_DENIED", errno.EBUSY: "VOLUME_BUSY",
             errno.ETXTBSY: "VOLUME_BUSY"}
INT64_MAX = (1 << 63) - 1
MAX_DEPTH = 64
DEFAULT_MAX_MESSAGE = 4 << 20
PROTOCOL = (1, 0)


class PluginError(Exception):
    """A failure with a symbol of the error table. `outcome` says what state was left behind; None: what the call
    recorded so far (`Call.outcome`). Further keyword arguments become members of `error.data`."""

    def __init__(self, symbol, message, outcome=None, **data):
        super().__init__(message)
        self.symbol, self.message, self.outcome, self.data = symbol, message, outcome, data

    @classmethod
    def from_os(cls, error, doing):
        """The error for an `OSError` met while `doing` something (a phrase for people)."""
        symbol = OS_ERRORS.get(error.errno, "BACKEND_ERROR")
        return cls(symbol, f"{doing}: {error.strerror or error}",
                   backend={"code": errno.errorcode.get(error.errno, str(error.errno)), "message": str(error)})

    def body(self, outcome):
        number, retry = ERRORS.get(self.symbol, ERRORS["INTERNAL_ERROR"])
        data = {"symbol": self.symbol, "outcome": self.outcome or outcome, "retry": {"class": retry}}
        after = self.data.pop("afterMs", None)
        if after is not None:
            data["retry"]["afterMs"] = after
        data.update({key: value for key, value in self.data.items() if value is not None})
        return {"code": number, "message": self.message, "data": data}


# MARK: Strict JSON

def _no_duplicates(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate member name")
    return result


def _int64(text):
    value = int(text) if len(text) <= 20 else INT64_MAX + 1
    if not -INT64_MAX - 1 <= value <= INT64_MAX:
        raise ValueError("integer outside 64 bits")
    return value


def _no_constant(text):
    raise ValueError(f"{text} is not JSON")


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_json(line):
    """One JSON value from bytes, as strictly as the protocol demands; raises ValueError."""
    text = line.decode("utf-8")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        depth = 0
        for char in _STRINGS.sub(b"", line):
            if char in b"[{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise ValueError(f"deeper than {MAX_DEPTH} levels")
            elif char in b"]}":
                depth -= 1
    value = json.loads(text, object_pairs_hook=_no_duplicates, parse_int=_int64, parse_constant=_no_constant)
    if b"\\u" in line:
        # Escapes can smuggle in what raw UTF-8 cannot hold: NUL and lone surrogates.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        _refuse_nul(value)
    return value


def _refuse_nul(value):
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("NUL in a string")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_nul(name)
            _refuse_nul(member)
    elif isinstance(value, list):
        for item in value:
            _refuse_nul(item)


def dump_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8") + b"\n"


# MARK: Calls

class Call:
    """One request being served."""

    def __init__(self, plugin, ident, method, params):
        self.plugin, self.id, self.method, self.params = plugin, ident, method, params
        context = params.get("context", {})
        if not isinstance(context, dict):
            raise PluginError("INVALID_PARAMS", "context must be an object")
        self.context = context
        timeout = context.get("timeoutMs")
        self.deadline = time.monotonic() + timeout / 1000 if type(timeout) is int and timeout > 0 else None
        self.outcome = "not_started"
        self.intent = None  # what an earlier, killed run of the same idempotency key noted (see `note`)
        self.record = None
        self._cancelled = threading.Event()
        self._phase, self._progress, self._progressed, self._beat = None, -1, 0.0, time.monotonic()

    # Parameters, checked

    def text(self, name, default=None, required=True, limit=4096):
        value = self.params.get(name, default)
        if value is None:
            if required:
                raise PluginError("INVALID_PARAMS", f"parameter '{name}' is missing", field=f"/{name}")
            return None
        if not isinstance(value, str) or len(value.encode("utf-8")) > limit:
            raise PluginError("INVALID_PARAMS", f"parameter '{name}' must be a string of at most {limit} bytes",
                              field=f"/{name}")
        return value

    def integer(self, name, default=None, minimum=0, maximum=INT64_MAX, required=True):
        value = self.params.get(name, default)
        if value is None:
            if required:
                raise PluginError("INVALID_PARAMS", f"parameter '{name}' is missing", field=f"/{name}")
            return None
        if type(value) is not int or not minimum <= value <= maximum:
            raise PluginError("INVALID_PARAMS", f"parameter '{name}' must be an integer from {minimum} to {maximum}",
                              field=f"/{name}")
        return value

    def flag(self, name, default=False):
        value = self.params.get(name, default)
        if value is None:
            return default
        if type(value) is not bool:
            raise PluginError("INVALID_PARAMS", f"parameter '{name}' must be true or false", field=f"/{name}")
        return value

    def table(self, name, required=True):
        value = self.params.get(name)
        if value is None and not required:
            return {}
        if not isinstance(value, dict):
            raise PluginError("INVALID_PARAMS", f"parameter '{name}' must be an object", field=f"/{name}")
        return value

    def strings(self, name):
        value = self.params.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise PluginError("INVALID_PARAMS", f"parameter '{name}' must be a list of strings", field=f"/{name}")
        return value

    # Life of the call

    def cancel(self):
        self._cancelled.set()

    @property
    def remaining(self):
        """Seconds until the deadline, or None."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def check(self):
        """Raises when the call was cancelled or its time is up; shows life of long work. Call it in every loop."""
        if self._cancelled.is_set():
            raise PluginError("CANCELLED", "cancelled by the host")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise PluginError("DEADLINE_EXCEEDED", f"{self.method} did not finish in its time")
        self.beat()

    def beat(self):
        """Shows life of long work, at most every five seconds."""
        now = time.monotonic()
        if now - self._beat >= 5:
            self._beat = now
            self.plugin.send({"jsonrpc": "2.0", "method": "$/heartbeat", "params": {"id": self.id}})

    def shield(self):
        """A stand-in for work that must not be interrupted halfway: its `check` only shows life."""
        return _Shield(self)

    def progress(self, done, total=None, phase="copy", unit="bytes"):
        """Reports progress, at most five times a second and never backwards; includes `check`."""
        self.check()
        now = time.monotonic()
        if not self.context.get("progress") or now - self._progressed < 0.2 \
                or (phase == self._phase and done <= self._progress):
            return
        self._phase, self._progress, self._progressed, self._beat = phase, done, now, now
        params = {"id": self.id, "phase": phase, "done": done, "unit": unit}
        if total is not None:
            params["total"] = total
        self.plugin.send({"jsonrpc": "2.0", "method": "$/progress", "params": params})

    def log(self, message, level="info"):
        self.plugin.log(message, level, parent=self.id)

    def host(self, method, **params):
        """Asks the host for a service within this call; returns its result or raises PluginError."""
        return self.plugin.ask_host(self, method, params)

    def note(self, intent):
        """Records, durably enough for kill -9, what is about to be committed; a replay finds it in `intent`."""
        if self.record is not None:
            self.plugin.state.note(self.record, intent)


class _Shield:
    def __init__(self, call):
        self.check, self.log = call.beat, call.log


# MARK: The plugin

class Plugin:
    """Serves the wire. `state`: an object such as `berth_files.State` that remembers fencing tokens and the results of
    idempotency keys; without one, tokens live in memory and keys are left to the host."""

    def __init__(self, manifest=None, state=None, workers=8):
        if manifest is None:
            here = os.path.dirname(os.path.abspath(sys.argv[0]))
            with open(os.path.join(here, "manifest.json"), "rb") as file:
                manifest = json.load(file)
        self.manifest, self.state = manifest, state
        self.workers = 1 if manifest.get("concurrency", "serial") == "serial" else workers
        self.methods, self.mutating, self.features = {}, set(), set()
        self.calls, self.waiting, self.fences = {}, {}, {}
        self.session, self.initialized, self.closing = {}, False, False
        self.max_message, self.sequence = DEFAULT_MAX_MESSAGE, 0
        self.queue, self.mutex, self.write_lock = queue.SimpleQueue(), threading.Lock(), threading.Lock()
        self.input, self.output = 0, 1
        self.on_initialize = None  # called with the params of `initialize`

    def method(self, name, mutating=False):
        def register(function):
            self.methods[name] = function
            if mutating:
                self.mutating.add(name)
            return function
        return register

    def run(self):
        """Serves until the host closes standard input; never returns."""
        self.input, self.output = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        for index in range(self.workers):
            threading.Thread(target=self._work, name=f"worker-{index}", daemon=True).start()
        status = 0
        try:
            self._read()
        except Exception:
            traceback.print_exc()
            status = 1
        # The host is gone or done with us: whatever still runs must stop now, cleaning up after itself.
        with self.mutex:
            self.closing = True
            pending = list(self.calls.values())
            waiting = list(self.waiting.values())
        for call in pending:
            call.cancel()
        for answer in waiting:
            answer.put({"error": {"code": 1004, "message": "the host closed the connection"}})
        end = time.monotonic() + 3.5
        while time.monotonic() < end:
            with self.mutex:
                if not self.calls:
                    break
            time.sleep(0.01)
        os._exit(status)

    # Wire

    def send(self, message):
        data = dump_json(message)
        with self.write_lock:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(self.output, view):]
                except BrokenPipeError:
                    return

    def log(self, message, level="info", **more):
        """A line for the host's log: no secrets."""
        text = "".join(char if char.isprintable() else " " for char in str(message)[:2048])
        self.send({"jsonrpc": "2.0", "method": "host.log", "params": {"level": level, "message": text, **more}})

    def _read(self):
        buffer, skipping = bytearray(), False
        while True:
            try:
                chunk = os.read(self.input, 1 << 16)
            except InterruptedError:
                continue
            if not chunk:
                return
            start = 0
            while True:
                end = chunk.find(b"\n", start)
                if end < 0:
                    if not skipping:
                        buffer += chunk[start:]
                    break
                if not skipping:
                    line = bytes(buffer) + chunk[start:end]
                    buffer.clear()
                    if len(line) > self.max_message:
                        self._too_large()
                    elif line.strip():
                        self._message(line)
                skipping, start = False, end + 1
            if len(buffer) > self.max_message:
                self._too_large()
                buffer.clear()
                skipping = True

    def _too_large(self):
        self._fail(None, PluginError("MESSAGE_TOO_LARGE", f"a message exceeds {self.max_message} bytes",
                                     limit=self.max_message))

    def _fail(self, ident, error, outcome="not_started"):
        self.send({"jsonrpc": "2.0", "id": ident, "error": error.body(outcome)})

    def _message(self, line):
        try:
            message = parse_json(line)
        except (ValueError, RecursionError) as error:
            hint = " (this looks like Content-Length framing; the protocol is one JSON object a line)" \
                if line.startswith(b"Content-Length:") else ""
            return self._fail(None, PluginError("PARSE_ERROR", f"not a JSON message: {error}{hint}"))
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return self._fail(None, PluginError("INVALID_REQUEST", "not a JSON-RPC 2.0 object"))
        ident, method = message.get("id"), message.get("method")
        if method is None:
            with self.mutex:
                answer = self.waiting.pop(ident, None) if type(ident) is int else None
            if answer is not None:
                answer.put(message)
            return None
        if not isinstance(method, str) or ("id" in message and (type(ident) is not int or ident < 0)):
            return self._fail(None, PluginError("INVALID_REQUEST", "method must be a string, id an integer from 0"))
        params = message.get("params", {})
        if not isinstance(params, dict):
            if "id" in message:
                self._fail(ident, PluginError("INVALID_PARAMS", "params must be an object"))
            return None
        if "id" not in message:
            if method == "$/cancel":
                with self.mutex:
                    call = self.calls.get(params.get("id")) if type(params.get("id")) is int else None
                if call is not None:
                    call.cancel()
            return None
        return self._request(ident, method, params)

    def _request(self, ident, method, params):
        try:
            if method == "initialize":
                return self.send({"jsonrpc": "2.0", "id": ident, "result": self._initialize(params)})
            if not self.initialized:
                raise PluginError("NOT_INITIALIZED", f"{method} before initialize")
            if method == "shutdown":
                self.closing = True
                return threading.Thread(target=self._shutdown, args=(ident,), daemon=True).start()
            if self.closing:
                raise PluginError("SHUTTING_DOWN", "the plugin is shutting down")
            if method not in self.methods:
                raise PluginError("METHOD_NOT_FOUND", f"method '{method}' is not implemented")
            call = Call(self, ident, method, params)
            for feature in call.context.get("require") or []:
                if feature not in self.features:
                    raise PluginError("UNSUPPORTED_FEATURE", f"the required feature {feature!r} is not known",
                                      feature=feature)
            with self.mutex:
                if ident in self.calls:
                    raise PluginError("INVALID_REQUEST", f"id {ident!r} is already in use")
                self.calls[ident] = call
            return self.queue.put(call)
        except PluginError as error:
            return self._fail(ident, error)

    def _initialize(self, params):
        if self.initialized:
            raise PluginError("INVALID_REQUEST", "initialize was already called")
        offered = params.get("protocol", {})
        low, high = (_version(offered.get(end)) for end in ("min", "max"))
        if low is None or high is None:
            raise PluginError("INVALID_PARAMS", "protocol.min and protocol.max must read MAJOR.MINOR")
        mine = self.manifest["protocol"]
        lowest, highest = max(low, _version(mine["min"])), min(high, _version(mine["max"]))
        if lowest > highest:
            older = "host" if high < _version(mine["min"]) else "plugin"
            raise PluginError("UNSUPPORTED_PROTOCOL", f"no common protocol version; upgrade the {older}",
                              supported={"host": offered, "plugin": mine})
        limits = params.get("limits") if isinstance(params.get("limits"), dict) else {}
        wanted = limits.get("maxMessageBytes")
        if type(wanted) is int and wanted > 0:
            self.max_message = min(wanted, 64 << 20)
        self.session = params
        if self.on_initialize is not None:
            self.on_initialize(params)
        self.initialized = True
        return self.describe(f"{highest[0]}.{highest[1]}")

    def describe(self, version):
        """The result of `initialize`: the manifest's facts repeated, with the chosen version."""
        own = self.manifest
        profiles = {}
        for name, mine in own.get("profiles", {}).items():
            theirs = self.session.get("profiles", {}).get(name)
            if isinstance(theirs, dict) and theirs.get("max", 0) >= mine["min"] and mine["max"] >= theirs.get("min", 0):
                profiles[name] = min(mine["max"], theirs["max"])
        return {"protocol": version, "profiles": profiles, "plugin": {"id": own["id"], "version": own["version"]},
                "methods": own["methods"], "concurrency": own.get("concurrency", "serial"),
                "fencing": own.get("fencing", "none"), "limits": {"maxMessageBytes": self.max_message}}

    def _shutdown(self, ident):
        while True:
            with self.mutex:
                if not self.calls:
                    break
            time.sleep(0.01)
        self.send({"jsonrpc": "2.0", "id": ident, "result": {}})

    def ask_host(self, call, method, params):
        answer = queue.SimpleQueue()
        with self.mutex:
            if self.closing and not self.calls:
                raise PluginError("SHUTTING_DOWN", "the host is gone")
            self.sequence += 1
            ident = self.sequence
            self.waiting[ident] = answer
        try:
            self.send({"jsonrpc": "2.0", "id": ident, "method": method, "params": {"parent": call.id, **params}})
            while True:
                try:
                    reply = answer.get(timeout=0.25)
                    break
                except queue.Empty:
                    call.check()
        finally:
            with self.mutex:
                self.waiting.pop(ident, None)
        if "error" in reply:
            error = reply["error"] if isinstance(reply["error"], dict) else {}
            data = error.get("data") if isinstance(error.get("data"), dict) else {}
            raise PluginError(data.get("symbol", "HOST_DENIED"), f"{method}: {error.get('message', 'refused')}")
        return reply.get("result")

    # Work

    def _work(self):
        while True:
            call = self.queue.get()
            reply = {"jsonrpc": "2.0", "id": call.id}
            try:
                reply["result"] = self._serve(call)
                data = dump_json(reply)
                if len(data) > self.max_message:
                    raise PluginError("MESSAGE_TOO_LARGE", f"the answer of {call.method} exceeds {self.max_message}"
                                      " bytes; ask for a smaller page", limit=self.max_message)
            except PluginError as error:
                reply.pop("result", None)
                reply["error"] = error.body(call.outcome)
            except OSError as error:
                reply["error"] = PluginError.from_os(error, call.method).body(call.outcome)
            except Exception as error:
                traceback.print_exc()
                reply.pop("result", None)
                reply["error"] = PluginError("INTERNAL_ERROR", f"{call.method} failed: {type(error).__name__} (see the"
                                             " plugin's log)").body(call.outcome)
            # Out of the table first: the host may reuse nothing, but EOF handling counts what is unanswered.
            self.send(reply)
            with self.mutex:
                self.calls.pop(call.id, None)

    def _serve(self, call):
        handler = self.methods[call.method]
        call.check()
        if call.method not in self.mutating:
            return handler(call)
        self._fence(call)
        key = call.context.get("idempotencyKey")
        if self.state is None or not isinstance(key, str) or not key:
            return handler(call)
        record, finished = self.state.begin(key, call.method, call.params)
        if finished is not None:
            call.outcome = "completed"
            return finished
        call.record, call.intent = record, record.get("intent")
        try:
            result = handler(call)
        except BaseException as error:
            outcome = getattr(error, "outcome", None) or call.outcome
            self.state.abandon(record, forget=outcome in ("not_started", "rolled_back"))
            raise
        self.state.finish(record, result)
        return result

    def _fence(self, call):
        lock = call.context.get("lock")
        if not isinstance(lock, dict):
            return
        name, token = lock.get("name"), lock.get("token")
        if not isinstance(name, str) or type(token) is not int:
            raise PluginError("INVALID_PARAMS", "context.lock needs a name and an integer token")
        with self.mutex:
            if self.state is not None:
                seen = self.state.fence(name, token)
            else:
                seen = max(self.fences.get(name, token), token)
                self.fences[name] = seen
        if token < seen:
            raise PluginError("STALE_FENCE", f"the lock '{name}' was granted to someone else since", seen=seen)


def _version(text):
    match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", text) if isinstance(text, str) else None
    return (int(match[1]), int(match[2])) if match else None
