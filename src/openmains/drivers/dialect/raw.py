# SPDX-License-Identifier: Apache-2.0
"""The bytes of one field → its raw number, and the raw number → the point's value. Exact: a float is taken to so many decimals once, here.

``cp16``, ``cp32`` and ``cp48`` are the packed clocks of EN 13757-3, annex A (types G, F and I).
"""

import math
import struct
from datetime import UTC, datetime, timedelta

from openmains.drivers.dialect.page import MOST_RAW, Leaf
from openmains.drivers.model import MISSING_VALUE

MOST_TEXT = 32  # bytes of a number in digits


def raw_of(leaf: Leaf, part: bytes, utc_offset_s: int) -> tuple[int | None, str]:
    """Raw number of the field's bytes, or None and why there is none; ``MISSING_VALUE``: a clock that was never set."""
    if leaf.form == "clock":
        return _clock(leaf, part, utc_offset_s)
    if leaf.form == "packed clock":
        return _packed_clock(part, utc_offset_s)
    if leaf.form == "digits" and len(part) > MOST_TEXT:
        return None, "is longer than a number"
    if leaf.form == "digits":
        text = part.decode("ascii", "replace").strip(" \0")
        return (int(text), "") if text.isascii() and text.isdigit() else (None, "is no digits")
    ordered = _ordered(leaf.order, part)
    if leaf.form == "bcd":
        digits = ordered.hex()
        if leaf.missing and int(digits, 16) in leaf.missing:
            return MISSING_VALUE, ""
        sign = 1
        if leaf.sign_bit and ordered[0] & 0x80:
            sign, digits = -1, bytes((ordered[0] & 0x7F, *ordered[1:])).hex()
        return (sign * int(digits), "") if digits.isdecimal() else (None, "has a digit above 9")
    if leaf.form == "float":
        (number,) = struct.unpack(">f" if len(ordered) == 4 else ">d", ordered)
        if not math.isfinite(number) or abs(number) * 10**leaf.decimals >= MOST_RAW:
            return None, "is no number"
        return round(number * 10**leaf.decimals), ""
    value = int.from_bytes(ordered, "big", signed=leaf.signed)
    if leaf.sign_bit:
        top = 1 << (8 * len(ordered) - 1)
        value = -(value & ~top) if value & top else value
    return value, ""


def scaled(leaf: Leaf, raw: int, scale: int) -> int:
    """The point's value: (raw + plus) · scale / divide, to the nearest, halves away from zero."""
    value = (raw + leaf.plus) * scale
    if leaf.divide == 1:
        return value
    half = (2 * abs(value) + leaf.divide) // (2 * leaf.divide)
    return half if value >= 0 else -half


def _ordered(order: str, part: bytes) -> bytes:
    """The bytes, highest first."""
    if order in ("little", "big-swapped") and len(part) > 1:
        part = part[::-1] if order == "little" else b"".join(part[at : at + 2] for at in range(len(part) - 2, -1, -2))
    elif order == "little-swapped":
        part = b"".join(part[at : at + 2][::-1] for at in range(0, len(part), 2))
    return part


def _clock(leaf: Leaf, part: bytes, utc_offset_s: int) -> tuple[int | None, str]:
    if part in (bytes(len(part)), b"\xff" * len(part)):
        return MISSING_VALUE, ""
    said: dict[str, int] = {}
    for place, byte in enumerate(part):
        pair = leaf.clock[2 * place : 2 * place + 2]
        if leaf.is_bcd_clock and (byte >> 4 > 9 or byte & 15 > 9) and pair != "--":
            return None, "has a digit above 9"
        said[pair] = (byte >> 4) * 10 + (byte & 15) if leaf.is_bcd_clock else byte
    year = said.get("CC", 20) * 100 + said.get("YY", 0)
    try:
        wall = datetime(
            year,
            said.get("MM", 1),
            said.get("DD", 1),
            said.get("hh", 0),
            said.get("mm", 0),
            said.get("ss", 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None, "is no date"
    return int(wall.timestamp()) - utc_offset_s, ""


def _packed_clock(part: bytes, utc_offset_s: int) -> tuple[int | None, str]:
    """Of a date alone its midnight. Marked invalid, or without a day: not known."""
    size, second, minute, hour = len(part), 0, 0, 0
    is_invalid = is_summer = False
    if size == 2:
        days = part
    elif size == 4:
        minute, hour, days = part[0] & 63, part[1] & 31, part[2:]
        is_invalid, is_summer = bool(part[0] & 0x80), bool(part[1] & 0x80)
    else:
        second, minute, hour, days = part[0] & 63, part[1] & 63, part[2] & 31, part[3:5]
        is_invalid, is_summer = bool(part[1] & 0x80), bool(part[0] & 0x40)
    day, month, year = days[0] & 31, days[1] & 15, days[0] >> 5 | days[1] >> 4 << 3
    if is_invalid or not day or not month or days == b"\xff\xff":
        return MISSING_VALUE, ""
    if year > 99:
        return None, "is no date"
    try:
        wall = datetime(2000 + year if year <= 80 else 1900 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None, "is no date"
    return int((wall - timedelta(hours=is_summer)).timestamp()) - utc_offset_s, ""
