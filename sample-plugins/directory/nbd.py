# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""The bytes of a qcow2 or vmdk image, read or written in place through qemu-nbd: no temporary copy, bounded memory.

qemu-nbd is given a listening socket of the abstract namespace, which is empty and private in a plugin's sandbox."""

import contextlib
import os
import secrets
import select
import signal
import socket
import struct
import time

from berth_files import TOOL_ENVIRONMENT, tool_error
from berth_plugin import PluginError

NBD = "/usr/bin/qemu-nbd"
CHUNK = 1 << 20
MAGIC, OPTION, REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x67446698
REQUEST = struct.Struct(">IHHQQI")
READ, WRITE, CLOSE, FLUSH = 0, 1, 2, 3


class Disk:
    """One image's guest-visible bytes. Use as a context manager; `size` in bytes."""

    def __init__(self, call, path, form, snapshot=None, writable=False):
        self.call, self.peer, self.pid, self.writable = call, None, None, writable
        argv = [NBD, "--persistent", "--shared=1", "--format", form, "--discard=unmap", "--detect-zeroes=unmap"]
        if not writable:
            argv = [NBD, "--persistent", "--shared=1", "--format", form, "--read-only"]
        if snapshot is not None:
            argv += ["--load-snapshot", f"snapshot.name={snapshot}"]
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        errors, theirs = os.pipe()
        try:
            listener.bind("\0berth-" + secrets.token_hex(16))
            listener.listen(1)
            # Socket activation wants the socket as descriptor 3 and the process's own number, which the shell fills in.
            self.pid = os.posix_spawn(
                "/bin/sh", ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", *argv, path], TOOL_ENVIRONMENT,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1),
                              (os.POSIX_SPAWN_DUP2, theirs, 2), (os.POSIX_SPAWN_DUP2, listener.fileno(), 3)],
                setpgroup=0)
            os.close(theirs)
            theirs = -1
            self.errors = errors
            address = listener.getsockname()
            listener.close()
            self.peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.peer.connect(address)
            except OSError:
                raise self._failure("qemu-nbd did not start") from None
            self.peer.settimeout(0.25)
            self._negotiate()
        except BaseException:
            self.errors = errors
            self.close()
            raise
        finally:
            if theirs >= 0:
                os.close(theirs)
            listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _negotiate(self):
        magic, option, flags = struct.unpack(">QQH", self._receive(18))
        if magic != MAGIC or option != OPTION:
            raise PluginError("BACKEND_ERROR", "qemu-nbd spoke another protocol")
        self._send(struct.pack(">I", 3 if flags & 2 else 1))
        self._send(struct.pack(">QII", OPTION, 1, 0))  # export "", the only one
        self.size, _ = struct.unpack(">QH", self._receive(10 if flags & 2 else 134)[:10])

    def _request(self, kind, offset, length, data=b""):
        self._send(REQUEST.pack(0x25609513, 0, kind, 1, offset, length) + data)
        magic, error, _ = struct.unpack(">IIQ", self._receive(16))
        if magic != REPLY:
            raise PluginError("BACKEND_ERROR", "qemu-nbd spoke another protocol")
        if error:
            symbol = {28: "NO_SPACE", 122: "QUOTA_EXCEEDED"}.get(error, "BACKEND_ERROR")
            raise PluginError(symbol, f"the image cannot be {'written' if kind == WRITE else 'read'}:"
                              f" {os.strerror(error)}", backend={"code": str(error), "message": os.strerror(error)})

    def read(self, offset, length):
        self._request(READ, offset, length)
        return self._receive(length)

    def write(self, offset, data):
        self._request(WRITE, offset, len(data), data)

    def flush(self):
        self._request(FLUSH, 0, 0)

    def _send(self, data):
        view = memoryview(data)
        while view:
            try:
                view = view[self.peer.send(view):]
            except TimeoutError:
                self.call.check()
            except OSError:
                raise self._failure("qemu-nbd went away") from None

    def _receive(self, length):
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                count = self.peer.recv_into(view)
            except TimeoutError:
                self.call.check()
                continue
            except OSError:
                count = 0
            if count == 0:
                raise self._failure("qemu-nbd went away")
            view = view[count:]
        self.call.check()
        return data

    def _failure(self, what):
        text = b""
        while select.select([self.errors], [], [], 1)[0]:
            part = os.read(self.errors, 4096)
            if not part:
                break
            text += part
        return tool_error(f"{what} (the image cannot be opened)", 1, text[-4096:].decode("utf-8", "replace").strip())

    def close(self):
        """Ends qemu-nbd and waits for it: afterwards nothing holds the image."""
        if self.peer is not None:
            with contextlib.suppress(OSError):
                self.peer.sendall(REQUEST.pack(0x25609513, 0, CLOSE, 1, 0, 0))
            self.peer.close()
            self.peer = None
        if self.pid is not None:
            for sig, grace in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, sig)
                end = time.monotonic() + grace
                while time.monotonic() < end:
                    if os.waitpid(self.pid, os.WNOHANG)[0]:
                        self.pid = None
                        break
                    time.sleep(0.005)
                if self.pid is None:
                    break
        if self.errors is not None:
            os.close(self.errors)
            self.errors = None
