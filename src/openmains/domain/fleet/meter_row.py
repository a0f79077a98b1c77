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

from openmains.domain.fleet.cells import (
    LOST,
    LOST_CODE,
    ROUNDED,
    CellError,
    RowError,
    plain_heading,
    read_address,
    read_code,
    read_flag,
    read_name,
    read_phone,
)  # fmt: skip
from openmains.domain.fleet.identifiers import is_iccid, is_imei, is_imsi, luhn_digit
from openmains.domain.fleet.installation import expectation_fault, installation_fault
from openmains.domain.fleet.meter_number import WRITTEN
from openmains.domain.fleet.registry_columns import (
    AMBIGUOUS,
    COLUMNS,
    MOST_QMAX_L_H,
    MOST_TAG,
    OF_CUSTOMER,
    PLACES,
    REQUIRED,
    TAG_SEPARATORS,
)
from openmains.domain.fleet.table_rows import CellReader, by_heading, layout

_NUMBER = re.compile(WRITTEN, re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[ T]0?0:00(?::00)?)?"
)
_SEPARATOR = re.compile(f"[{TAG_SEPARATORS}]")
_NAMES = frozenset(  # what people call things by: no formulas (domain/plain_text.py)
    {"bar_code", "product", "area", "customer_code", "customer_name", "customer_address", "address"}
)


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
    tags: tuple[str, ...] | None = None


_BY_HEADER = by_heading(COLUMNS)


def left_out(header: Sequence[str], own: Mapping[str, str] = {}) -> list[str]:
    """Headings of the file that are no column of the registry: what stands below them is not imported. ``own``: as in ``RowCheck``."""
    known = _BY_HEADER | dict(own)
    return [cell.strip() for cell in header if cell.strip() and plain_heading(cell) not in known]


def heading_fault(heading: str, column: str) -> str | None:
    """Why a heading of other systems' files cannot mean a column: ``empty``, ``unknown-column``, or ``known`` – it has its meaning here
    already, which nobody changes. None: it can."""
    plain = plain_heading(heading)
    if not plain:
        return "empty"
    if column not in COLUMNS:
        return "unknown-column"
    return "known" if plain in _BY_HEADER else None


def number_cell(text: str) -> str:
    """A meter's number; raises ``CellError``."""
    if LOST_CODE.fullmatch(text) or ROUNDED.fullmatch(text):
        raise CellError("digits_lost")
    if not _NUMBER.fullmatch(text):
        raise CellError("bad_number")
    return text


def _imei(text: str) -> int:
    if not is_imei(text):
        raise CellError("digits_lost" if LOST.fullmatch(text) else "bad_imei")
    return int(text)


def _imsi(text: str) -> str:
    if not is_imsi(text):
        raise CellError("digits_lost" if LOST.fullmatch(text) else "bad_imsi")
    return text


def _iccid(text: str) -> str:
    # a whole card in ten thousand ends in zeros as a rounded one does: its check digit (E.118) tells them apart
    if ROUNDED.fullmatch(text) and int(text[-1]) != luhn_digit(text[:-1]):
        raise CellError("digits_lost")
    if not is_iccid(text):
        raise CellError("digits_lost" if LOST.fullmatch(text) else "bad_iccid")
    return text.upper()


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


def _tags(text: str) -> tuple[str, ...]:
    names = {name.lower(): name for part in _SEPARATOR.split(text) if (name := part.strip())}
    if not names or any(len(name) > MOST_TAG for name in names):
        raise CellError("bad_tags")
    return tuple(names.values())


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
    "number": number_cell, "bar_code": read_code, "imei": _imei, "imsi": _imsi, "iccid": _iccid, "product": read_code,
    "area": read_code, "customer_code": read_code, "customer_name": read_name, "phone": read_phone,
    "customer_address": read_address, "address": read_address, "is_protected": read_flag, "is_critical": read_flag,
    "place": _place, "dn": _dn, "qmax_l_h": _qmax, "tags": _tags,
}  # fmt: skip


class RowCheck:
    """Checks rows of one file; ``header`` is its first row, ``today`` the newest installation date allowed, ``own`` the column of headings, as
    they are compared, that this utility said are it."""

    def __init__(self, header: Sequence[str], today: date, own: Mapping[str, str] = {}) -> None:
        """Raises ``HeaderError`` as ``layout`` does."""
        judged = {name: partial(_judged, today=today, fault_of=fault_of) for name, fault_of in _DATES.items()}
        ambiguous = {heading: meant for heading, meant in AMBIGUOUS.items() if heading not in own}
        found = layout(header, COLUMNS, {**own, **_BY_HEADER}, REQUIRED, ambiguous=ambiguous)
        self._cells = CellReader(header, found, COLUMNS, {**_READ, **judged}, REQUIRED, _NAMES)
        self.header_of = self._cells.header_of

    def check(self, row: int, cells: Sequence[str]) -> MeterRow | list[RowError]:
        """The row's values or all that is wrong with it."""
        values, faults = self._cells.read(cells)
        errors = [RowError(row, *fault) for fault in faults]
        of_customer = [name for name in OF_CUSTOMER if values.get(name)]
        is_code_given = (at := self._cells.at.get("customer_code", len(cells))) < len(cells) and cells[at].strip()
        if of_customer and not is_code_given:
            name = of_customer[0]
            errors.append(RowError(row, self.header_of(name), str(values[name]), "customer_without_code"))
        return errors or MeterRow(row=row, **values)
