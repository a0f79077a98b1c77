# SPDX-License-Identifier: Apache-2.0
"""The tree of areas as a file, each area after the one above it: what the import reads back as no change."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from openmains.app.fleet.areas import AreaRow
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook
from openmains.domain.fleet.area_rows import AREA_COLUMNS, AREA_SHOWN_ONLY
from openmains.domain.fleet.registry_columns import Column

_ORDER: tuple[Column, ...] = (
    *(AREA_COLUMNS[name] for name in ("code", "name", "parent", "kind")),
    *(AREA_SHOWN_ONLY[name] for name in ("full_name", "meters")),
)
SHEET_ROWS = 1_000_000


def head(language: str) -> list[str]:
    """The first row."""
    return [column.zh if language == "zh" else column.en for column in _ORDER]


def cells(row: AreaRow) -> list[str | int]:
    """One area."""
    return [row.code, row.name, row.parent, row.kind, row.full_name, row.meters]


async def write_areas(path: Path, pages: AsyncIterator[list[AreaRow]], language: str) -> None:
    """CSV or a workbook, as the path ends. A tree beyond a million areas is no workbook: raises ``ValueError``."""
    if path.suffix == ".csv":
        with path.open("wb") as file:
            file.write(b"".join(csv_bytes([head(language)])))
            async for page in pages:
                chunks = csv_bytes([cells(row) for row in page])
                next(chunks)  # the mark stands only at the file's start
                file.writelines(chunks)
                await asyncio.sleep(0)  # others want to be served meanwhile
        return
    async with workbook(path) as book:
        sheet, place = book.add_worksheet(), 0
        for column, text in enumerate(head(language)):
            sheet.write_string(0, column, text)
        async for page in pages:
            for row in page:
                place += 1
                if place > SHEET_ROWS:
                    raise ValueError("more areas than a sheet holds: ask for CSV")
                for column, cell in enumerate(cells(row)):
                    if isinstance(cell, str):
                        sheet.write_string(place, column, neutral(cell))
                    else:
                        sheet.write_number(place, column, cell)
            await asyncio.sleep(0)
