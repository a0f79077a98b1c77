# SPDX-License-Identifier: Apache-2.0
"""The answer to a read of 901F, column-wise: many frames of 35 bytes are one matrix (CJ/T 188-2004, data as in
``wire.cjt188.data``). ``Pieces`` is one answer that is not quite that: with an echo in front, cut, or with damaged fields,
brought to 35 bytes with what is not there filled up.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S
from openmains.drivers.cjt188.options import Options
from openmains.drivers.model import MISSING_VALUE, Columns, Ints, Kind
from openmains.drivers.points import vocabulary
from openmains.wire.cjt188.data import METERING
from openmains.wire.cjt188.frame import ANSWER, READ

SIZE = 35  # 68 T A7 C L, 22 data bytes, CS 16
DATA_SIZE = 22
DATA = 11
TOTAL, TOTAL_UNIT, SETTLEMENT, SETTLEMENT_UNIT, TIME_AT, STATUS = 14, 18, 19, 23, 24, 31
LAYOUT: tuple[tuple[int, int, str], ...] = (  # offset, length, name
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
POINTS = frozenset({"device_at", "register", "register_at", "settlement", "meter_number", "device_type", "status"})
SERIES = frozenset({"register_values", "register_instants"})


FIELDS: tuple[tuple[int, int, str], ...] = (  # end in the frame, first byte, what is there
    (SETTLEMENT, TOTAL, "total"),
    (TIME_AT, SETTLEMENT, "settlement"),
    (STATUS, TIME_AT, "time"),
    (STATUS + 2, STATUS, "status"),
)
LEAST_DATA = 8  # identifier, serial, total with its unit


class Pieces(NamedTuple):
    """One answer brought to the layout: ``damages`` are (offset in the payload, name, prose)."""

    row: bytes
    has_status: bool
    damages: list[tuple[int, str, str]]


class AnswerReader:
    """Reads the answers of one product. ``family``: high half of the meter type."""

    def __init__(self, options: Options, family: int) -> None:
        self._options = options
        self._family = family
        self.identifiers = _identifiers(options.id_order, METERING)
        events = vocabulary().events
        self._events = [(events[name].bit, bits) for name, bits in options.events.items()]
        self._known = sum(1 << bit for bit, _ in self._events)
        self.points = POINTS | SERIES | ({"valve"} if options.valve else set())

    def good(self, data: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which rows of the matrix (frames × 35) are answers of this product without a fault."""
        good: NDArray[np.bool_] = (data[:, 0] == 0x68) & (data[:, 9] == READ | ANSWER) & (data[:, 10] == DATA_SIZE)
        good &= (data[:, 34] == 0x16) & (data[:, :33].sum(axis=1, dtype=np.uint32) & 0xFF == data[:, 33])
        good &= (data[:, 1] & 0xF0 == self._family) & (data[:, 1] & 0x0F <= 9)
        identifier = data[:, 11].astype(np.int64) << 8 | data[:, 12]
        good &= np.isin(identifier, self.identifiers)
        for offset, size in ((2, 7), (TOTAL, 4), (SETTLEMENT, 4)):
            part = data[:, offset : offset + size]
            good &= ((part >> 4 <= 9) & (part & 15 <= 9)).all(axis=1)
        units = np.array(list(self._options.units), np.uint8)
        good &= np.isin(data[:, TOTAL_UNIT], units) & np.isin(data[:, SETTLEMENT_UNIT], units)
        time = data[:, TIME_AT:STATUS]
        known = wall_seconds(time)[1]
        known[np.isin(time, (0, 0xFF)).all(axis=1)] = True  # not set
        good &= known
        return good

    def pieces(self, payload: bytes, at: int, size: int) -> Pieces:
        """The answer of ``size`` bytes at ``at``, whose head and sum are good, with what is damaged in it."""
        frame = payload[at : at + size]
        body = frame[: min(size - 2, STATUS + 2)]
        row = body + b"\xff" * (SIZE - len(body))
        found: list[tuple[int, str, str]] = []
        if not _is_bcd(row[2:9]):
            found.append((at + 2 + _wrong_digit(row[2:9]), "address", "a digit above 9"))
        for offset, name in ((TOTAL, "total"), (SETTLEMENT, "settlement")):
            if len(body) < offset + 5:
                continue
            if not _is_bcd(row[offset : offset + 4]):
                found.append((at + offset + _wrong_digit(row[offset : offset + 4]), name, "a digit above 9"))
            elif row[offset + 4] not in self._options.units:
                found.append((at + offset + 4, name, f"unit code {row[offset + 4]:02x}"))
        wall = row[TIME_AT:STATUS]
        _, is_set = wall_seconds(np.frombuffer(wall, np.uint8).reshape(1, 7))
        if len(body) >= STATUS and not is_set[0] and set(wall) - {0, 0xFF}:
            found.append((at + TIME_AT, "time", "no date and time"))
        absent = [(first, name) for end, first, name in FIELDS if len(body) < end]
        if absent:
            names = ", ".join(name for _, name in absent)
            found.append((at + min(absent[0][0], len(body)), absent[0][1], f"the answer ends before: {names}"))
        if size - 2 > STATUS + 2:
            found.append((at + STATUS + 2, "surplus", f"{size - 4 - STATUS} bytes more than the answer has"))
        return Pieces(row, len(body) >= STATUS + 2, found)

    def is_anything_sound(self, pieces: Pieces) -> bool:
        """Whether a register or the state can be read."""
        return pieces.has_status or any(self._is_volume(pieces.row, offset) for offset in (TOTAL, SETTLEMENT))

    def _is_volume(self, row: bytes, offset: int) -> bool:
        return _is_bcd(row[offset : offset + 4]) and row[offset + 4] in self._options.units

    def damaged_columns(self, data: NDArray[np.uint8], rows: list[int], arrived: Ints, has_status: bool) -> Columns:
        """The same as ``columns`` where fields are damaged or not there: these are ``MISSING_VALUE``."""
        found = self.columns(data, rows, arrived)
        units = np.array(list(self._options.units), np.uint8)
        for offset, name in ((TOTAL, "register"), (SETTLEMENT, "settlement")):
            sound = _bcd_rows(data[:, offset : offset + 4])
            sound &= np.isin(data[:, offset + 4], units)
            found.points[name] = np.where(sound, found.points[name], MISSING_VALUE)
        number = found.points["meter_number"]
        found.points["meter_number"] = np.where(_bcd_rows(data[:, 2:9]), number, MISSING_VALUE)
        found.series["register_values"] = found.points["register"][:, None]
        if not has_status:
            for name in {"status", "valve"} & set(found.points):
                found.points[name] = np.full(len(rows), MISSING_VALUE, np.int64)
            found.event_mask, found.event_known = None, 0
        return found

    def columns(self, data: NDArray[np.uint8], rows: list[int], arrived: Ints) -> Columns:
        """Good frames as columns. ``arrived``: instant (s UTC) of each, where the meter's time is not set."""
        factors = np.zeros(256, np.int64)
        for code, factor in self._options.units.items():
            factors[code] = factor
        register = _bcd(data[:, TOTAL : TOTAL + 4]) * factors[data[:, TOTAL_UNIT]]
        wall, is_set = wall_seconds(data[:, TIME_AT : TIME_AT + 7])
        at = np.where(is_set, wall - self._options.utc_offset_s, arrived)
        points = {
            "device_at": at,
            "register": register,
            "register_at": at,
            "settlement": _bcd(data[:, SETTLEMENT : SETTLEMENT + 4]) * factors[data[:, SETTLEMENT_UNIT]],
            "meter_number": _bcd(data[:, 2:9]),
            "device_type": data[:, 1].astype(np.int64),
            "status": data[:, STATUS].astype(np.int64) << 8 | data[:, STATUS + 1],
        }
        valve = self._options.valve
        if valve is not None:
            raw = data[:, STATUS + valve.byte] & valve.mask
            points["valve"] = np.where(raw == valve.values[0], 0, np.where(raw == valve.values[1], 1, 2))
        series = {"register_values": register[:, None], "register_instants": at[:, None]}
        return Columns(Kind.REGISTERS, rows, points, series, self._event_mask(data), self._known)

    def _event_mask(self, data: NDArray[np.uint8]) -> Ints | None:
        if not self._events:
            return None
        mask = np.zeros(len(data), np.int64)
        for event, bits in self._events:
            mask |= (data[:, STATUS + bits.byte] & bits.mask == bits.values[0]).astype(np.int64) << event
        return mask


def _identifiers(order: str, identifier: int) -> list[int]:
    swapped = (identifier & 0xFF) << 8 | identifier >> 8
    return {"high-first": [identifier], "low-first": [swapped]}.get(order, [identifier, swapped])


def _is_bcd(part: bytes) -> bool:
    return part.hex().isdecimal()


def _wrong_digit(part: bytes) -> int:
    return next(place for place, byte in enumerate(part) if byte >> 4 > 9 or byte & 15 > 9)


def _bcd_rows(block: NDArray[np.uint8]) -> NDArray[np.bool_]:
    good = np.ones(len(block), np.bool_)
    good &= ((block >> 4 <= 9) & (block & 15 <= 9)).all(axis=1)
    return good


def _bcd(block: NDArray[np.uint8]) -> Ints:
    digits = (block >> 4) * np.int64(10) + (block & 15)
    total: Ints = digits @ (100 ** np.arange(block.shape[1], dtype=np.int64))
    return total


def wall_seconds(block: NDArray[np.uint8]) -> tuple[Ints, NDArray[np.bool_]]:
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
    return (first + day - 1) * DAY_S + hour * HOUR_S + minute * MINUTE_S + second, good
