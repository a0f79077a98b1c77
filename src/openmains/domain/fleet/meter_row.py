# SPDX-License-Identifier: Apache-2.0
"""One row of a registry file: text cells → typed values or errors that name the column, the value and the reason.

Pure and per row. What needs the other rows or the registry (duplicates, unknown products) is found by the import.
An empty cell means 'not given': a new meter gets the default, a known one keeps what it has.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from openmains.domain.fleet.identifiers import is_iccid, is_imei, is_imsi

# Column: (English header, Chinese header, further headers). Headers are compared in lower case without spaces and marks.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("meter number", "表号", "number", "meter no", "表具编号", "水表编号", "燃气表号"),
    "bar_code": ("bar code", "条码", "barcode", "条形码", "表钢号"),
    "imei": ("IMEI", "imei号"),
    "imsi": ("IMSI", "imsi号"),
    "iccid": ("ICCID", "iccid号", "sim卡号"),
    "product": ("product code", "产品代码", "product", "产品编码", "型号代码"),
    "area": ("area code", "区域代码", "area", "区域编码", "片区代码"),
    "customer_code": ("customer code", "户号", "客户编号", "用户编号", "customer"),
    "customer_name": ("customer name", "户名", "客户名称", "用户姓名", "name", "姓名"),
    "phone": ("phone", "电话", "手机号", "联系电话"),
    "address": ("address", "地址", "安装地址", "用户地址"),
    "is_protected": ("protected", "特殊保护", "protected customer", "保护用户"),
    "is_critical": ("critical", "重要用户", "critical customer", "关键用户"),
    "place": ("place", "安装位置", "place of installation"),
    "dn": ("DN", "口径", "公称口径"),
    "qmax_l_h": ("Qmax m3/h", "最大流量m3/h", "qmax", "最大流量", "q4m3/h"),
    "installed_on": ("installation date", "安装日期", "installed on", "装表日期"),
}
REQUIRED = ("number", "product", "area", "installed_on")

REASONS: Mapping[str, tuple[str, str]] = {
    "required": ("必填项为空", "a value is required"),
    "too_long": ("内容过长", "the text is too long"),
    "control_sign": ("含有控制字符", "the text contains control characters"),
    "bad_number": ("表号只能含字母、数字和 . _ / -，且以字母或数字开头，最长 32 位",
                   "a meter number has 1 to 32 letters, digits and . _ / - and begins with a letter or digit"),
    "bad_code": ("代码格式不正确", "not a valid code"),
    "bad_imei": ("IMEI 应为 15 位数字且校验位正确", "an IMEI has 15 digits, the last one a valid check digit"),
    "bad_imsi": ("IMSI 应为 15 位数字", "an IMSI has 15 digits"),
    "bad_iccid": ("ICCID 应为 89 开头的 19 或 20 位", "an ICCID has 19 or 20 digits and begins with 89"),
    "bad_phone": ("电话只能含数字、空格和 + - ( ) *", "a phone number has digits, spaces and + - ( ) * only"),
    "bad_flag": ("应填 是 或 否", "expected yes or no"),
    "bad_place": ("安装位置应为 室内、管井、表井、地下室、表坑、表箱、室外 之一",
                  "expected one of room, shaft, well, cellar, pit, box, outdoor"),
    "bad_dn": ("口径应为 1 至 3000 的整数", "DN is a whole number from 1 to 3000"),
    "bad_qmax": ("最大流量应为 0.001 至 100000 m³/h", "Qmax is 0.001 to 100000 m³/h"),
    "bad_date": ("日期应为 年-月-日", "a date is year-month-day"),
    "date_out_of_range": ("安装日期早于 1970 年或晚于今天", "the installation date is before 1970 or after today"),
    "digits_lost": ("数字已被表格软件改写（科学计数或超过 15 位），请把该列设为文本",
                    "the spreadsheet changed the number (exponent or over 15 digits): format the column as text"),
    "customer_without_code": ("有户名、电话但缺少户号", "a customer's name or phone needs a customer code"),
    "too_many_cells": ("该行列数多于表头", "the row has more cells than the header"),
    "duplicate_in_file": ("与文件中另一行重复", "the same value is in another row of the file"),
    "customer_differs": ("同一户号的资料与文件中另一行不同", "another row of the file says something else of this customer"),
    "unknown_product": ("没有此产品代码", "there is no such product"),
    "unknown_area": ("没有此区域代码", "there is no such area"),
    "imei_taken": ("IMEI 已属于另一只表", "the IMEI belongs to another meter"),
    "meter_removed": ("该表已拆除", "the meter was removed"),
}  # fmt: skip

PLACES: Mapping[str, str] = {
    "room": "room", "shaft": "shaft", "well": "well", "cellar": "cellar", "pit": "pit", "box": "box", "outdoor": "outdoor",
    "室内": "room", "户内": "room", "管井": "shaft", "管道井": "shaft", "表井": "well", "井": "well", "地下室": "cellar",
    "表坑": "pit", "地坑": "pit", "表箱": "box", "室外": "outdoor", "户外": "outdoor",
}  # fmt: skip
_FLAGS = {"是": True, "yes": True, "y": True, "true": True, "1": True, "√": True,
          "否": False, "no": False, "n": False, "false": False, "0": False}  # fmt: skip
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,31}", re.ASCII)
_CODE = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PHONE = re.compile(r"[0-9+()* -]{1,32}", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[ T]0?0:00(?::00)?)?"
)
_LOST = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is not taken. ``row`` counts from 1 as a spreadsheet does, ``column`` is the file's own header."""

    row: int
    column: str
    value: str
    reason: str  # key of REASONS
    other_row: int | None = None

    def text(self, locale: str) -> str:
        """The reason for a person, ``zh`` or ``en``."""
        said = REASONS[self.reason][0 if locale == "zh" else 1]
        if self.other_row is None:
            return said
        return f"{said}（第 {self.other_row} 行）" if locale == "zh" else f"{said} (row {self.other_row})"


class CellError(ValueError):
    """A cell's value is not possible; the argument is a key of REASONS."""


class HeaderError(ValueError):
    """The file's first row can not be used; one line in both languages."""


@dataclass(slots=True)
class MeterRow:
    """A checked row. None: the cell was empty or the file has no such column. ``imei`` is the number itself."""

    row: int
    number: str
    product: str
    area: str
    installed_on: date
    bar_code: str | None = None
    imei: int | None = None
    imsi: str | None = None
    iccid: str | None = None
    customer_code: str | None = None
    customer_name: str | None = None
    phone: str | None = None
    address: str | None = None
    is_protected: bool | None = None
    is_critical: bool | None = None
    place: str | None = None
    dn: int | None = None
    qmax_l_h: int | None = None


def _plain(text: str) -> str:
    return re.sub(r"[\s_()（）*：:.\-]", "", text.lower().replace("³", "3"))


_BY_HEADER = {_plain(header): name for name, headers in COLUMNS.items() for header in (name, *headers)}


def layout(header: Sequence[str]) -> list[str | None]:
    """Column name of each cell of the header, None for one that is not used.

    Raises ``HeaderError`` when a required column is missing or one is there twice.
    """
    found = [_BY_HEADER.get(_plain(cell)) for cell in header]
    named = [name for name in found if name is not None]
    for name in named:
        if named.count(name) > 1:
            zh, en = COLUMNS[name][1], COLUMNS[name][0]
            raise HeaderError(f"列“{zh}”出现多次 / column '{en}' is there more than once")
    missing = [name for name in REQUIRED if name not in named]
    if missing:
        zh = "、".join(COLUMNS[name][1] for name in missing)
        en = ", ".join(COLUMNS[name][0] for name in missing)
        raise HeaderError(f"缺少列：{zh} / missing columns: {en}")
    return found


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise CellError("bad_number")
    return text


def _imei(text: str) -> int:
    if not is_imei(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_imei")
    return int(text)


def _imsi(text: str) -> str:
    if not is_imsi(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_imsi")
    return text


def _iccid(text: str) -> str:
    if not is_iccid(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_iccid")
    return text.upper()


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise CellError("bad_code")
    return text


def _prose(text: str) -> str:
    if len(text) > 200:
        raise CellError("too_long")
    if not text.isprintable() and _CONTROL.search(text):
        raise CellError("control_sign")
    return text


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_phone")
    return text


def _flag(text: str) -> bool:
    found = _FLAGS.get(text.lower())
    if found is None:
        raise CellError("bad_flag")
    return found


def _place(text: str) -> str:
    found = PLACES.get(text.lower())
    if found is None:
        raise CellError("bad_place")
    return found


@lru_cache(maxsize=4096)
def _dn(text: str) -> int:
    digits = text[2:].strip() if text[:2].lower() == "dn" else text
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:9]) <= 3000):
        raise CellError("bad_dn")
    return int(digits)


@lru_cache(maxsize=4096)
def _qmax(text: str) -> int:
    try:
        litres = Decimal(text) * 1000
    except InvalidOperation:
        raise CellError("bad_qmax") from None
    if not litres.is_finite() or not 1 <= litres <= 100_000_000 or litres != int(litres):
        raise CellError("bad_qmax")
    return int(litres)


@lru_cache(maxsize=65_536)
def _date(text: str, today: date) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise CellError("bad_date")
    parts = [part for part in match.groups() if part is not None]
    try:
        found = date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise CellError("bad_date") from None
    if found.year < 1970 or found > today:
        raise CellError("date_out_of_range")
    return found


_READ: Mapping[str, Callable[[str], Any]] = {
    "number": _number, "bar_code": _code, "imei": _imei, "imsi": _imsi, "iccid": _iccid, "product": _code, "area": _code,
    "customer_code": _code, "customer_name": _prose, "phone": _phone, "address": _prose, "is_protected": _flag,
    "is_critical": _flag, "place": _place, "dn": _dn, "qmax_l_h": _qmax,
}  # fmt: skip


class RowCheck:
    """Checks rows of one file; ``header`` is its first row, ``today`` the newest installation date allowed."""

    def __init__(self, header: Sequence[str], today: date) -> None:
        """Raises ``HeaderError`` as ``layout`` does."""
        self._header = [cell.strip() for cell in header]
        self._columns: list[tuple[int, str, Callable[[str], Any]]] = []
        for place, name in enumerate(layout(header)):
            if name == "installed_on":
                self._columns.append((place, name, lambda text: _date(text, today)))
            elif name is not None:
                self._columns.append((place, name, _READ[name]))
        self._at = {name: place for place, name, _ in self._columns}

    def header_of(self, name: str) -> str:
        """The file's own header of a column, or its English name where the file has none."""
        return self._header[self._at[name]] if name in self._at else COLUMNS[name][0]

    def check(self, row: int, cells: Sequence[str]) -> MeterRow | list[RowError]:
        """The row's values or all that is wrong with it."""
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        count = len(cells)
        for place, name, read in self._columns:
            text = cells[place].strip() if place < count else ""
            if not text:
                if name in REQUIRED:
                    errors.append(RowError(row, self._header[place], "", "required"))
                continue
            try:
                values[name] = read(text)
            except CellError as error:
                errors.append(RowError(row, self._header[place], text[:200], str(error)))
        if count > len(self._header) and any(cell.strip() for cell in cells[len(self._header) :]):
            errors.append(RowError(row, "", cells[len(self._header)][:200], "too_many_cells"))
        if "customer_code" not in values and ("customer_name" in values or "phone" in values):
            name = "customer_name" if "customer_name" in values else "phone"
            errors.append(RowError(row, self.header_of(name), str(values[name]), "customer_without_code"))
        return errors or MeterRow(row=row, **values)
