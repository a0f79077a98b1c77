# SPDX-License-Identifier: Apache-2.0
"""Frames between a main station and concentrators, DTUs and always-on meters over TCP (R5.7), and finding them in a byte stream.

The message roles – register 3004, heartbeat 3003, readings 3043 or 3046, abnormal closure 3062 – are those of the Chongqing main-station
protocol; its byte layouts are published nowhere, so these are ours (``docs/protocols/station.md``):

``68 · length (2, whole frame) · version 01 · flags (1) · sequence (2) · terminal (8 BCD) · function (2) · content · CRC-16 (2)``

All big-endian, the CRC (1021, from 0) over everything before it. Flags: bit 7 from the main station, bit 6 answer, others 0. An answer has the
sequence and function of what it answers; its content is ``Receipt``.
"""

from dataclasses import dataclass
from enum import IntEnum

from openmains.wire import framing
from openmains.wire.crc import CRC16_XMODEM
from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

LAYER = "station"
START, VERSION = 0x68, 0x01
HEADER = 15
OVERHEAD = HEADER + 2 + 2  # with function and check
MAX_CONTENT = 510  # with its function at most a message of 512 bytes (R1.4)
DOWN, ANSWER = 0x80, 0x40


class Function(IntEnum):
    """Message roles. ``LINE`` is ours: bytes of the meters' line behind a terminal, both ways."""

    HEARTBEAT = 0x3003
    REGISTER = 0x3004
    READINGS = 0x3043
    READINGS_EXTENDED = 0x3046
    CLOSURE = 0x3062
    LINE = 0x3100


PUSHES = frozenset({Function.READINGS, Function.READINGS_EXTENDED, Function.CLOSURE})
"""What is about a meter: the content begins with its number (8 BCD)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``terminal``: 16 digits, of whoever is at the other end of the connection, whichever way the frame goes."""

    terminal: str
    sequence: int
    function: int
    content: bytes = b""
    down: bool = False
    answer: bool = False

    @property
    def message(self) -> bytes:
        """Function and content: what a driver page reads."""
        return self.function.to_bytes(2, "big") + self.content


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes; raises ``WireError`` for what a frame cannot carry."""
    if len(frame.content) > MAX_CONTENT:
        raise WireError(LAYER, HEADER + 2, "content too long")
    writer = Writer(LAYER)
    writer.u8(START)
    writer.u16be(OVERHEAD + len(frame.content))
    writer.u8(VERSION)
    writer.u8(DOWN * frame.down | ANSWER * frame.answer)
    writer.u16be(frame.sequence)
    writer.bcd_text(frame.terminal, 8, "big")
    writer.u16be(frame.function)
    writer.put(frame.content)
    body = writer.getvalue()
    return body + CRC16_XMODEM.of(body).to_bytes(2, "big")


def decode_frame_untrusted(data: bytes) -> Frame:
    """Exactly one frame; raises ``WireError`` with the offset in ``data``."""
    reader = Reader(data, LAYER)
    reader.expect(bytes((START,)), "no start byte")
    length = reader.u16be()
    if not OVERHEAD <= length <= OVERHEAD + MAX_CONTENT:
        raise reader.fail("length", 1)
    if length != len(data):
        raise reader.fail("truncated" if length > len(data) else "trailing bytes", min(length, len(data)))
    if CRC16_XMODEM.of(data[:-2]) != int.from_bytes(data[-2:], "big"):
        raise reader.fail("check", length - 2)
    if reader.u8() != VERSION:
        raise reader.fail("version", 3)
    flags = reader.u8()
    if flags & ~(DOWN | ANSWER):
        raise reader.fail("flags", 4)
    sequence, terminal, function = reader.u16be(), reader.bcd_text(8, "big"), reader.u16be()
    content = reader.take(length - OVERHEAD)
    return Frame(terminal, sequence, function, content, bool(flags & DOWN), bool(flags & ANSWER))


class Deframer(framing.Deframer[Frame]):
    """Frames out of a connection."""

    start = START
    __slots__ = ()

    def _size(self, at: int) -> int | None:
        buffer, left = self._buffer, len(self._buffer) - at
        if left < 3:
            return None
        length = int.from_bytes(buffer[at + 1 : at + 3], "big")
        is_false = not OVERHEAD <= length <= OVERHEAD + MAX_CONTENT or (left >= 4 and buffer[at + 3] != VERSION)
        return min(length, left) if is_false else length

    def _decode(self, data: bytes) -> Frame:
        return decode_frame_untrusted(data)
