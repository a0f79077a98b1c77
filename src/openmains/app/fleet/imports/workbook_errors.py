# SPDX-License-Identifier: Apache-2.0
"""Cells of a workbook's first sheet that hold an error (#N/A, #REF!): the reader of workbooks shows them as empty cells,
and an empty cell keeps what is stored, so a lookup that found nothing would pass without a word.

ECMA-376 part 1: 18.2.19 (sheets), 18.3.1.4 (c, ``t="e"``). Only .xlsx and .xlsm; the old binary forms have no such list.
"""

import posixpath
import re
import zipfile
from pathlib import Path
from typing import IO

_BLOCK = 1 << 20
_CELL = re.compile(rb'<(?:\w+:)?c\b([^>]*\bt="e"[^>]*)>(.{0,4000}?)</(?:\w+:)?c>', re.DOTALL)
_AT = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]{1,40})</")
_FIRST = re.compile(rb'<(?:\w+:)?sheet\b[^>]*\b\w+:id="([^"]+)"')
_RELATION = re.compile(rb"<Relationship\b[^>]*>")
_KEEP = 8_192  # of a block: a cell may lie across two


def error_cells(path: Path) -> dict[int, dict[int, str]]:
    """Row (from 1) → column (from 0) → the error as the spreadsheet shows it. Raises ``OSError`` for a file it can not read."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return {}
    found: dict[int, dict[int, str]] = {}
    try:
        with zipfile.ZipFile(path) as book, book.open(_first_sheet(book)) as sheet:
            _search(sheet, found)
    except (zipfile.BadZipFile, KeyError) as error:
        raise OSError(str(error)) from error
    return found


def _search(sheet: IO[bytes], found: dict[int, dict[int, str]]) -> None:
    rest = b""
    while block := sheet.read(_BLOCK):
        rest += block
        for attributes, content in _CELL.findall(rest):
            at, value = _AT.search(attributes), _VALUE.search(content)
            if at is not None:
                column = 0
                for sign in at[1]:
                    column = column * 26 + sign - 64
                said = "#N/A" if value is None else value[1].decode("utf-8", "replace")
                found.setdefault(int(at[2]), {})[column - 1] = said
        rest = rest[-_KEEP:]


def _first_sheet(book: zipfile.ZipFile) -> str:
    sheet = _FIRST.search(book.read("xl/workbook.xml"))
    if sheet is not None:
        for relation in _RELATION.findall(book.read("xl/_rels/workbook.xml.rels")):
            if b'Id="' + sheet[1] + b'"' in relation and (target := re.search(rb'Target="([^"]+)"', relation)):
                name = target[1].decode()
                return name.lstrip("/") if name.startswith("/") else posixpath.normpath(posixpath.join("xl", name))
    raise KeyError("no sheet in the workbook")
