# SPDX-License-Identifier: Apache-2.0
"""Registers and sums as files for people: rows as CSV, a page of meters at a time, or as sheets of a workbook."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook

SHEET_ROWS = 1_048_576
PAUSE_ROWS = 1_000  # after which others are served
Rows = AsyncIterator[Sequence[Sequence[Any]]]


async def csv_pages(head: Sequence[str], pages: Rows) -> AsyncIterator[bytes]:
    """UTF-8 with byte order mark."""
    yield b"".join(csv_bytes([head]))
    async for page in pages:
        chunks = csv_bytes(page)
        next(chunks)  # the mark stands only at the file's start
        for chunk in chunks:
            yield chunk


async def write_sheets(path: Path, head: Sequence[str], pages: Rows) -> None:
    """A workbook; a further sheet after a million rows."""
    async with workbook(path) as book:
        sheet, place = book.add_worksheet(), 0
        _write(sheet, 0, head)
        async for page in pages:
            for row in page:
                place += 1
                if place == SHEET_ROWS:
                    sheet, place = book.add_worksheet(), 1
                    _write(sheet, 0, head)
                _write(sheet, place, row)
                if place % PAUSE_ROWS == 0:
                    await asyncio.sleep(0)


def _write(sheet: Any, place: int, cells: Sequence[Any]) -> None:
    for column, cell in enumerate(cells):
        if cell is None:
            continue
        if isinstance(cell, str):
            sheet.write_string(place, column, neutral(cell))
        else:
            sheet.write_number(place, column, cell)
