# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Whether an NFS server answers, asked with RPC's own empty call (RFC 5531) and never for long: work on a mount whose
server is gone waits inside the kernel, where neither cancel nor deadline reach it."""

import os
import socket
import struct

PORT = 2049
SECONDS = 3
NFS, VERSION = 100003, 4
CALL = struct.Struct(">10I")
RECORD = struct.Struct(">I")
REPLY = struct.Struct(">II")


def answers(host):
    """True when something at `host` speaks RPC. The address is the host's listener for the granted endpoint."""
    ident = int.from_bytes(os.urandom(4), "big")
    call = CALL.pack(ident, 0, 2, NFS, VERSION, 0, 0, 0, 0, 0)
    try:
        with socket.create_connection((host, PORT), SECONDS) as connection:
            connection.settimeout(SECONDS)
            connection.sendall(RECORD.pack(0x80000000 | len(call)) + call)
            (mark,) = RECORD.unpack(receive(connection, RECORD.size))
            if mark & 0x7FFFFFFF < REPLY.size:
                return False
            return REPLY.unpack(receive(connection, REPLY.size)) == (ident, 1)
    except OSError:
        return False


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("closed early")
        data += part
    return data
