# SPDX-FileCopyrightText: The Berth developers
# SPDX-License-Identifier: Apache-2.0
"""Set-id bits in archives: no plugin may make files with them, for on the host they would be the directory owner's."""

SET_ID = 0o6000
BLOCK = 512
PAX_LIMIT = 1 << 20


class PlainModes:
    """A tar archive on its way to tar, its set-user-id and set-group-id bits taken out and counted.

    An archive this reader and tar understand differently still makes no such file: the sandbox refuses the bits, and
    tar fails."""

    def __init__(self):
        self.dropped = 0
        self.rest, self.skip = b"", 0
        # The records of a pax header and the size they give to the next member; the size of a sparse file's data.
        self.pax, self.size = None, None
        self.extended, self.pending = False, 0

    def feed(self, data):
        """What can be passed on of the archive so far."""
        data, at, out = self.rest + data if self.rest else data, 0, []
        while True:
            if self.skip:
                part = data[at:at + self.skip]
                at, self.skip = at + len(part), self.skip - len(part)
                out.append(part)
                if self.pax is not None:
                    self.pax += part
                if self.skip:
                    break
                self._end_of_pax()
            if len(data) - at < BLOCK:
                break
            out.append(self._header(data[at:at + BLOCK]))
            at += BLOCK
        self.rest = data[at:]
        return b"".join(out)

    def end(self):
        """What is left when the archive has ended."""
        return self.rest

    def _end_of_pax(self):
        if self.pax is None:
            return
        records, self.pax = self.pax, None
        while (space := records.find(b" ")) > 0 and records[:space].isdigit():
            record, records = records[space + 1:int(records[:space])], records[int(records[:space]):]
            if record.startswith(b"size=") and record[5:-1].isdigit():
                self.size = int(record[5:-1])

    def _header(self, block):
        if self.extended:  # more of a sparse file's map
            self.extended = block[504] != 0
            if not self.extended:
                self._begin(self.pending)
            return block
        if not block.strip(b"\0"):
            return block
        kind, size = block[156:157], number(block[124:136])
        if kind not in b"xgLK":
            if self.size is not None:
                size, self.size = self.size, None
            block = self._plain(block)
        if kind == b"1":
            size = 0  # whatever it says, tar expects no data
        if kind == b"x" and size <= PAX_LIMIT:
            self.pax = b""
        if kind == b"S" and block[482]:
            self.extended, self.pending = True, size
        else:
            self._begin(size)
        return block

    def _plain(self, block):
        mode = number(block[100:108])
        if not mode & SET_ID:
            return block
        self.dropped += 1
        block = bytearray(block)
        block[100:108] = b"%07o\0" % (mode & ~SET_ID)
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    def _begin(self, size):
        self.skip = (size + BLOCK - 1) // BLOCK * BLOCK
        if not self.skip:
            self._end_of_pax()


def number(field):
    """A number of a tar header: octal digits, or with the first bit set big-endian bytes."""
    if field[0] & 0x80:
        return max(0, int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big"))
    digits = field.strip(b" \0").split(b"\0")[0].split(b" ")[0]
    return int(digits, 8) if digits and not digits.strip(b"01234567") else 0


def tell(call, dropped):
    """Says in the log what was left out."""
    if dropped:
        call.log(f"{dropped} entries of the archive lost their set-user-id or set-group-id bit: a plugin makes no such"
                 " files", "notice")
