# SPDX-License-Identifier: Apache-2.0
"""Workbooks (XLSX) written row by row: memory does not grow with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import xlsxwriter

OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


@asynccontextmanager
async def workbook(path: Path) -> AsyncIterator[xlsxwriter.Workbook]:
    """A workbook at ``path``, packed when the block ends. Where it ends by an error too: sheets are files that wait to be packed, and
    would stay open."""
    book = xlsxwriter.Workbook(str(path), OPTIONS)
    try:
        yield book
    finally:
        await asyncio.to_thread(book.close)
