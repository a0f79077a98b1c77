# SPDX-License-Identifier: Apache-2.0
"""A registry file as rows of text: CSV in UTF-8, UTF-16 or GB18030, XLSX (XLS, ODS) by its first sheet."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from openmains.domain.fleet.meter_row import HeaderError

_SHEETS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
_BLOCK = 1 << 20
_EXACT = 2**53  # spreadsheets keep numbers as doubles


@dataclass(slots=True)
class Table:
    """``header`` is the first row that is not empty; ``rows`` yields (row number as a spreadsheet counts, cells).

    Empty rows are left out. ``total`` is the number of rows as far as it is known before reading (lines of a CSV).
    """

    header: list[str]
    rows: Iterator[tuple[int, list[str]]]
    total: int
    encoding: str


def open_table(path: Path) -> Table:
    """Open a file by its suffix; raises ``HeaderError`` when it is empty or not readable as what it says to be."""
    if path.suffix.lower() in _SHEETS:
        return _open_sheet(path)
    encoding, lines = _encoding(path)
    numbered = _csv_rows(path, encoding)
    header = next(numbered, None)
    if header is None:
        raise HeaderError("文件是空的 / the file is empty")
    return Table(header[1], numbered, max(0, lines - 1), encoding)


def _encoding(path: Path) -> tuple[str, int]:
    """(encoding, line feeds) of a whole file: UTF-16 by its mark, UTF-8 if every byte of it is, else GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 0
    utf8 = True
    last = b"\n"
    with path.open("rb") as file:
        start = file.read(2)
        if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16", 0
        file.seek(0)
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
            last = block
            if utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    utf8 = False
        if utf8:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                utf8 = False
    return ("utf-8-sig" if utf8 else "gb18030"), lines + (not last.endswith(b"\n"))


def _csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        try:
            first = file.readline()
            delimiter = max(",;\t", key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=False)
            for row, cells in enumerate(reader, 1):
                if any(cells):
                    if row == 1:
                        cells[0] = cells[0].removeprefix("\ufeff")  # GB18030 has a mark too
                    yield row, cells
        except UnicodeDecodeError as error:
            raise HeaderError(
                f"文件既不是 UTF-8 也不是 GB18030（字节 {error.start}）/ the file is neither UTF-8 nor GB18030"
            ) from error
        except csv.Error as error:
            raise HeaderError(f"CSV 有误：{error} / the CSV is broken: {error}") from error


def _open_sheet(path: Path) -> Table:
    try:
        book = CalamineWorkbook.from_path(path)
        sheet = book.get_sheet_by_index(0)
    except (CalamineError, OSError, IndexError) as error:
        raise HeaderError(f"无法打开表格文件：{error} / the spreadsheet can not be opened: {error}") from error

    def rows() -> Iterator[tuple[int, list[str]]]:
        for row, cells in enumerate(sheet.iter_rows(), 1):  # empty rows above are delivered too
            texts = [cell_text(cell) for cell in cells]
            if any(texts):
                yield row, texts

    numbered = rows()
    header = next(numbered, None)
    if header is None:
        raise HeaderError("文件是空的 / the file is empty")
    return Table(header[1], numbered, max(0, sheet.total_height - 1), "xlsx")


def cell_text(cell: Any) -> str:
    """What a spreadsheet's cell says. A number beyond a double's exact range is written with an exponent: it is lost."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell.is_integer():
            return str(int(cell)) if abs(cell) < _EXACT else f"{cell:e}"
        return repr(cell)
    return str(cell) if cell is not None else ""
