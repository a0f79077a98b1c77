# SPDX-License-Identifier: Apache-2.0
"""CJ/T 188-2004 as a driver: a 901F answer becomes one register (R3.2).

A hook and not a table because of the FE preamble, the sum check, the calendar time, and the identifier order. Frames
are read column-wise all the same; a frame that fails is read again by ``wire.cjt188``, which names the byte. A time
that is not set, or that is no date, leaves the register its value: it is then dated by its arrival.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmains.drivers.cjt188 import commands
from openmains.drivers.cjt188.options import Options, StatusBits, read_options
from openmains.drivers.model import Columns, Driver, EncodeError, FieldTrace, Ints, Kind, Rejected
from openmains.drivers.page import Page
from openmains.drivers.points import vocabulary
from openmains.wire.cjt188.data import (
    METERING,
    TIME,
    UNIT_CUBIC_METRE,
    DataUnit,
    IdOrder,
    Metering,
    encode_metering,
    encode_time,
    encode_unit,
)
from openmains.wire.cjt188.frame import (
    ANSWER,
    ERROR,
    READ,
    WRITE,
    Frame,
    checksum,
    decode_frame_untrusted,
    encode_frame,
)
from openmains.wire.cjt188.wall import to_wall
from openmains.wire.errors import WireError

SIZE = 35  # 68 T A7 C L, 22 data bytes, CS 16
DATA = 11
TOTAL, TOTAL_UNIT, SETTLEMENT, SETTLEMENT_UNIT, TIME_AT, STATUS = 14, 18, 19, 23, 24, 31
FAMILY = {"water": 0x10, "gas": 0x30}
_LAYOUT: tuple[tuple[int, int, str], ...] = (
    (0, 1, "start"),
    (1, 1, "meter_type"),
    (2, 7, "address"),
    (9, 1, "control"),
    (10, 1, "length"),
    (11, 2, "identifier"),
    (13, 1, "serial"),
    (14, 4, "total"),
    (18, 1, "total_unit"),
    (19, 4, "settlement"),
    (23, 1, "settlement_unit"),
    (24, 7, "time"),
    (31, 2, "status"),
    (33, 1, "checksum"),
    (34, 1, "end"),
)
_REASONS = {"truncated": "length", "trailing bytes": "length", "checksum": "crc", "not a decimal digit": "bcd"}
_POINTS = frozenset({"device_at", "register", "register_at", "settlement", "meter_number", "device_type", "status"})


@dataclass(slots=True, frozen=True)
class _Fault:
    reason: str
    offset: int
    detail: str


class Cjt188Driver(Driver):
    """Water or gas meter after CJ/T 188-2004."""

    def __init__(self, page: Page) -> None:
        self.name = page.name
        self.medium = page.medium
        self.title = page.title
        self.grade = page.grade
        self.unit_exponent = page.unit_exponent
        self.vectors = page.vectors
        self.encodes = True
        self.command_kinds = commands.KINDS
        self.options: Options = read_options(page)
        words = vocabulary().events
        self._events = [(words[name].bit, bits) for name, bits in self.options.events.items()]
        self._known = sum(1 << bit for bit, _ in self._events)
        self._family = FAMILY[page.medium]
        self._ids = _identifiers(self.options.id_order, METERING)
        valve = {"valve"} if self.options.valve else set()
        self.points = _POINTS | valve | {"register_values", "register_instants"}

    def check(self, payload: bytes) -> str | None:
        fault = self._fault(payload)
        return fault.reason if fault else None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        rows: list[int] = []
        bare: list[bytes] = []
        bad: list[int] = []
        for row, payload in enumerate(payloads):
            frame = payload if len(payload) == SIZE else payload.lstrip(b"\xfe")
            if len(frame) == SIZE:
                rows.append(row)
                bare.append(frame)
            else:
                bad.append(row)
        found: list[Columns] = []
        if rows:
            data = np.frombuffer(b"".join(bare), np.uint8).reshape(len(rows), SIZE)
            good = self._good(data)
            if not good.all():
                bad += [row for row, ok in zip(rows, good.tolist(), strict=True) if not ok]
                rows = [row for row, ok in zip(rows, good.tolist(), strict=True) if ok]
                data = data[good]
            if rows:
                arrived = np.array([received_at[row] for row in rows], np.int64)
                found.append(self._columns(data, rows, arrived))
        rejected = []
        for row in sorted(bad):
            fault = self._fault(payloads[row]) or _Fault("driver", 0, "the two readers disagree")
            rejected.append(Rejected(row, fault.reason, fault.offset, fault.detail))
        return found, rejected

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        """Nothing, or with ``clock_answer = "write-time"`` a write of A015 with the wall clock of the meter's zone."""
        if self.options.clock_answer == "none" or self._fault(payload) is not None:
            return b""
        frame = decode_frame_untrusted(payload)
        order: IdOrder = "high-first" if frame.data[:2] == METERING.to_bytes(2, "big") else "low-first"
        wall = encode_time(to_wall(now_s + self.options.utc_offset_s))
        unit = DataUnit(TIME, (frame.data[2] + 1) & 0xFF, wall)
        return encode_frame(Frame(frame.meter_type, frame.address, WRITE, encode_unit(unit, order)))

    def explain(self, payload: bytes) -> list[FieldTrace]:
        at = len(payload) - len(payload.lstrip(b"\xfe")) if len(payload) != SIZE else 0
        found = [FieldTrace(0, at, "preamble", payload[:at].hex(), "")] if at else []
        layout = _LAYOUT
        body = payload[at:]
        metering = len(body) == SIZE and body[10] == SIZE - 13
        if not metering:
            size = max(len(body) - DATA - 2, 0)
            layout = (*_LAYOUT[:5], (DATA, size, "data"), (DATA + size, 1, "checksum"), (DATA + size + 1, 1, "end"))
        for offset, length, name in layout:
            part = body[offset : offset + length]
            if part:
                text = self._text(name, part, body) if len(part) == length else "cut"
                found.append(FieldTrace(at + offset, len(part), name, part.hex(), text))
        return found

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        """A 901F answer: ``register_values``/``register_instants`` of one entry (instant 0: clock not set),
        ``meter_number``, and optionally ``settlement``, ``device_type``, ``status``, ``valve``, ``events``."""
        if kind != Kind.REGISTERS:
            raise EncodeError("CJ/T 188 carries registers only")
        register, instant = _single(values, "register_values"), _single(values, "register_instants")
        factor = self.options.units[UNIT_CUBIC_METRE]
        settlement = _number(values, "settlement", 0)
        if register % factor or settlement % factor:
            raise EncodeError(f"the dial counts in steps of {factor}")
        try:
            wall = to_wall(instant + self.options.utc_offset_s) if instant else None
        except (OverflowError, ValueError, OSError):
            raise EncodeError("the instant is no date") from None
        metering = Metering(
            register // factor, UNIT_CUBIC_METRE, settlement // factor, UNIT_CUBIC_METRE, wall, self._status(values)
        )
        try:
            order: IdOrder = "low-first" if self.options.id_order == "low-first" else "high-first"
            data = encode_unit(DataUnit(METERING, _number(values, "serial", 0), encode_metering(metering)), order)
            meter_type = _number(values, "device_type", self._family)
            address = str(_number(values, "meter_number", 0)).zfill(14)
            return encode_frame(Frame(meter_type, address, READ | ANSWER, data))
        except WireError as bad:
            raise EncodeError(str(bad)) from None

    def command_body(
        self, kind: str, params: Mapping[str, object], *, serial: int, counter: int, not_after: int
    ) -> bytes:
        """The whole frame: there is no place for counter, validity and MAC."""
        order: IdOrder = "low-first" if self.options.id_order == "low-first" else "high-first"
        return commands.body(kind, params, serial, self._family, order)

    def command(
        self,
        kind: str,
        params: Mapping[str, object],
        *,
        serial: int,
        counter: int,
        not_after: int,
        mac: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        return self.command_body(kind, params, serial=serial, counter=counter, not_after=not_after)

    def _status(self, values: Mapping[str, object]) -> bytes:
        raw = bytearray(_number(values, "status", 0).to_bytes(2, "big"))
        valve = values.get("valve")
        bits = self.options.valve
        if bits is not None and isinstance(valve, int):
            now = raw[bits.byte] & bits.mask
            if valve < 2:
                now = bits.values[valve]
            elif now in bits.values:  # fault or unknown: any other value, all ones where that is free
                now = next(v for v in range(255, -1, -1) if v & ~bits.mask == 0 and v not in bits.values)
            raw[bits.byte] = raw[bits.byte] & ~bits.mask | now
        events = values.get("events")
        if isinstance(events, list | tuple | set | frozenset):
            for name in events:
                if name not in self.options.events:
                    raise EncodeError(f"the status can not carry {name}")
            for name, item in self.options.events.items():
                if (raw[item.byte] & item.mask == item.values[0]) != (name in events):
                    raw[item.byte] &= ~item.mask & 0xFF
                    raw[item.byte] |= item.values[0] if name in events else _inactive(item)
        return bytes(raw)

    def _good(self, data: NDArray[np.uint8]) -> NDArray[np.bool_]:
        good: NDArray[np.bool_] = (data[:, 0] == 0x68) & (data[:, 9] == READ | ANSWER) & (data[:, 10] == SIZE - 13)
        good &= (data[:, 34] == 0x16) & (data[:, :33].sum(axis=1, dtype=np.uint32) & 0xFF == data[:, 33])
        good &= (data[:, 1] & 0xF0 == self._family) & (data[:, 1] & 0x0F <= 9)
        identifier = data[:, 11].astype(np.int64) << 8 | data[:, 12]
        good &= np.isin(identifier, self._ids)
        for offset, size in ((2, 7), (TOTAL, 4), (SETTLEMENT, 4)):
            part = data[:, offset : offset + size]
            good &= ((part >> 4 <= 9) & (part & 15 <= 9)).all(axis=1)
        units = np.array(list(self.options.units), np.uint8)
        good &= np.isin(data[:, TOTAL_UNIT], units) & np.isin(data[:, SETTLEMENT_UNIT], units)
        return good

    def _columns(self, data: NDArray[np.uint8], rows: list[int], arrived: Ints) -> Columns:
        factors = np.zeros(256, np.int64)
        for code, factor in self.options.units.items():
            factors[code] = factor
        register = _bcd(data[:, TOTAL : TOTAL + 4]) * factors[data[:, TOTAL_UNIT]]
        wall, is_set = _instants(data[:, TIME_AT : TIME_AT + 7])
        at = np.where(is_set, wall - self.options.utc_offset_s, arrived)
        points = {
            "device_at": at,
            "register": register,
            "register_at": at,
            "settlement": _bcd(data[:, SETTLEMENT : SETTLEMENT + 4]) * factors[data[:, SETTLEMENT_UNIT]],
            "meter_number": _bcd(data[:, 2:9]),
            "device_type": data[:, 1].astype(np.int64),
            "status": data[:, STATUS].astype(np.int64) << 8 | data[:, STATUS + 1],
        }
        valve = self.options.valve
        if valve is not None:
            raw = data[:, STATUS + valve.byte] & valve.mask
            points["valve"] = np.where(raw == valve.values[0], 0, np.where(raw == valve.values[1], 1, 2))
        mask: Ints | None = None
        if self._events:
            mask = np.zeros(len(rows), np.int64)
            for bit, item in self._events:
                mask |= (data[:, STATUS + item.byte] & item.mask == item.values[0]).astype(np.int64) << bit
        series = {"register_values": register[:, None], "register_instants": at[:, None]}
        return Columns(Kind.REGISTERS, rows, points, series, mask, self._known)

    def _fault(self, payload: bytes) -> _Fault | None:
        try:
            frame = decode_frame_untrusted(payload)
        except WireError as bad:
            return _Fault(_REASONS.get(bad.reason, "magic"), bad.offset, bad.reason)
        at = len(payload) - len(frame.data) - 13
        if frame.meter_type & 0xF0 != self._family or frame.meter_type & 15 > 9:
            return _Fault("type", at + 1, f"meter type {frame.meter_type:02x} is no {self.medium} meter")
        if frame.address.startswith("A"):
            return _Fault("bcd", at + 2, "the broadcast address is no meter's")
        if frame.control != READ | ANSWER:
            detail = "the meter refuses" if frame.control & ERROR else f"control {frame.control:02x} is no read answer"
            return _Fault("type", at + 9, detail)
        if len(frame.data) != SIZE - 13:
            return _Fault("length", at + 10, f"a 901F answer has {SIZE - 13} data bytes, not {len(frame.data)}")
        if int.from_bytes(frame.data[:2], "big") not in self._ids:
            return _Fault("type", at + DATA, f"data identifier {frame.data[:2].hex()}")
        for offset in (TOTAL, SETTLEMENT):
            for index in range(at + offset, at + offset + 4):
                if payload[index] >> 4 > 9 or payload[index] & 15 > 9:
                    return _Fault("bcd", index, "a digit above 9")
            if payload[at + offset + 4] not in self.options.units:
                return _Fault("range", at + offset + 4, f"unit code {payload[at + offset + 4]:02x}")
        return None

    def _text(self, name: str, part: bytes, body: bytes) -> str:
        if name in ("address", "total", "settlement"):
            return part[::-1].hex()
        if name == "time":
            wall, is_set = _instants(np.frombuffer(part, np.uint8).reshape(1, 7))
            return str(int(wall[0]) - self.options.utc_offset_s) if is_set[0] else "not set"
        if name in ("total_unit", "settlement_unit"):
            return "known" if part[0] in self.options.units else "unknown"
        if name == "checksum":
            right = checksum(body[:-2])
            return "good" if part[0] == right else f"wrong, {right:02x} expected"
        return part.hex()


def _identifiers(order: str, identifier: int) -> list[int]:
    swapped = (identifier & 0xFF) << 8 | identifier >> 8
    return {"high-first": [identifier], "low-first": [swapped]}.get(order, [identifier, swapped])


def _bcd(block: NDArray[np.uint8]) -> Ints:
    digits = (block >> 4) * np.int64(10) + (block & 15)
    total: Ints = digits @ (100 ** np.arange(block.shape[1], dtype=np.int64))
    return total


def _instants(block: NDArray[np.uint8]) -> tuple[Ints, NDArray[np.bool_]]:
    """Wall-clock seconds since 1970 of s m h D M YY CC, and where they are a date of the years 2000 to 2099."""
    digits = (block >> 4) * np.int64(10) + (block & 15)
    second, minute, hour, day, month = (digits[:, k] for k in range(5))
    year = digits[:, 6] * 100 + digits[:, 5]
    good = ((block >> 4 <= 9) & (block & 15 <= 9)).all(axis=1)
    good &= (second < 60) & (minute < 60) & (hour < 24) & (month >= 1) & (month <= 12) & (day >= 1)
    good &= (year >= 2000) & (year < 2100)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    good &= day <= after - first
    return (first + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second, good


def _inactive(item: StatusBits) -> int:
    return next(v for v in range(256) if v & item.mask == v and v != item.values[0])


def _single(values: Mapping[str, object], name: str) -> int:
    given = values.get(name)
    if isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], int):
        return given[0]
    raise EncodeError(f"{name} is a list of one number")


def _number(values: Mapping[str, object], name: str, default: int) -> int:
    given = values.get(name, default)
    if not isinstance(given, int) or given < 0:
        raise EncodeError(f"{name} is a number from 0")
    return given
