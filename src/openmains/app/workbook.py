# SPDX-License-Identifier: Apache-2.0
"""Workbooks (XLSX): large ones written row by row to a file, so that memory does not grow with them; small ones in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import xlsxwriter

_AS_IT_IS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}  # a text stays one


def workbook_in(data: BytesIO) -> xlsxwriter.Workbook:
    """A small one, kept in memory; it is in ``data`` when its ``with`` ends."""
    return xlsxwriter.Workbook(data, {"in_memory": True, **_AS_IT_IS})


@asynccontextmanager
async def workbook(path: Path) -> AsyncIterator[xlsxwriter.Workbook]:
    """A workbook at ``path``, packed when the block ends. Where it ends by an error too: sheets are files that wait to be packed, and
    would stay open."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, **_AS_IT_IS})
    try:
        yield book
    finally:
        await asyncio.to_thread(book.close)
