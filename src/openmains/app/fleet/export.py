# SPDX-License-Identifier: Apache-2.0
"""The list of meters as a file. Rows are written page by page: memory does not grow with the fleet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

from openmains.app.fleet.model import Meter
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.domain.period import Zone

PAGE = 5_000
MOST_HITS = 10_000  # of a search: beyond the first pages nobody means the hits any more
SHEET_ROWS = 1_000_000  # a sheet ends at 1,048,576
MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
Cell = str | int | Decimal
Pages = AsyncIterator[list[Meter]]
MEDIUM = {"zh": {"water": "水", "gas": "燃气"}, "en": {"water": "water", "gas": "gas"}}


def _instant(at: datetime | None, zone: Zone) -> str:
    return "" if at is None else zone.iso(int(at.timestamp()))


class Column(NamedTuple):
    """Heads in both languages, and the cell of a meter in a zone and language."""

    zh: str
    en: str
    cell: Callable[[Meter, Zone, str], Cell]


COLUMNS: dict[str, Column] = {
    "number": Column("表号", "number", lambda m, _z, _l: m.number),
    "medium": Column("介质", "medium", lambda m, _z, language: MEDIUM[language].get(m.medium, m.medium)),
    "product": Column("产品", "product", lambda m, _z, _l: m.product_code),
    "area": Column("区域", "area", lambda m, _z, _l: m.area_name),
    "customer": Column("用户", "customer", lambda m, _z, _l: m.customer_name or ""),
    "address": Column("地址", "address", lambda m, _z, _l: m.address),
    "imei": Column("IMEI", "IMEI", lambda m, _z, _l: m.imei or ""),
    "imsi": Column("IMSI", "IMSI", lambda m, _z, _l: m.imsi),
    "iccid": Column("ICCID", "ICCID", lambda m, _z, _l: m.iccid),
    "bar_code": Column("条码", "bar code", lambda m, _z, _l: m.bar_code),
    "dn": Column("口径 DN", "DN", lambda m, _z, _l: m.dn or ""),
    "installed": Column("安装日期", "installed on", lambda m, _z, _l: m.installed_on.isoformat()),
    "register": Column(
        "累计读数 (m³)",
        "register (m³)",
        lambda m, _z, _l: Decimal(m.state.register_m3) if m.state and m.state.register_m3 is not None else "",
    ),
    "register_at": Column(
        "读数时间", "register at", lambda m, z, _l: _instant(m.state.register_at if m.state else None, z)
    ),
    "last_seen": Column(
        "最近上报", "last seen", lambda m, z, _l: _instant(m.state.last_seen_at if m.state else None, z)
    ),
    "battery": Column(
        "电量 (%)",
        "battery (%)",
        lambda m, _z, _l: m.state.battery_pct if m.state and m.state.battery_pct is not None else "",
    ),
    "events": Column("当前事件", "events", lambda m, _z, _l: " ".join(m.state.events) if m.state else ""),
}


def head(columns: Sequence[str], language: str) -> list[Cell]:
    """The first row."""
    return [COLUMNS[name].zh if language == "zh" else COLUMNS[name].en for name in columns]


def row(meter: Meter, columns: Sequence[str], zone: Zone, language: str) -> list[Cell]:
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
    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    sheet, place = _sheet(book, head(columns, language)), 0
    async for page in pages:
        for meter in page:
            place += 1
            if place == SHEET_ROWS:
                sheet, place = _sheet(book, head(columns, language)), 1
            _write(sheet, place, row(meter, columns, zone, language))
        await asyncio.sleep(0)  # others want to be served meanwhile
    await asyncio.to_thread(book.close)


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
