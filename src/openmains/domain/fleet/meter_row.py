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
from functools import lru_cache, partial
from typing import Any

from openmains.domain import csv_rows
from openmains.domain.fleet.identifiers import is_iccid, is_imei, is_imsi, luhn_digit
from openmains.domain.fleet.installation import expectation_fault, installation_fault
from openmains.domain.fleet.meter_number import WRITTEN
from openmains.domain.fleet.registry_columns import (
    AMBIGUOUS,
    COLUMNS,
    FLAGS,
    MOST_ADDRESS,
    MOST_NAME,
    MOST_QMAX_L_H,
    OF_CUSTOMER,
    PLACES,
    REQUIRED,
)
from openmains.domain.plain_text import Quoted, hidden_sign, is_formula

REASONS: Mapping[str, tuple[str, str]] = {
    "required": ("必填项为空", "a value is required"),
    "too_long": ("内容过长", "the text is too long"),
    "formula_sign": ("以 = + - 或 @ 开头，会被当作公式；请以文字或数字开头，或在前面加单引号标为文本",
                     "begins with = + - or @ as a formula does: begin it with a letter or a digit, or mark it as text by an apostrophe"),
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
    "bad_dn": ("口径应为 1 至 5000 的整数", "DN is a whole number from 1 to 5000"),
    "bad_qmax": ("最大流量应为 0.001 至 100000 m³/h", "Qmax is 0.001 to 100000 m³/h"),
    "bad_date": ("日期应为 年-月-日", "a date is year-month-day"),
    "before-1950": ("日期早于 1950 年", "the date is before 1950"),
    "in-the-future": ("安装日期晚于今天", "the installation date is after today"),
    "too-far-ahead": ("应收起始日期不能晚于今天起一年", "the day from which readings are expected is more than a year ahead"),
    "digits_lost": ("数字已被表格软件改写（科学计数或超过 15 位），请把该列设为文本后重新填写",
                    "the spreadsheet changed the number (exponent or over 15 digits): format the column as text, fill it in again"),
    "sheet_error": ("单元格是公式错误（如 #N/A），请填入实际值", "the cell is a formula's error (such as #N/A): fill in the value itself"),
    "masked": ("电话已打码，不是真实号码，请填完整号码或留空", "the phone number is masked: give the whole number or leave the cell empty"),
    "mojibake": ("文字已损坏（乱码），请从原文件改正", "the text is damaged (wrong encoding): correct it from its source"),
    "zeros_differ": ("与另一编号只差前导零（可能被表格软件去掉），请核对并补齐",
                     "differs from another number by leading zeros only, which spreadsheets drop: check and complete it"),
    "customer_without_code": ("有客户资料（户名、电话、用户地址、保护、重要）但缺少户号",
                              "what is said of a customer (name, phone, address, protected, critical) needs a customer code"),
    "too_many_cells": ("该行列数多于表头", "the row has more cells than the header"),
    "duplicate_in_file": ("与文件中另一行重复", "the same value is in another row of the file"),
    "customer_differs": ("同一户号的资料与文件中另一行不同", "another row of the file says something else of this customer"),
    "unknown_product": ("没有此产品代码", "there is no such product"),
    "other_kind": ("表计不能改为监测终端，监测终端也不能改为表计：请填同类产品的代码，或先拆除再以新编号登记",
                   "a meter stays a meter and a monitor a monitor: give a product of its kind, or remove it and register it anew"),
    "monitor_customer": ("监测终端没有用户：请清空户号", "a monitor has no customer: leave the customer code empty"),
    "unknown_area": ("没有此区域代码", "there is no such area"),
    "imei_taken": ("IMEI 已属于另一只表", "the IMEI belongs to another meter"),
    "meter_removed": ("该表已拆除", "the meter was removed"),
    **csv_rows.REASONS,
}  # fmt: skip

_NUMBER = re.compile(WRITTEN, re.ASCII)
_CODE = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PHONE = re.compile(r"[0-9+()* -]{1,32}", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[ T]0?0:00(?::00)?)?"
)
_LOST = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
# In a code the letter may be its own (6E15): lost is what has a decimal mark or a sign, as spreadsheets write it.
LOST_CODE = re.compile(r"-?\d(?:[.,]\d+[eE][+-]?|[eE][+-])\d{1,3}")
_ROUNDED = re.compile(
    r"\d{15}0{3,}", re.ASCII
)  # of 18 digits and more, nothing is left beyond the 15 a spreadsheet keeps
SHEET_ERROR = re.compile(
    r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!)|#{3,}|Err:\d{3}"
)
_MASKED = re.compile(r"\*{2,}")
# Letters of UTF-8 read as GBK or as Latin-1: what comes of the commonest lead bytes (E4 to E9, C3, EF BB BF).
_MOJIBAKE = re.compile("\ufffd|锟斤拷|锘縷|烫烫烫|\u00ef\u00bb\u00bf|[\u00e4-\u00e9][\u0080-\u00bf]{2}")
_NAMES = frozenset(  # what people call things by: no formulas (domain/plain_text.py)
    {"bar_code", "product", "area", "customer_code", "customer_name", "customer_address", "address"}
)


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
    customer_address: str | None = None
    address: str | None = None
    is_protected: bool | None = None
    is_critical: bool | None = None
    place: str | None = None
    dn: int | None = None
    qmax_l_h: int | None = None
    expected_from: date | None = None


def plain_heading(text: str) -> str:
    """A heading as it is compared."""
    return re.sub(r"[\s_()（）*：:.\-]", "", text.lower().replace("³", "3"))


_BY_HEADER = {plain_heading(heading): name for name, column in COLUMNS.items() for heading in (name, *column.headings)}


def layout(header: Sequence[str]) -> list[str | None]:
    """Column name of each cell of the header, None for one that is not used.

    Raises ``HeaderError`` when a required column is missing, one is there twice, or a heading may mean two columns.
    """
    for cell in header:
        if (meant := AMBIGUOUS.get(plain_heading(cell))) is not None:
            raise HeaderError(
                f"列“{cell.strip()}”含义不明，请改为“{'”或“'.join(COLUMNS[name].zh for name in meant)}” / "
                f"column '{cell.strip()}' may mean two things: call it "
                + " or ".join(f"'{COLUMNS[name].en}'" for name in meant)
            )
    found = [_BY_HEADER.get(plain_heading(cell)) for cell in header]
    named = [name for name in found if name is not None]
    for name in named:
        if named.count(name) > 1:
            zh, en = COLUMNS[name].zh, COLUMNS[name].en
            raise HeaderError(f"列“{zh}”出现多次 / column '{en}' is there more than once")
    missing = [name for name in REQUIRED if name not in named]
    if missing:
        zh = "、".join(COLUMNS[name].zh for name in missing)
        en = ", ".join(COLUMNS[name].en for name in missing)
        raise HeaderError(f"缺少列：{zh} / missing columns: {en}")
    return found


def left_out(header: Sequence[str]) -> list[str]:
    """Headings of the file that are no column of the registry: what stands below them is not imported."""
    return [cell.strip() for cell in header if cell.strip() and plain_heading(cell) not in _BY_HEADER]


def checked(text: str, most: int) -> str:
    """A text for people; raises ``CellError`` for one that is too long, damaged, or has signs nobody sees."""
    if len(text) > most:
        raise CellError("too_long")
    if hidden_sign(text):
        raise CellError("control_sign")
    if not text.isascii() and (_MOJIBAKE.search(text) or _is_utf8_read_as_gbk(text)):
        raise CellError("mojibake")
    return text


def _is_utf8_read_as_gbk(text: str) -> bool:
    """Whether the text's GBK bytes are whole UTF-8 with Chinese letters: of names written as they are one in 10^5."""
    try:
        read = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return False
    return any("\u4e00" <= sign <= "\u9fff" for sign in read)


def number_cell(text: str) -> str:
    """A meter's number; raises ``CellError``."""
    if LOST_CODE.fullmatch(text) or _ROUNDED.fullmatch(text):
        raise CellError("digits_lost")
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
    # a whole card in ten thousand ends in zeros as a rounded one does: its check digit (E.118) tells them apart
    if _ROUNDED.fullmatch(text) and int(text[-1]) != luhn_digit(text[:-1]):
        raise CellError("digits_lost")
    if not is_iccid(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_iccid")
    return text.upper()


def code_cell(text: str) -> str:
    """A code, as a bar code; raises ``CellError``."""
    if not _CODE.fullmatch(text):
        raise CellError("bad_code")
    if LOST_CODE.fullmatch(text) or _ROUNDED.fullmatch(text):
        raise CellError("digits_lost")
    return checked(text, MOST_NAME)


def _name(text: str) -> str:
    return checked(text, MOST_NAME)


def _address(text: str) -> str:
    return checked(text, MOST_ADDRESS)


def _phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise CellError("digits_lost" if _LOST.fullmatch(text) else "bad_phone")
    if _MASKED.search(text):
        raise CellError("masked")
    return text


def _flag(text: str) -> bool:
    found = FLAGS.get(text.lower())
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
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:9]) <= 5000):
        raise CellError("bad_dn")
    return int(digits)


@lru_cache(maxsize=4096)
def _qmax(text: str) -> int:
    try:
        litres = Decimal(text) * 1000
    except InvalidOperation:
        raise CellError("bad_qmax") from None
    if not litres.is_finite() or not 1 <= litres <= MOST_QMAX_L_H or litres != int(litres):
        raise CellError("bad_qmax")
    return int(litres)


@lru_cache(maxsize=65_536)
def _date(text: str) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise CellError("bad_date")
    parts = [part for part in match.groups() if part is not None]
    try:
        return date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError:
        raise CellError("bad_date") from None


def _judged(text: str, today: date, fault_of: Callable[[date, date], str]) -> date:
    found = _date(text)
    if fault := fault_of(found, today):
        raise CellError(fault)
    return found


_DATES: Mapping[str, Callable[[date, date], str]] = {
    "installed_on": installation_fault,
    "expected_from": expectation_fault,
}


_READ: Mapping[str, Callable[[str], Any]] = {
    "number": number_cell, "bar_code": code_cell, "imei": _imei, "imsi": _imsi, "iccid": _iccid, "product": code_cell,
    "area": code_cell, "customer_code": code_cell, "customer_name": _name, "phone": _phone, "customer_address": _address,
    "address": _address, "is_protected": _flag, "is_critical": _flag, "place": _place, "dn": _dn, "qmax_l_h": _qmax,
}  # fmt: skip


class RowCheck:
    """Checks rows of one file; ``header`` is its first row, ``today`` the newest installation date allowed."""

    def __init__(self, header: Sequence[str], today: date) -> None:
        """Raises ``HeaderError`` as ``layout`` does."""
        self._header = [cell.strip() for cell in header]
        self._columns: list[tuple[int, str, Callable[[str], Any]]] = []
        for place, name in enumerate(layout(header)):
            if name is not None and name in _DATES:
                self._columns.append((place, name, partial(_judged, today=today, fault_of=_DATES[name])))
            elif name is not None:
                self._columns.append((place, name, _READ[name]))
        self._at = {name: place for place, name, _ in self._columns}

    def header_of(self, name: str) -> str:
        """The file's own header of a column, or its English name where the file has none."""
        return self._header[self._at[name]] if name in self._at else COLUMNS[name].en

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
            if text[0] in "#E" and SHEET_ERROR.fullmatch(text):
                errors.append(RowError(row, self._header[place], text[:200], "sheet_error"))
                continue
            try:
                values[name] = read(text)
                if name in _NAMES and is_formula(text) and not isinstance(cells[place], Quoted):
                    raise CellError("formula_sign")
            except CellError as error:
                errors.append(RowError(row, self._header[place], text[:200], str(error)))
        if count > len(self._header) and any(cell.strip() for cell in cells[len(self._header) :]):
            errors.append(RowError(row, "", cells[len(self._header)][:200], "too_many_cells"))
        of_customer = [name for name in OF_CUSTOMER if values.get(name)]
        is_code_given = (at := self._at.get("customer_code", count)) < count and cells[at].strip()
        if of_customer and not is_code_given:
            name = of_customer[0]
            errors.append(RowError(row, self.header_of(name), str(values[name]), "customer_without_code"))
        return errors or MeterRow(row=row, **values)
