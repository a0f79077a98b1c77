# SPDX-License-Identifier: Apache-2.0
"""Data units of CJ/T 188-2004: ``DI0 DI1 SER payload``.

Implementations disagree about the order of the two identifier bytes (90 1F or 1F 90), so the order is an argument
everywhere. Times are the meter's wall clock, BCD, low byte first: s m h D M YY CC. Identifiers of writes other than
A017 are from public descriptions and not confirmed against the text of the standard.
"""

from dataclasses import dataclass
from typing import Literal

from openmains.wire.cjt188.frame import LAYER
from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

IdOrder = Literal["high-first", "low-first"]

METERING = 0x901F
ADDRESS = 0x810A
PRICE = 0xA010
SETTLEMENT_DAY = 0xA011
READING_DAY = 0xA012
PURCHASE = 0xA013
KEY = 0xA014
TIME = 0xA015
VALVE = 0xA017

UNIT_CUBIC_METRE = 0x2C  # two decimals
VALVE_OPEN = 0x55
VALVE_CLOSE = 0x99


@dataclass(slots=True, frozen=True)
class DataUnit:
    """Identifier, serial number of the request, payload."""

    identifier: int
    serial: int
    payload: bytes = b""


@dataclass(slots=True, frozen=True)
class WallTime:
    """The meter's own calendar; the codec does not know its zone."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


@dataclass(slots=True, frozen=True)
class Metering:
    """Payload of a 901F answer: counts as on the dial (two decimals for unit 2C); ``time`` None = not set."""

    total: int
    total_unit: int
    settlement: int
    settlement_unit: int
    time: WallTime | None
    status: bytes


def encode_unit(unit: DataUnit, order: IdOrder = "high-first") -> bytes:
    """Bytes of a data unit."""
    writer = Writer(LAYER)
    writer.uint(unit.identifier, 2, "big" if order == "high-first" else "little")
    writer.u8(unit.serial)
    writer.put(unit.payload)
    return writer.getvalue()


def decode_unit_untrusted(data: bytes, order: IdOrder = "high-first") -> DataUnit:
    """A data unit; raises ``WireError`` with the offset in ``data``."""
    reader = Reader(data, LAYER)
    return DataUnit(reader.uint(2, "big" if order == "high-first" else "little"), reader.u8(), reader.rest())


def encode_time(time: WallTime | None) -> bytes:
    """Seven bytes; zeros when not set."""
    writer = Writer(LAYER)
    if time is None:
        return bytes(7)
    for value in (time.second, time.minute, time.hour, time.day, time.month):
        writer.bcd(value, 1, "little")
    writer.bcd(time.year, 2, "little")
    return writer.getvalue()


def decode_time_untrusted(data: bytes) -> WallTime | None:
    """None when all bytes are 00 or FF, which meters without a set clock send."""
    if data in (bytes(7), b"\xff" * 7):
        return None
    reader = Reader(data, LAYER)
    second, minute, hour, day, month = (reader.bcd(1, "little") for _ in range(5))
    year = reader.bcd(2, "little")
    reader.finish()
    if not (second < 60 and minute < 60 and hour < 24 and 1 <= day <= days_in(year, month) and year >= 1):
        raise WireError(LAYER, 0, "no such time")
    return WallTime(year, month, day, hour, minute, second)


def days_in(year: int, month: int) -> int:
    """Days of a month, 0 for a month outside 1..12."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return (0, 31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month] if 1 <= month <= 12 else 0


def encode_metering(value: Metering) -> bytes:
    """Payload of a 901F answer, 19 bytes."""
    writer = Writer(LAYER)
    for count, unit in ((value.total, value.total_unit), (value.settlement, value.settlement_unit)):
        writer.bcd(count, 4, "little")
        writer.u8(unit)
    writer.put(encode_time(value.time))
    if len(value.status) != 2:
        raise writer.fail("value does not fit its field")
    writer.put(value.status)
    return writer.getvalue()


def decode_metering_untrusted(payload: bytes) -> Metering:
    """Payload of a 901F answer of a water or gas meter; raises ``WireError``."""
    reader = Reader(payload, LAYER)
    total, total_unit = reader.bcd(4, "little"), reader.u8()
    settlement, settlement_unit = reader.bcd(4, "little"), reader.u8()
    at = reader.position
    try:
        time = decode_time_untrusted(reader.take(7))
    except WireError as bad:
        raise WireError(LAYER, at + (bad.offset if bad.reason != "truncated" else 0), bad.reason) from None
    status = reader.take(2)
    reader.finish()
    return Metering(total, total_unit, settlement, settlement_unit, time, status)
