# SPDX-License-Identifier: Apache-2.0
"""The list of readings that persons took as a file, in the vocabulary the import reads (``app/readings/manual/reading_row.py``).

A register is written as text with the decimals that were read: a spreadsheet would make 123 of 123.000. Rows are written page by page.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from openmains.app.fleet.export import SHEET_ROWS
from openmains.app.readings.manual.model import ManualReading
from openmains.app.readings.manual.reading_row import COLUMNS, SHOWN_ONLY
from openmains.app.readings.manual.take import as_read_m3
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook
from openmains.domain.period import Zone

PAGE = 5_000
Cell = Callable[[ManualReading, Mapping[str, int], Zone, str], str]
_STATES = {
    "zh": {"waits": "待处理", "booked": "已入账", "kept": "未采用"},
    "en": {"waits": "waits", "booked": "booked", "kept": "kept"},
}
_SOURCES = {"zh": {"form": "录入", "import": "导入"}, "en": {"form": "form", "import": "import"}}
CELLS: Mapping[str, Cell] = {
    "number": lambda r, _e, _z, _l: r.number,
    "bar_code": lambda r, _e, _z, _l: r.bar_code,
    "at": lambda r, _e, z, _l: z.iso(int(r.at.timestamp())),
    "register": lambda r, e, _z, _l: as_read_m3(r, e),
    "note": lambda r, _e, _z, _l: r.note,
    "state": lambda r, _e, _z, language: _STATES[language][r.state],
    "rules": lambda r, _e, _z, _l: " ".join(r.rules),
    "source": lambda r, _e, _z, language: _SOURCES[language][r.source],
    "author": lambda r, _e, _z, _l: r.author,
    "made_at": lambda r, _e, z, _l: z.iso(int(r.made_at.timestamp())),
}


def head(language: str) -> list[str]:
    """The first row."""
    return [column.zh if language == "zh" else column.en for column in (*COLUMNS.values(), *SHOWN_ONLY.values())]


def row(reading: ManualReading, exponents: Mapping[str, int], zone: Zone, language: str) -> list[str]:
    """One reading."""
    return [cell(reading, exponents, zone, language) for cell in CELLS.values()]


async def write(
    path: Path,
    pages: AsyncIterator[list[ManualReading]],
    exponents: Mapping[str, int],
    zone: Zone,
    language: str,
    kind: str,
) -> None:
    """CSV (UTF-8 with byte order mark) or a workbook, a further sheet after a million rows."""
    if kind == "csv":
        with path.open("wb") as file:
            file.write(b"".join(csv_bytes([head(language)])))
            async for page in pages:
                chunks = csv_bytes([row(reading, exponents, zone, language) for reading in page])
                next(chunks)  # the mark stands only at the file's start
                file.writelines(chunks)
                await asyncio.sleep(0)  # others want to be served meanwhile
        return
    async with workbook(path) as book:
        sheet, place = _sheet(book, head(language)), 0
        async for page in pages:
            for reading in page:
                place += 1
                if place == SHEET_ROWS:
                    sheet, place = _sheet(book, head(language)), 1
                _write(sheet, place, row(reading, exponents, zone, language))
            await asyncio.sleep(0)


def _sheet(book: xlsxwriter.Workbook, first: Sequence[str]) -> Any:
    sheet = book.add_worksheet()
    _write(sheet, 0, first)
    return sheet


def _write(sheet: Any, place: int, cells: Sequence[str]) -> None:
    for column, cell in enumerate(cells):
        sheet.write_string(place, column, neutral(cell))
