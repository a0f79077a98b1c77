# SPDX-License-Identifier: Apache-2.0
"""The list of meters as a file. Rows are written page by page: memory does not grow with the fleet.

Headings and values are those of ``domain/fleet/registry_columns.py``: the import reads each back as the value it was written
of, or names it as one that is only shown. The customer's phone is in no file: the list is for viewers too (R13.2).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

from openmains.app.fleet.model import RegisteredMeter
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook
from openmains.domain.fleet import registry_columns
from openmains.domain.fleet.registry_columns import written
from openmains.domain.period import Zone

PAGE = 5_000
MOST_HITS = 10_000  # of a search: beyond the first pages nobody means the hits any more
SHEET_ROWS = 1_000_000  # a sheet ends at 1,048,576
MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
Cell = str | int | Decimal
Pages = AsyncIterator[list[RegisteredMeter]]
MEDIUM = {"zh": {"water": "水", "gas": "燃气"}, "en": {"water": "water", "gas": "gas"}}


def _instant(at: datetime | None, zone: Zone) -> str:
    return "" if at is None else zone.iso(int(at.timestamp()))


class Column(NamedTuple):
    """Heads in both languages, and the cell of a meter in a zone and language."""

    zh: str
    en: str
    cell: Callable[[RegisteredMeter, Zone, str], Cell]


def _kept(name: str, value: Callable[[RegisteredMeter], Any]) -> Column:
    """A column that is imported too."""
    column = registry_columns.COLUMNS[name]
    return Column(column.zh, column.en, lambda meter, _zone, language: written(name, value(meter), language))


def _shown(name: str, cell: Callable[[RegisteredMeter, Zone, str], Cell]) -> Column:
    """A column that only shows."""
    column = registry_columns.SHOWN_ONLY[name]
    return Column(column.zh, column.en, cell)


COLUMNS: dict[str, Column] = {
    "number": _kept("number", lambda m: m.number),
    "medium": _shown("medium", lambda m, _z, language: MEDIUM[language].get(m.medium, m.medium)),
    "product": _kept("product", lambda m: m.product_code),
    "area_code": _kept("area", lambda m: m.area_code),
    "area": _shown("area_name", lambda m, _z, _l: m.area_name),
    "customer_code": _kept("customer_code", lambda m: m.customer and m.customer.code),
    "customer": _kept("customer_name", lambda m: m.customer and m.customer.name),
    "customer_address": _kept("customer_address", lambda m: m.customer and m.customer.address),
    "is_protected": _kept("is_protected", lambda m: m.customer and m.customer.is_protected),
    "is_critical": _kept("is_critical", lambda m: m.customer and m.customer.is_critical),
    "address": _kept("address", lambda m: m.address),
    "imei": _kept("imei", lambda m: m.imei),
    "imsi": _kept("imsi", lambda m: m.imsi),
    "iccid": _kept("iccid", lambda m: m.iccid),
    "bar_code": _kept("bar_code", lambda m: m.bar_code),
    "place": _kept("place", lambda m: m.place),
    "dn": _kept("dn", lambda m: m.dn),
    "qmax": _kept("qmax_l_h", lambda m: m.qmax_l_h),
    "tags": _kept("tags", lambda m: [tag.name for tag in m.tags]),
    "installed": _kept("installed_on", lambda m: m.installed_on),
    "expected_from": _kept("expected_from", lambda m: m.expected_from),
    "register": _shown(
        "register",
        lambda m, _z, _l: Decimal(m.state.register_m3) if m.state and m.state.register_m3 is not None else "",
    ),
    "register_at": _shown("register_at", lambda m, z, _l: _instant(m.state.register_at if m.state else None, z)),
    "last_seen": _shown("last_seen", lambda m, z, _l: _instant(m.state.last_seen_at if m.state else None, z)),
    "battery": _shown(
        "battery", lambda m, _z, _l: m.state.battery_pct if m.state and m.state.battery_pct is not None else ""
    ),
    "events": _shown("events", lambda m, _z, _l: " ".join(m.state.events) if m.state else ""),
}


def head(columns: Sequence[str], language: str) -> list[Cell]:
    """The first row."""
    return [COLUMNS[name].zh if language == "zh" else COLUMNS[name].en for name in columns]


def row(meter: RegisteredMeter, columns: Sequence[str], zone: Zone, language: str) -> list[Cell]:
    """One meter."""
    return [COLUMNS[name].cell(meter, zone, language) for name in columns]


async def write_csv(path: Path, pages: Pages, columns: Sequence[str], zone: Zone, language: str) -> None:
    """UTF-8 with byte order mark."""
    with path.open("wb") as file:
        file.write(b"".join(csv_bytes([head(columns, language)])))
        async for page in pages:
            chunks = csv_bytes([row(meter, columns, zone, language) for meter in page])
            next(chunks)  # the mark stands only at the file's start
            file.writelines(chunks)
            await asyncio.sleep(0)  # others want to be served meanwhile


async def write_xlsx(path: Path, pages: Pages, columns: Sequence[str], zone: Zone, language: str) -> None:
    """A workbook; a further sheet after a million rows."""
    async with workbook(path) as book:
        sheet, place = _sheet(book, head(columns, language)), 0
        async for page in pages:
            for meter in page:
                place += 1
                if place == SHEET_ROWS:
                    sheet, place = _sheet(book, head(columns, language)), 1
                _write(sheet, place, row(meter, columns, zone, language))
            await asyncio.sleep(0)  # others want to be served meanwhile


def _sheet(book: xlsxwriter.Workbook, first: Sequence[Cell]) -> Any:
    sheet = book.add_worksheet()
    _write(sheet, 0, first)
    return sheet


def _write(sheet: Any, place: int, cells: Sequence[Cell]) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(place, column, neutral(cell))  # it may be saved as CSV from there
        else:
            sheet.write_number(place, column, cell)
