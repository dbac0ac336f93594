# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""berth_files: what a plugin that keeps files needs, beside berth_plugin: durable writes that are whole or absent,
a memory that survives kill -9 (idempotency keys, fencing tokens, unfinished work), streams through FIFOs, and child
processes with a time limit."""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import select
import signal
import stat
import subprocess
import tempfile
import threading
import time
import zlib

from berth_plugin import PluginError

BLOCK = 1 << 20
ZEROS = bytes(BLOCK)
TEMP_PREFIX = ".berth-"
KEY_LIFE = 7 * 86400
KEY_LIMIT = 2048  # files; a state directory may have few inodes
FENCE_LIMIT = 512  # lock names
TOOL_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/tmp"}


def fsync_path(path):
    """Makes a file's data, or a directory's entries, durable."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync directories
            raise
    finally:
        os.close(fd)


def write_whole(path, data, mode=0o640):
    """Replaces a small file: after a crash the old or the new content is there, never a part."""
    directory = os.path.dirname(path)
    temp = os.path.join(directory, f"{TEMP_PREFIX}{secrets.token_hex(8)}.note")
    try:
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temp, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temp)
        raise
    fsync_path(directory)


def replace(path, data):
    """Replaces a small file for the eyes of the processes to come: after a kill, not after a crash of the machine."""
    temp = path + ".new"
    try:
        with open(temp, "wb") as file:
            file.write(data)
        os.rename(temp, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temp)
        raise


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def remove_tree(path):
    """Removes a file or a directory tree without ever following a symbolic link; absent is fine."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    # The tools cope with any depth; a tree that came from an archive may be deeper than a path is long, and may hold
    # directories that even their owner cannot write.
    remove = ["rm", "-rf", "--one-file-system", "--", path]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL,
             "env": TOOL_ENVIRONMENT}
    if subprocess.run(remove, **quiet, check=False).returncode != 0:
        subprocess.run(["chmod", "-R", "u+rwX", "--", path], **quiet, check=False)
        if subprocess.run(remove, **quiet, check=False).returncode != 0:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)


# MARK: Memory that survives the process

class State:
    """The plugin's private directory: idempotency keys, fencing tokens, names of temporary files.

    One small file each; a kill -9 leaves the old or the new content. The directory belongs to one process at a time
    (the host starts one instance a storage and sees it dead before the next). It does not grow with time: only the
    newest keys and the fencing tokens used last are kept, fewer where the directory is full."""

    def __init__(self, directory, key_limit=KEY_LIMIT, fence_limit=FENCE_LIMIT):
        self.directory, self.mutex, self.sweeping = directory, threading.RLock(), threading.Lock()
        self.key_limit, self.fence_limit = key_limit, fence_limit
        self.keys = os.path.join(directory, "keys")
        self.temps = os.path.join(directory, "temps")
        self.running, self.live, self.tokens = set(), set(), None
        self.known = {}  # path of a key -> time of its last change, oldest first
        self.ready = False

    def prepare(self):
        with self.mutex:
            if self.ready:
                return
            try:
                os.makedirs(self.keys, mode=0o700, exist_ok=True)
                os.makedirs(self.temps, mode=0o700, exist_ok=True)
            except OSError as error:
                raise PluginError.from_os(error, "the plugin's state directory cannot be used") from error
            found = []
            for entry in os.scandir(self.keys):
                if entry.name.startswith(TEMP_PREFIX) or entry.name.endswith(".new"):
                    os.unlink(entry.path)  # killed while writing it
                else:
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
            self.known = {path: changed for changed, path in sorted(found)}
            self._drop_keys(self.key_limit)
            self.ready = True

    def _drop_keys(self, limit):
        """Forgets the oldest keys, those over `limit` and those past their life, but none that is at work."""
        with self.mutex:
            over, life = len(self.known) - limit, time.time() - KEY_LIFE
            old = []
            for path, changed in self.known.items():
                if len(old) >= over and changed >= life:
                    break
                if path not in self.running:
                    old.append(path)
            for path in old:
                self._forget(path)

    def _forget(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.known.pop(path, None)

    def _with_room(self, write):
        """Runs `write`; in a full directory again, after half of the keys have gone."""
        try:
            write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self.known:
                raise
            self._drop_keys(len(self.known) // 2)
            write()

    # Fencing tokens

    def fence(self, name, token):
        """Remembers `token` if it is the highest seen for this lock; returns the highest."""
        self.prepare()
        with self.mutex:
            path = os.path.join(self.directory, "fences.json")
            if self.tokens is None:
                try:
                    with open(path, "rb") as file:
                        self.tokens = json.load(file)
                except (FileNotFoundError, ValueError):
                    self.tokens = {}
            seen = self.tokens.pop(name, -1)
            self.tokens[name] = max(seen, token)  # last in the order: used last
            if token > seen:
                # The lock of a name that nobody has used for so long is held by nobody.
                for old in list(self.tokens)[:-self.fence_limit]:
                    del self.tokens[old]
                self._with_room(lambda: replace(path, json.dumps(self.tokens).encode()))
            return max(seen, token)

    # Idempotency keys

    def begin(self, key, method, params):
        """(record, finished result or None) for a request with this key."""
        self.prepare()
        plain = {name: value for name, value in params.items()
                 if value is not None and name not in ("context", "stream", "scfg")}
        digest = hashlib.sha256(json.dumps([method, plain], sort_keys=True).encode()).hexdigest()
        path = os.path.join(self.keys, hashlib.sha256(key.encode()).hexdigest())
        with self.mutex:
            if path in self.running:
                raise PluginError("IN_PROGRESS", "a request with this idempotency key is still running",
                                  outcome="unknown", afterMs=500)
            try:
                with open(path, "rb") as file:
                    record = json.load(file)
            except (FileNotFoundError, ValueError):
                record = {"digest": digest}
            if record["digest"] != digest:
                raise PluginError("IDEMPOTENCY_CONFLICT", "this idempotency key was used for another request")
            if "result" in record:
                return record, record["result"]
            record["path"] = path
            self.running.add(path)
            return record, None

    def note(self, record, intent):
        record["intent"] = intent
        self._write(record, replace)

    def finish(self, record, result):
        record["result"] = result
        try:
            self._write(record, lambda path, data: write_whole(path, data, 0o600))
        finally:
            with self.mutex:
                self.running.discard(record["path"])

    def abandon(self, record, forget):
        """The request failed; `forget` when nothing was left behind, so that the key may be used afresh."""
        with self.mutex:
            if forget:
                self._forget(record["path"])
            self.running.discard(record["path"])

    def _write(self, record, write):
        path = record["path"]
        data = json.dumps({key: value for key, value in record.items() if key != "path"}).encode()
        self._with_room(lambda: write(path, data))
        with self.mutex:
            self.known.pop(path, None)
            self.known[path] = time.time()
            self._drop_keys(self.key_limit)

    # Temporary names

    def open_temp(self, path, restore=None):
        """Remembers a temporary name before it is used. `restore`: the name to move it back to after a crash when
        nothing has that name (for exchanges)."""
        self.prepare()
        note = os.path.join(self.temps, os.path.basename(path))
        with self.mutex:
            self.live.add(note)
        with open(note, "w", encoding="utf-8") as file:
            json.dump({"path": path, "restore": restore}, file)
        return note

    def close_temp(self, note):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(note)
        with self.mutex:
            self.live.discard(note)

    def remove_leftovers(self, remove=remove_tree):
        """Removes what killed runs of this plugin left under temporary names; returns how many. One sweep at a time: two
        activations at once would find each other's work half done."""
        with self.sweeping:
            self.prepare()
            return sum(self._sweep(entry.path, remove) for entry in list(os.scandir(self.temps)))

    def _sweep(self, record, remove):
        """Whether there was something under the name that is on record."""
        with self.mutex:
            if record in self.live:
                return False
        try:
            with open(record, encoding="utf-8") as file:
                note = json.load(file)
            path, restore = note["path"], note["restore"]
        except FileNotFoundError:
            return False  # its own run has ended meanwhile and took it away
        except (ValueError, KeyError, TypeError):
            os.unlink(record)  # killed while noting: the name was not used yet
            return False
        found = os.path.lexists(path)
        try:
            if found and restore is not None and not os.path.lexists(restore):
                os.rename(path, restore)
            elif found:
                remove(path)
        except OSError:
            return found  # kept on record, tried again at the next activation
        os.unlink(record)
        return found


def inode_of(path):
    return os.lstat(path).st_ino


class Temp:
    """A new file or directory under a temporary name, which `commit` gives its real one: whole, durable, and never
    over something that exists. Left without a commit it is removed, and the call's outcome says so."""

    def __init__(self, call, state, directory, suffix="", remove=remove_tree, identity=inode_of):
        self.call, self.state, self.remove, self.identity = call, state, remove, identity
        self.path = os.path.join(directory, f"{TEMP_PREFIX}{secrets.token_hex(8)}{suffix}")
        self.committed = False

    def __enter__(self):
        self.note = self.state.open_temp(self.path)
        self.before = self.call.outcome
        self.call.outcome = "partial"
        return self

    def __exit__(self, kind, error, trace):
        if self.committed:
            return False
        try:
            self.remove(self.path)
        except OSError:
            return False  # stays on record; the outcome stays "partial"
        self.state.close_temp(self.note)
        self.call.outcome = "rolled_back" if self.before == "not_started" else self.before
        return False

    def commit(self, final, exists, durable=True):
        """Gives the finished file its name. `exists`: the error to raise when the name is taken."""
        info = os.lstat(self.path)
        if durable:
            fsync_path(self.path)
        self.call.check()
        self.call.note({"identity": self.identity(self.path), "path": final})
        if stat.S_ISDIR(info.st_mode):
            if os.path.lexists(final):
                raise exists
            os.rename(self.path, final)
        else:
            try:
                os.link(self.path, final, follow_symlinks=False)
                os.unlink(self.path)
            except FileExistsError:
                raise exists from None
            except OSError as error:
                # A file system without hard links: the storage lock keeps others from taking the name meanwhile.
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.EACCES):
                    raise
                if os.path.lexists(final):
                    raise exists from None
                os.rename(self.path, final)
        self.committed = True
        self.call.outcome = "completed"
        fsync_path(os.path.dirname(final))
        self.state.close_temp(self.note)


def made_before(call, path, identity=inode_of):
    """True when an earlier, killed run of this very request made `path` (the same file, not just the same name)."""
    try:
        return call.intent is not None and call.intent.get("path") == path \
            and identity(path) == call.intent.get("identity")
    except FileNotFoundError:
        return False


# MARK: Streams

class Digest:
    def __init__(self, algorithm):
        if algorithm not in (None, "crc32", "sha256"):
            raise PluginError("UNSUPPORTED_FEATURE", f"digest '{algorithm}' is not known (crc32, sha256)")
        self.algorithm, self.crc = algorithm, 0
        self.sha = hashlib.sha256() if algorithm == "sha256" else None

    def update(self, data):
        if self.sha is not None:
            self.sha.update(data)
        elif self.algorithm:
            self.crc = zlib.crc32(data, self.crc)

    def result(self):
        if not self.algorithm:
            return None
        return {"algorithm": self.algorithm, "value": self.sha.hexdigest() if self.sha else f"{self.crc:08x}"}


class Stream:
    """One end of an operation's FIFO. Never blocks for longer than a quarter of a second without `call.check()`."""

    def __init__(self, call, path, digest, writing):
        self.call, self.bytes, self.digest, self.writing = call, 0, Digest(digest), writing
        self.fd = -1
        flags = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        while True:
            call.check()
            try:
                self.fd = os.open(path, flags | (os.O_WRONLY if writing else os.O_RDONLY))
                break
            except OSError as error:
                if error.errno != errno.ENXIO:  # ENXIO: the host has not opened its end yet
                    raise PluginError.from_os(error, "the stream cannot be opened") from error
                time.sleep(0.01)
        if not stat.S_ISFIFO(os.fstat(self.fd).st_mode):
            os.close(self.fd)
            raise PluginError("INVALID_PARAMS", "stream.path is not a FIFO", field="/stream/path")
        with contextlib.suppress(OSError):
            import fcntl
            fcntl.fcntl(self.fd, 1031, BLOCK)  # F_SETPIPE_SZ
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLOUT if writing else select.POLLIN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def _wait(self):
        while not self.poll.poll(250):
            self.call.check()

    def write(self, data):
        view = memoryview(data)
        self.digest.update(view)
        while view:
            try:
                count = os.write(self.fd, view)
            except BlockingIOError:
                self._wait()
                continue
            except BrokenPipeError:
                raise self.broken("the reader closed the stream") from None
            self.bytes += count
            view = view[count:]

    def send_file(self, source, length, progress):
        """Moves `length` bytes from the file descriptor `source`; without a digest the kernel moves them."""
        start = self.bytes
        while self.bytes - start < length:
            left = length - (self.bytes - start)
            if self.digest.algorithm is None:
                try:
                    count = os.splice(source, self.fd, min(left, BLOCK), flags=1)  # SPLICE_F_MOVE
                except BlockingIOError:
                    self._wait()
                    continue
                except BrokenPipeError:
                    raise self.broken("the reader closed the stream") from None
                self.bytes += count
                if count == 0:
                    raise PluginError("CORRUPT", "the source ended early")
            else:
                data = os.read(source, min(left, BLOCK))
                if not data:
                    raise PluginError("CORRUPT", "the source ended early")
                self.write(data)
            progress(self.bytes - start)

    def read(self, limit=BLOCK):
        """Up to `limit` bytes; b"" at the end of the stream."""
        while True:
            self._wait()
            try:
                data = os.read(self.fd, limit)
            except BlockingIOError:
                continue
            self.digest.update(data)
            self.bytes += len(data)
            return data

    def read_exactly(self, count):
        parts, left = [], count
        while left:
            data = self.read(min(left, BLOCK))
            if not data:
                raise self.broken(f"the stream ended {left} bytes early", expected=self.bytes + left)
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def broken(self, message, **data):
        return PluginError("STREAM_BROKEN", message, bytes=self.bytes, **data)

    def result(self):
        value = {"bytes": self.bytes}
        digest = self.digest.result()
        if digest is not None:
            value["digest"] = digest
        return value


# MARK: Child processes

def run_tool(call, argv, timeout, what, progress=None, limit=16 << 20, feed=None, complaints=None):
    """Runs a program in a process group of its own; returns its standard output. Cancel, deadline and `timeout` end it.
    `progress`: called with a fraction when the tool prints `(12.34/100%)`. `complaints`: called with each piece of its
    standard error, of which only the end is kept. Failure raises PluginError."""
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=TOOL_ENVIRONMENT, start_new_session=True, close_fds=True)
    except FileNotFoundError:
        raise PluginError("NOT_SUPPORTED", f"{argv[0]} is not installed",
                          hint=f"install the package that contains {os.path.basename(argv[0])}") from None
    texts = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
    end = time.monotonic() + timeout
    try:
        poll = select.poll()
        for fd in texts:
            poll.register(fd, select.POLLIN)
        open_fds = set(texts)
        while open_fds:
            for fd, _ in poll.poll(100):
                data = os.read(fd, 1 << 16)
                if not data:
                    poll.unregister(fd)
                    open_fds.discard(fd)
                texts[fd] += data
                if fd == child.stdout.fileno():
                    if progress is not None:
                        found = re.findall(rb"\(([0-9.]+)/100%\)", bytes(texts[fd][-64:]))
                        if found:
                            progress(float(found[-1]) / 100)
                        del texts[fd][:-64]
                    elif len(texts[fd]) > limit:
                        raise PluginError("BACKEND_ERROR", f"{what}: the answer is larger than {limit} bytes")
                else:
                    if complaints is not None:
                        complaints(data)
                    del texts[fd][:-16384]
            call.check()
            if time.monotonic() > end:
                raise PluginError("DEADLINE_EXCEEDED", f"{what} did not finish in {timeout:.0f} s")
        while True:
            try:
                status = child.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                call.check()
    except BaseException:
        _stop(child)
        raise
    finally:
        child.stdout.close()
        child.stderr.close()
    out, problem = bytes(texts_value(texts, 0)), texts_value(texts, 1).decode("utf-8", "replace").strip()
    if status != 0:
        raise tool_error(what, status, problem)
    return out


def texts_value(texts, index):
    return list(texts.values())[index]


def _stop(child):
    for sig, grace in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sig)
        try:
            child.wait(grace)
            return
        except subprocess.TimeoutExpired:
            continue


def tool_error(what, status, problem):
    text = problem[-2000:] or f"ended with status {status}"
    symbol = "BACKEND_ERROR"
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
        if os.strerror(number) in text:
            symbol = {errno.ENOSPC: "NO_SPACE", errno.EDQUOT: "QUOTA_EXCEEDED", errno.EROFS: "READ_ONLY"}.get(
                number, "PERMISSION_DENIED")
    if 'Failed to get "' in text or "lock" in text.lower() and "Is another process using" in text:
        symbol = "VOLUME_BUSY"
    return PluginError(symbol, f"{what}: {text.splitlines()[-1] if text else text}",
                       backend={"code": str(status), "message": text})


class Filter:
    """A child process that data is pumped out of (`read`) or into (`write`), ended with the call."""

    def __init__(self, call, argv, what, feed):
        self.call, self.what, self.feed = call, what, feed
        self.log = tempfile.TemporaryFile()
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if feed else subprocess.PIPE, stderr=self.log, env=TOOL_ENVIRONMENT,
            start_new_session=True, close_fds=True, bufsize=0)
        self.pipe = self.child.stdin if feed else self.child.stdout
        os.set_blocking(self.pipe.fileno(), False)
        self.poll = select.poll()
        self.poll.register(self.pipe.fileno(), select.POLLOUT if feed else select.POLLIN)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None or self.child.poll() is None:
            _stop(self.child)
        self.pipe.close()
        self.log.close()

    def read(self):
        while True:
            while not self.poll.poll(250):
                self.call.check()
            try:
                return os.read(self.pipe.fileno(), BLOCK)
            except BlockingIOError:
                continue

    def write(self, data):
        """False when the child wants no more."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.pipe.fileno(), view):]
            except BlockingIOError:
                while not self.poll.poll(250):
                    self.call.check()
            except BrokenPipeError:
                return False
        return True

    def finish(self):
        """Waits for the end; (status, what it said on standard error)."""
        self.pipe.close()
        while True:
            try:
                status = self.child.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                self.call.check()
        self.log.seek(0)
        return status, self.log.read(16384).decode("utf-8", "replace").strip()
