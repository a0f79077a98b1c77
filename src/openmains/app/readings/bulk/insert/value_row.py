# SPDX-License-Identifier: Apache-2.0
"""A row of a file of values, as the export of values writes it and an insertion reads it back: cells → a value, or what is wrong.

Columns by name, in any order: ``number``, ``point``, ``at``, ``value``, ``exponent``, ``unit``, ``interval_s``, ``quality``. ``meter_id`` is
of the system that wrote the file: a meter is found by its number. What can be told without a store is told here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from openmains.app.readings.quantities import askable, unit_of
from openmains.app.spreadsheet import original
from openmains.domain import csv_rows
from openmains.domain.period import Zone
from openmains.domain.readings.instants import ClockError, read_instant
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.quantities import MOST_SPAN_S
from openmains.drivers.points import vocabulary

COLUMNS = ("number", "point", "at", "value", "exponent", "unit", "interval_s", "quality")
NEEDED = ("number", "point", "at", "value", "exponent")
MOST_DIGITS = 18

REASONS: Mapping[str, tuple[str, str]] = {
    "number_needed": ("缺表号", "the meter's number is needed"),
    "unknown_point": ("没有此测点", "there is no such quantity"),
    "bad_instant": ("时刻应带时差，如 2026-11-29T10:00:00Z", "an instant with its offset is needed, such as 2026-11-29T10:00:00Z"),
    "time_needed": ("只有日期没有时刻", "a date without a time of day"),
    "time_twice": ("该时刻因夏令时结束出现两次，请写明时差", "this local time comes twice as summer time ends: write its offset"),
    "time_never": ("该时刻因夏令时开始并不存在", "this local time does not exist: summer time begins"),
    "serial_date": ("是表格软件的日期序号", "this is a spreadsheet's number of a day"),
    "bad_value": ("值应为整数（与 exponent 相乘）", "a value is an integer, which counts 10^exponent"),
    "bad_exponent": ("exponent 应为 -12 至 12 的整数", "an exponent is an integer from -12 to 12"),
    "bad_interval": ("interval_s 应为 0（瞬时值）至 32 天的整秒数", "interval_s is whole seconds from 0 (a spot value) to 32 days"),
    "bad_quality": ("未知的质量标志", "a flag of quality that is not known"),
    "unit_differs": ("单位与该测点不同", "the quantity has another unit"),
    "too_fine": ("该值不能以该测点的分辨力精确表示", "the quantity's resolution cannot hold this value exactly"),
    "impossible_value": ("该测点不可能为此值", "the quantity cannot be this at all"),
    "unknown_meter": ("没有此表", "there is no such meter"),
    "no_volume": ("是监测终端，没有用量和累计读数", "it is a monitor, which has no volume and no register"),
    "in_the_future": ("时刻晚于现在", "the instant is in the future"),
    "before_installation": ("时刻早于安装日期", "the instant is before the installation"),
    "after_removal": ("时刻晚于拆除日期", "the instant is after the meter was removed"),
    "duplicate_in_file": ("同一表、测点、时刻在文件中有两个不同的值", "the file has two values of this meter, quantity and instant"),
    "value_differs": ("已有不同的值，原值不变；更正请用读数修改", "another value is known, and stays; to correct it, edit the reading"),
    "off_grid": ("不在该日的时段边界上", "it is on no boundary of the day's slots"),
    "grid_differs": ("时段长度与该日其他数据不同", "the day has slots of another length"),
    "register_needed": ("该日起始读数未知：请同时给出该日的 register，或相邻日的数据",
                        "the register at the day's start is not known: give the day's register too, or the days beside it"),
    "register_differs": ("与该日的起始读数和用量不符", "it does not fit the day's register and volumes"),
    "register_alone": ("单个读数不能得出用量；单个抄见读数请按人工抄表录入",
                       "one register alone gives no volume; a single one is entered as a manual reading"),
    "register_refused": ("按校验规则不采用", "the rules of validation refuse it"),
    **csv_rows.REASONS,
}  # fmt: skip

_FLAGS = {slot.name.lower(): int(slot) for slot in Slot if slot.name}


@dataclass(frozen=True, slots=True)
class ValueFault:
    """Why a row is not taken. ``row`` counts from 1, the heading being a row."""

    row: int
    column: str
    value: str
    reason: str  # key of REASONS
    known: str = ""

    def text(self, locale: str) -> str:
        """The reason for a person, ``zh`` or ``en``."""
        said = REASONS[self.reason][0 if locale == "zh" else 1]
        if not self.known:
            return said
        return f"{said}（{self.known}）" if locale == "zh" else f"{said} ({self.known})"


class ValueRow(Struct, frozen=True, array_like=True, gc=False):
    """A row that is sound by itself. ``value`` x 10^``exponent`` of the point's unit, as the file has it; None: not known."""

    row: int
    point: str
    at: int
    value: int | None
    exponent: int
    interval_s: int
    quality: int


class RowCheck:
    """Checks rows of one file; ``heads``: its columns, ``place``: the utility's zone, for instants without an offset."""

    def __init__(self, heads: Sequence[str], place: Zone) -> None:
        """Raises ``ValueError`` with the columns that are needed and not there, or stand twice."""
        named = [head.strip().lower() for head in heads]
        twice = sorted({name for name in COLUMNS if named.count(name) > 1})
        lacking = [name for name in NEEDED if name not in named]
        if lacking or twice:
            raise ValueError(", ".join(lacking or twice))
        self._at = {name: named.index(name) for name in COLUMNS if name in named}
        self.ignored = [
            head for head, name in zip(heads, named, strict=True) if name not in (*COLUMNS, "meter_id") and name
        ]
        self._place = place
        self._points = {name: unit_of(vocabulary().points[name], 0)[0] for name in askable()}
        self._qualities: dict[str, int | None] = {"": 0}

    def check(self, row: int, cells: Sequence[Any]) -> tuple[str, ValueRow] | ValueFault:
        """(meter number, row), or the first thing that is wrong with it."""
        found = {name: cells[place] if place < len(cells) else None for name, place in self._at.items()}
        number = "" if found["number"] is None else original(str(found["number"]).strip())
        point = str(found["point"] or "").strip()
        if not number or len(number) > 64:
            return ValueFault(row, "number", number[:100], "number_needed")
        if (unit := self._points.get(point)) is None:
            return ValueFault(row, "point", point[:100], "unknown_point")
        at = self._instant(found["at"])
        if isinstance(at, str):
            return ValueFault(row, "at", str(found["at"])[:100], at)
        said = found.get("unit")
        if said not in (None, "", unit):
            return ValueFault(row, "unit", str(said)[:100], "unit_differs", unit)
        quality = self._quality(str(found.get("quality") or ""))
        if quality is None:
            return ValueFault(row, "quality", str(found.get("quality"))[:100], "bad_quality")
        exponent, interval_s = _integer(found["exponent"]), _integer(found.get("interval_s") or 0)
        if exponent is None or not -12 <= exponent <= 12:
            return ValueFault(row, "exponent", str(found["exponent"])[:100], "bad_exponent")
        if interval_s is None or not 0 <= interval_s <= MOST_SPAN_S:
            return ValueFault(row, "interval_s", str(found.get("interval_s"))[:100], "bad_interval")
        value: int | None = None
        if found["value"] not in (None, "", "\\N"):
            value = _integer(found["value"])
            if value is None or abs(value) >= 10**MOST_DIGITS:
                return ValueFault(row, "value", str(found["value"])[:100], "bad_value")
        if quality & Slot.MISSING:
            value = None
        return number, ValueRow(row, point, at, value, exponent, interval_s, quality & ~Slot.MISSING)

    def _instant(self, cell: Any) -> int | str:
        if isinstance(cell, datetime):
            moment = cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell
            at = int(moment.timestamp())
            return at if 0 < at < 2**32 and not moment.microsecond else "bad_instant"
        try:
            at = read_instant(str(cell or ""), self._place)
        except ClockError as error:
            return str(error)
        return at if 0 < at < 2**32 else "bad_instant"

    def _quality(self, text: str) -> int | None:
        if text not in self._qualities:
            flags = [_FLAGS.get(word) for word in text.split()]
            if len(self._qualities) > 10_000:
                self._qualities.clear()
            self._qualities[text] = None if None in flags else sum({flag for flag in flags if flag is not None})
        return self._qualities[text]


def _integer(cell: Any) -> int | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return cell
    text = str(cell).strip()
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS + 2 else None
