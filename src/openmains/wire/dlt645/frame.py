# SPDX-License-Identifier: Apache-2.0
"""DL/T 645-2007 link frames, which concentrators for electricity meters speak, and CJ/T 188 frames carried in them (R3.2).

``FE… 68 A0..A5 68 C L data CS 16``: six address bytes as BCD, low byte first (AA: everyone), every data byte sent with 33H added, CS the sum
from the first 68 to the last data byte modulo 256. Data identifiers have four bytes, low byte first.

What a gas or water meter's frame is carried under is each concentrator's own; here it is an identifier that the caller names, and behind it
the CJ/T 188 frame as it is.
"""

from dataclasses import dataclass

from openmains.wire import framing
from openmains.wire.cursor import Reader
from openmains.wire.errors import WireError

LAYER = "dlt645"
PREAMBLE, START, END = 0xFE, 0x68, 0x16
HEADER = 10  # 68 A0..A5 68 C L
OVERHEAD = HEADER + 2
MAX_DATA = 200
BROADCAST = "A" * 12
ANSWER, ERROR, MORE = 0x80, 0x40, 0x20
READ = 0x11
IDENTIFIER = 4
_SHIFT = bytes((value + 0x33) & 0xFF for value in range(256))
_UNSHIFT = bytes((value - 0x33) & 0xFF for value in range(256))


@dataclass(frozen=True, slots=True)
class Frame:
    """``address``: 12 digits or BROADCAST. ``data`` as it is meant, without the 33H."""

    address: str
    control: int
    data: bytes = b""

    @property
    def is_answer(self) -> bool:
        return bool(self.control & ANSWER)

    @property
    def is_error(self) -> bool:
        return bool(self.control & ERROR)


def encode_frame(frame: Frame, preamble: int = 0) -> bytes:
    """The frame's bytes after ``preamble`` FE bytes; raises ``WireError`` for what a frame cannot carry."""
    digits = frame.address.isascii() and frame.address.isdigit() and len(frame.address) == 12
    if not digits and frame.address != BROADCAST:
        raise WireError(LAYER, 1, "address")
    if not 0 <= frame.control <= 0xFF:
        raise WireError(LAYER, 8, "control code")
    if len(frame.data) > MAX_DATA:
        raise WireError(LAYER, 9, "data too long")
    body = bytes((START,)) + bytes.fromhex(frame.address)[::-1] + bytes((START, frame.control, len(frame.data)))
    body += frame.data.translate(_SHIFT)
    return bytes((PREAMBLE,)) * preamble + body + bytes((sum(body) & 0xFF, END))


def decode_frame_untrusted(data: bytes) -> Frame:
    """Exactly one frame, FE bytes before it allowed; raises ``WireError`` with the offset in ``data``."""
    reader = Reader(data, LAYER)
    while reader.remaining and reader.peek() == PREAMBLE:
        reader.skip(1)
    start = reader.position
    reader.expect(bytes((START,)), "no start byte")
    raw = reader.take(6)
    address = raw[::-1].hex().upper()
    if address != BROADCAST:
        for index, byte in enumerate(raw):
            if byte >> 4 > 9 or byte & 15 > 9:
                raise reader.fail("address", start + 1 + index)
    reader.expect(bytes((START,)), "no second start byte")
    control, length = reader.u8(), reader.u8()
    if length > MAX_DATA:
        raise reader.fail("data too long", start + 9)
    payload = reader.take(length)
    if reader.u8() != sum(data[start : start + HEADER + length]) & 0xFF:
        raise reader.fail("checksum", start + HEADER + length)
    reader.expect(bytes((END,)), "no end byte")
    reader.finish()
    return Frame(address, control, payload.translate(_UNSHIFT))


def carry(address: str, control: int, identifier: int, payload: bytes) -> Frame:
    """A frame of another protocol in one of this one; raises ``WireError`` when it is too long."""
    if not 0 <= identifier < 1 << 32:
        raise WireError(LAYER, HEADER, "data identifier")
    if len(payload) > MAX_DATA - IDENTIFIER:
        raise WireError(LAYER, 9, "data too long")
    return Frame(address, control, identifier.to_bytes(IDENTIFIER, "little") + payload)


def carried_untrusted(frame: Frame, identifier: int) -> bytes:
    """What ``frame`` carries under this identifier; raises ``WireError`` for another one, or none."""
    reader = Reader(frame.data, LAYER)
    if reader.uint(IDENTIFIER, "little") != identifier:
        raise reader.fail("data identifier", 0)
    return reader.rest()


class Deframer(framing.Deframer[Frame]):
    """Frames out of a line, between FE bytes and noise."""

    start, preamble = START, PREAMBLE
    __slots__ = ()

    def _size(self, at: int) -> int | None:
        left = len(self._buffer) - at
        size = OVERHEAD + self._buffer[at + 9] if left >= HEADER else OVERHEAD
        is_false = (left > 7 and self._buffer[at + 7] != START) or size > OVERHEAD + MAX_DATA
        return min(size, left) if is_false else size

    def _decode(self, data: bytes) -> Frame:
        return decode_frame_untrusted(data)
