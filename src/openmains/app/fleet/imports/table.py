# SPDX-License-Identifier: Apache-2.0
"""A registry file as rows of text: CSV in UTF-8, UTF-16 or GB18030, XLSX (XLS, ODS) by its first sheet."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from openmains.app.fleet.imports.workbook_errors import error_cells
from openmains.app.fleet.imports.workbook_limits import check_workbook
from openmains.app.spreadsheet import original
from openmains.domain.csv_rows import REASONS, Broken, Line, Rows, decoded, encoding_of
from openmains.domain.fleet.cells import HeaderError

_SHEETS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number and makes the rest zeros


@dataclass(slots=True)
class Table:
    """``header`` is the first row that is not empty; ``rows`` yields (row number as a spreadsheet counts, cells), or the line
    that is no row.

    Empty rows are left out. ``total`` is the number of rows as far as it is known before reading (lines of a CSV). At the
    end of ``rows`` what was read has been compared with what was counted; ``HeaderError`` where they differ.
    """

    header: list[str]
    rows: Iterator[tuple[int, list[str]] | Broken]
    total: int
    encoding: str


def open_table(path: Path, *, times: bool = False) -> Table:
    """Open a file by its suffix; raises ``HeaderError`` when it is empty or not readable as what it says to be.

    ``times``: a workbook's date cells keep their time of day.
    """
    return _open_sheet(path, times=times) if path.suffix.lower() in _SHEETS else _open_csv(path)


def _open_csv(path: Path) -> Table:
    with path.open("rb") as file:
        head = file.read(4096)
        if b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise HeaderError(
                "文件不是文本，请另存为“CSV UTF-8”或 XLSX / the file is no text: save it as 'CSV UTF-8' or XLSX"
            )
        file.seek(0)
        counted = 0

        def counting() -> Iterator[bytes]:
            nonlocal counted
            for raw in _raw_lines(file):
                counted += 1
                yield raw

        every = counting()
        encoding = encoding_of(every)
        for _ in every:  # where the file's mark said it all
            pass
    if encoding == "utf-16":
        lines, counted = _utf16(path), 0
    else:
        lines = _decoded(path, encoding)
    rows = Rows(lines)
    source = iter(rows)
    first = next(source, None)
    if first is None:
        raise HeaderError("文件是空的 / the file is empty")
    if isinstance(first, Broken):
        zh, en = REASONS[first.reason]
        raise HeaderError(f"表头（第 {first.line} 行）：{zh} / the header (line {first.line}): {en}")

    def all_rows() -> Iterator[tuple[int, list[str]] | Broken]:
        for row in source:
            yield row if isinstance(row, Broken) else (row[0], [original(cell) for cell in row[1]])
        if counted and rows.lines != counted:
            raise HeaderError(
                f"文件有 {counted} 行，只读到 {rows.lines} 行；文件是否正在被改写？ / "
                f"the file has {counted} lines and {rows.lines} were read: is it being written?"
            )

    header = [original(cell) for cell in first[1]]
    return Table(header, all_rows(), max(0, counted - 1), encoding)


def _raw_lines(file: Iterable[bytes]) -> Iterator[bytes]:
    for raw in file:
        text = raw.rstrip(b"\r\n")
        if b"\r" in text:  # ends of lines of an old Macintosh
            yield from text.split(b"\r")
        else:
            yield text


def _decoded(path: Path, encoding: str) -> Iterator[Line]:
    with path.open("rb") as file:
        for place, raw in enumerate(_raw_lines(file)):
            line = decoded(raw, "utf-8" if encoding == "utf-8-sig" else encoding)
            yield (
                Line(line.text.removeprefix("\ufeff"), line.is_sound) if place == 0 else line
            )  # GB18030 has a mark too


def _utf16(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-16", errors="replace", newline="") as file:
        for text in file:
            yield Line(text.rstrip("\r\n"), "\ufffd" not in text)


def _open_sheet(path: Path, *, times: bool) -> Table:
    try:
        check_workbook(path)
        book = CalamineWorkbook.from_path(path)
        sheet = book.get_sheet_by_index(0)
        errors = error_cells(path)
        others = [book.get_sheet_by_index(place) for place in range(1, len(book.sheet_names))]
    except (CalamineError, OSError, IndexError) as error:
        raise HeaderError(f"无法打开表格文件：{error} / the spreadsheet can not be opened: {error}") from error

    def rows() -> Iterator[tuple[int, list[str]]]:
        for row, cells in enumerate(sheet.iter_rows(), 1):  # empty rows above are delivered too
            texts = [original(cell_text(cell, times=times)) for cell in cells]
            for column, said in errors.get(row, {}).items():
                texts += [""] * (column + 1 - len(texts))
                texts[column] = said  # the reader of workbooks shows nothing there
            if any(texts):
                yield row, texts

    numbered = rows()
    header = next(numbered, None)
    if header is None:
        raise HeaderError("文件是空的 / the file is empty")
    for other in others:
        first = next(iter(other.iter_rows()), None)
        if first is not None and [original(cell_text(cell, times=times)) for cell in first] == header[1]:
            raise HeaderError(
                f"工作表“{other.name}”也有表具，而只读取第一个工作表：请将每个工作表另存为一个文件 / "
                f"sheet '{other.name}' has meters too and only the first is read: save each sheet as a file of its own"
            )
    return Table(header[1], numbered, max(0, sheet.total_height - 1), "xlsx")


def cell_text(cell: Any, *, times: bool = False) -> str:
    """What a spreadsheet's cell says. A number of over 15 digits is written with an exponent: its end is lost."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, datetime):
        # A workbook keeps a time as a part of a day: 10:29:59.999999 is half past ten.
        return (
            (cell + timedelta(milliseconds=500)).replace(microsecond=0).isoformat(" ")
            if times
            else cell.date().isoformat()
        )
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell.is_integer():
            return str(int(cell)) if abs(cell) < _EXACT else f"{cell:.15e}"
        return repr(cell)
    return str(cell) if cell is not None else ""
