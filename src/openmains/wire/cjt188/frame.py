# SPDX-License-Identifier: Apache-2.0
"""CJ/T 188-2004 link frames (R3.2): bytes ⇄ ``Frame``, and finding frames in a byte stream.

``FE… 68 T A0..A6 C L data CS 16``: T meter type, A0..A6 address as BCD with the low byte first, C control code, L bytes
of data, CS the sum of all bytes from 68 to the last data byte modulo 256. FE bytes before 68 wake the receiver and mean
nothing. The length of a frame is bounded, so a false start of frame is given up after 113 bytes at most.
"""

from dataclasses import dataclass

from openmains.wire import framing
from openmains.wire.cursor import Reader
from openmains.wire.errors import WireError

LAYER = "cjt188"
PREAMBLE = 0xFE
START = 0x68
END = 0x16
MAX_DATA = 0x64  # the longest data a frame may carry
HEADER = 11  # 68 T A0..A6 C L
OVERHEAD = HEADER + 2
BROADCAST = "A" * 14
ANY_TYPE = 0xAA  # in questions to a meter of unknown type
ANSWER = 0x80
ERROR = 0x40

READ = 0x01
READ_ADDRESS = 0x03
WRITE = 0x04
WRITE_ADDRESS = 0x15
SET_REGISTER = 0x16


@dataclass(slots=True, frozen=True)
class Frame:
    """One link frame. ``meter_type``: 10–19 water, 20–29 heat, 30–39 gas (hex). ``address``: 14 digits or BROADCAST."""

    meter_type: int
    address: str
    control: int
    data: bytes

    @property
    def is_answer(self) -> bool:
        """Sent by the meter."""
        return bool(self.control & ANSWER)

    @property
    def is_error(self) -> bool:
        """The meter refuses (bit 6 of C)."""
        return bool(self.control & ERROR)

    @property
    def function(self) -> int:
        """Control code without direction and error bits: READ, WRITE, …"""
        return self.control & 0x3F


def checksum(data: bytes) -> int:
    """CS over these bytes, 68 included."""
    return sum(data) & 0xFF


def encode_frame(frame: Frame, preamble: int = 0) -> bytes:
    """The frame's bytes after ``preamble`` FE bytes; raises ``WireError`` for what a frame can not carry."""
    if len(frame.data) > MAX_DATA:
        raise WireError(LAYER, HEADER - 1, "data too long")
    if not 0x10 <= frame.meter_type <= 0x49 and frame.meter_type != ANY_TYPE:
        raise WireError(LAYER, 1, "meter type")
    if not 0 <= frame.control <= 0xFF:
        raise WireError(LAYER, 9, "control code")
    body = bytes([START, frame.meter_type]) + encode_address(frame.address)
    body += bytes([frame.control, len(frame.data)]) + frame.data
    return bytes([PREAMBLE]) * preamble + body + bytes([checksum(body), END])


def encode_address(address: str) -> bytes:
    """A0..A6: two digits a byte, the last two digits first."""
    digits = address.isascii() and address.isdigit() and len(address) == 14
    if not digits and address != BROADCAST:
        raise WireError(LAYER, 2, "address")
    return bytes.fromhex(address)[::-1]


def decode_frame_untrusted(data: bytes) -> Frame:
    """Exactly one frame, FE bytes before it allowed; raises ``WireError`` with the offset in ``data``."""
    reader = Reader(data, LAYER)
    while reader.remaining and reader.peek() == PREAMBLE:
        reader.skip(1)
    start = reader.position
    reader.expect(bytes([START]), "no start byte")
    meter_type = reader.u8()
    if not 0x10 <= meter_type <= 0x49 and meter_type != ANY_TYPE:
        raise reader.fail("meter type", start + 1)
    raw = reader.take(7)
    address = raw[::-1].hex().upper()
    if address != BROADCAST:
        for index, byte in enumerate(raw):
            if byte >> 4 > 9 or byte & 15 > 9:
                raise reader.fail("address", start + 2 + index)
    control = reader.u8()
    length = reader.u8()
    if length > MAX_DATA:
        raise reader.fail("data too long", start + HEADER - 1)
    payload = reader.take(length)
    if reader.u8() != checksum(data[start : start + HEADER + length]):
        raise reader.fail("checksum", start + HEADER + length)
    reader.expect(bytes([END]), "no end byte")
    reader.finish()
    return Frame(meter_type, address, control, payload)


def find_frames(data: bytes) -> list[tuple[int, int]]:
    """(offset, length) of every frame in one message whose marks and sum are good, whatever it says; none overlap.

    Gateways hand on what they heard: the echo of the question, wake-up bytes, noise before and after the answer.
    """
    found: list[tuple[int, int]] = []
    at = data.find(START)
    while 0 <= at <= len(data) - OVERHEAD:
        length = data[at + HEADER - 1]
        end = at + HEADER + length
        if length <= MAX_DATA and end + 2 <= len(data) and data[end + 1] == END and data[end] == checksum(data[at:end]):
            found.append((at, end + 2 - at))
            at = data.find(START, end + 2)
        else:
            at = data.find(START, at + 1)
    return found


class Deframer(framing.Deframer[Frame]):
    """Frames out of a line, between FE bytes and noise."""

    start, preamble = START, PREAMBLE
    __slots__ = ()

    def _size(self, at: int) -> int | None:
        length_at = at + HEADER - 1
        if length_at >= len(self._buffer):
            return None
        if self._buffer[length_at] > MAX_DATA:
            raise WireError(LAYER, HEADER - 1, "data too long")
        return self._buffer[length_at] + OVERHEAD

    def _decode(self, data: bytes) -> Frame:
        return decode_frame_untrusted(data)
