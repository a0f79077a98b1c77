# SPDX-License-Identifier: Apache-2.0
"""The columns of files of readings, in both languages, and one row of such a file: cells → a reading, or what is wrong with which.

One vocabulary for what is exported and what is imported: a column is written under its ``zh`` or ``en`` heading and read back as the
same value under either, or under one of ``others``, which are what utilities' own lists say; what only shows (``SHOWN_ONLY``) is
never read and named to whoever imports it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from openmains.domain import csv_rows
from openmains.domain.fleet.cells import REASONS as ROW_REASONS
from openmains.domain.fleet.cells import CellError, checked, plain_heading, read_code
from openmains.domain.fleet.meter_row import number_cell
from openmains.domain.fleet.registry_columns import Column
from openmains.domain.fleet.table_rows import CellReader, by_heading, layout
from openmains.domain.period import Zone
from openmains.domain.readings.instants import ClockError, read_instant

COLUMNS: Mapping[str, Column] = {
    "number": Column("meter number", "表号", ("number", "meter no", "表具编号", "水表编号", "燃气表号")),
    "bar_code": Column("bar code", "条码", ("barcode", "条形码", "表钢号")),
    "at": Column("read at", "抄表时间", ("reading time", "time of reading", "抄见时间", "抄表日期", "reading date")),
    "register": Column(
        "register (m³)", "读数 (m³)", ("register", "reading", "读数", "抄表读数", "抄见读数", "本期读数", "本次读数")
    ),
    "note": Column("note", "备注", ("remark", "remarks", "说明")),
}
SHOWN_ONLY: Mapping[str, Column] = {
    "state": Column("state", "状态"),
    "rules": Column("found", "校验结果"),
    "source": Column("came by", "来源"),
    "author": Column("entered by", "录入人"),
    "made_at": Column("entered at", "录入时间"),
}
# Headings, as they are compared, that may say when it was read or when it was typed.
AMBIGUOUS = dict.fromkeys(("date", "time", "日期", "时间", "datetime"), ("at",))
MOST_NOTE = 400

REASONS: Mapping[str, tuple[str, str]] = {
    **{name: ROW_REASONS[name] for name in (
        "required", "too_long", "formula_sign", "control_sign", "bad_number", "bad_code", "digits_lost", "sheet_error", "mojibake",
        "too_many_cells", "duplicate_in_file",
    )},
    "bad_instant": ("抄表时间应为 年-月-日 时:分，可带时差（如 2026-11-29 10:05+08:00）",
                    "the time of reading is year-month-day hour:minute, with an offset or without (2026-11-29 10:05+08:00)"),
    "serial_date": ("是表格软件的日期序号，请把该列设为日期时间格式后重新保存",
                    "this is a spreadsheet's number of a day: format the column as date and time, save it again"),
    "time_needed": ("只有日期没有时刻：请补上时刻，或在导入时指定统一的时刻",
                    "a date without a time of day: add it, or say at the import which time to take"),
    "time_twice": ("该时刻因夏令时结束出现两次，请写明时差", "this local time comes twice as summer time ends: write its offset"),
    "time_never": ("该时刻因夏令时开始并不存在", "this local time does not exist: summer time begins"),
    "bad_register": ("读数应为以 m³ 计的非负数，小数点为“.”，不带千位分隔符和单位",
                     "a register is a number of m³ of 0 or more, with a point for decimals, without separators or a unit"),
    "meter_needed": ("须填表号或条码", "the meter's number or bar code is needed"),
    "unknown_meter": ("没有此表", "there is no such meter"),
    "bar_code_twice": ("有多块表使用此条码，请填表号", "several meters have this bar code: give the meter number"),
    "bar_code_differs": ("条码与表号不是同一块表", "the bar code and the number are of two meters"),
    "no_registers": ("是监测终端，没有累计读数", "it is a monitor, which has no register"),
    "in-the-future": ("抄表时间晚于现在", "the time of reading is in the future"),
    "before-installation": ("抄表时间早于安装日期", "the time of reading is before the installation"),
    "after-removal": ("抄表时间晚于拆除日期", "the time of reading is after the meter was removed"),
    "beyond-dial": ("读数超过该表的量程", "the register is beyond the meter's dial"),
    "too-many-decimals": ("小数位数超过该表的最小单位", "it has more decimals than the meter shows"),
    "reading_differs": ("同一时刻已有不同的读数，原读数不变", "another register is known of this meter and instant; it stays"),
    **csv_rows.REASONS,
}  # fmt: skip

_REGISTER = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_LOST = re.compile(r"\d([.,]\d+)?[eE][+-]?\d+")
_BY_HEADER = by_heading(COLUMNS)


@dataclass(frozen=True, slots=True)
class ReadingError:
    """Why a row is not taken. ``row`` counts from 1 as a spreadsheet does, ``column`` is the file's own heading."""

    row: int
    column: str
    value: str
    reason: str  # key of REASONS
    known: str = ""  # what is known instead, or where

    def text(self, locale: str) -> str:
        """The reason for a person, ``zh`` or ``en``."""
        said = REASONS[self.reason][0 if locale == "zh" else 1]
        if not self.known:
            return said
        return f"{said}（{self.known}）" if locale == "zh" else f"{said} ({self.known})"


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A checked row: ``coefficient`` x 10^-``decimals`` m³ at ``at`` (s UTC)."""

    row: int
    number: str
    bar_code: str
    at: int
    coefficient: int
    decimals: int
    note: str


def left_out(header: Sequence[str]) -> list[str]:
    """Headings below which nothing is read."""
    return [cell.strip() for cell in header if cell.strip() and plain_heading(cell) not in _BY_HEADER]


def register_cell(text: str) -> tuple[int, int]:
    """(coefficient, decimals) of a number of m³; raises ``CellError``."""
    found = _REGISTER.fullmatch(text)
    if found is None:
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_register")
    return int(found[1] + (found[2] or "")), len(found[2] or "")


def note_cell(text: str) -> str:
    """A note; raises ``CellError``."""
    return checked(text, MOST_NOTE)


def _instant(text: str, place: Zone, date_only_s: int | None) -> int:
    try:
        return read_instant(text, place, date_only_s)
    except ClockError as error:
        raise CellError(str(error)) from None


class ReadingCheck:
    """Checks rows of one file; ``header`` is its first row, ``place`` the utility's zone. See ``read_instant``."""

    def __init__(self, header: Sequence[str], place: Zone, date_only_s: int | None = None) -> None:
        """Raises ``HeaderError`` as ``layout`` does."""
        read: Mapping[str, Callable[[str], Any]] = {
            "number": number_cell,
            "bar_code": read_code,
            "at": partial(_instant, place=place, date_only_s=date_only_s),
            "register": register_cell,
            "note": note_cell,
        }
        needed = ("at", "register")
        found = layout(header, COLUMNS, _BY_HEADER, needed, one_of=("number", "bar_code"), ambiguous=AMBIGUOUS)
        self._cells = CellReader(header, found, COLUMNS, read, needed, ("bar_code", "note"))
        self.header_of = self._cells.header_of

    def check(self, row: int, cells: Sequence[str]) -> ReadingRow | list[ReadingError]:
        """The row's reading or all that is wrong with it."""
        values, faults = self._cells.read(cells)
        errors = [ReadingError(row, *fault) for fault in faults]
        if not errors and "number" not in values and "bar_code" not in values:
            errors.append(ReadingError(row, self.header_of("number"), "", "meter_needed"))
        if errors:
            return errors
        coefficient, decimals = values["register"]
        return ReadingRow(
            row, values.get("number", ""), values.get("bar_code", ""), values["at"], coefficient, decimals,
            values.get("note", ""),
        )  # fmt: skip
