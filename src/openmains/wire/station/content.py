# SPDX-License-Identifier: Apache-2.0
"""Contents that a main station and a terminal exchange about themselves, and whose meter a push is about.

What a push says of a meter is read by a driver page (``drivers/station``), not here.
"""

from dataclasses import dataclass
from enum import IntEnum

from openmains.wire.cursor import Reader, Writer
from openmains.wire.station.frame import LAYER, Function


class Kind(IntEnum):
    """Who is at the other end."""

    METER = 1
    CONCENTRATOR = 2
    DTU = 3


@dataclass(frozen=True, slots=True)
class Registration:
    """3004. ``wakes``: 0 always on, 1 every day, 2 every 旬, 3 every month, at ``wake_minute`` of the day, for ``window_min``."""

    kind: Kind
    wakes: int = 0
    wake_minute: int = 0
    window_min: int = 0
    firmware: int = 0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """3003: the terminal's clock (s since 1970 UTC) and signal (dBm)."""

    at: int
    signal_dbm: int


class Verdict(IntEnum):
    """What became of a message."""

    STORED = 0
    MALFORMED = 1
    UNKNOWN_TERMINAL = 2
    UNKNOWN_METER = 3
    BUSY = 4
    NOT_REGISTERED = 5
    SECOND_PUSH = 6
    TOO_MANY = 7
    UNKNOWN_FUNCTION = 8


@dataclass(frozen=True, slots=True)
class Receipt:
    """Content of every answer of the main station, with its clock (R1.13)."""

    verdict: Verdict
    at: int
    utc_offset_min: int


def encode_registration(value: Registration) -> bytes:
    writer = Writer(LAYER)
    writer.u8(value.kind)
    writer.u8(value.wakes)
    writer.u16be(value.wake_minute)
    writer.u8(value.window_min)
    writer.u32be(value.firmware)
    return writer.getvalue()


def decode_registration_untrusted(content: bytes) -> Registration:
    """Raises ``WireError``."""
    reader = Reader(content, LAYER)
    kind, wakes, minute, window, firmware = reader.u8(), reader.u8(), reader.u16be(), reader.u8(), reader.u32be()
    reader.finish()
    if kind not in tuple(Kind):
        raise reader.fail("kind", 0)
    if wakes > 3:
        raise reader.fail("wake period", 1)
    if minute >= 24 * 60:
        raise reader.fail("wake time", 2)
    return Registration(Kind(kind), wakes, minute, window, firmware)


def encode_heartbeat(value: Heartbeat) -> bytes:
    writer = Writer(LAYER)
    writer.u32be(value.at)
    writer.i16be(value.signal_dbm)
    return writer.getvalue()


def decode_heartbeat_untrusted(content: bytes) -> Heartbeat:
    """Raises ``WireError``."""
    reader = Reader(content, LAYER)
    value = Heartbeat(reader.u32be(), reader.i16be())
    reader.finish()
    return value


def encode_receipt(value: Receipt) -> bytes:
    writer = Writer(LAYER)
    writer.u8(value.verdict)
    writer.u32be(value.at)
    writer.i16be(value.utc_offset_min)
    return writer.getvalue()


def decode_receipt_untrusted(content: bytes) -> Receipt:
    """Raises ``WireError``."""
    reader = Reader(content, LAYER)
    verdict, at, offset = reader.u8(), reader.u32be(), reader.i16be()
    reader.finish()
    if verdict not in tuple(Verdict):
        raise reader.fail("verdict", 0)
    return Receipt(Verdict(verdict), at, offset)


def meter_number_untrusted(content: bytes) -> str:
    """Whose push it is: 16 digits; raises ``WireError``."""
    return Reader(content, LAYER).bcd_text(8, "big")


def knows(function: int) -> bool:
    """Whether this is one of our message roles."""
    return function in tuple(Function)
