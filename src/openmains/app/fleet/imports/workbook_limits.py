# SPDX-License-Identifier: Apache-2.0
"""What a workbook may hold, looked at before anything of it is laid out in memory.

A workbook of 1.5 kB can name one cell far down and far right, or hold one text of 600 MB: the reader lays out the whole
rectangle and the whole text. So its parts are read through once, block by block, and measured. What a file says wrongly of
itself still meets the memory limit of the process that reads it (``reader.py``).

ECMA-376 part 1: 18.3.1.4 (c), 18.3.1.73 (row); a cell's text has at most 32,767 characters.
"""

import re
import zipfile
from pathlib import Path
from typing import IO

from openmains.domain.fleet.cells import HeaderError

MOST_CELLS = 34_000_000  # rows × columns of a sheet: 1,000,000 rows of 34 columns
MOST_TEXT = 200_000  # bytes between two marks of XML: 32,767 characters, the longest as entities of 6 bytes
MOST_UNPACKED = 3 << 30
MOST_PARTS = 2_000
_BLOCK = 1 << 20
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,12})"')
# a cell beyond column AG, the 33rd, or beyond row 999,999
_FAR = re.compile(rb'\br="((?:A[H-Z]|[B-Z][A-Z]|[A-Z]{3}|[A-Z]{1,3}(?=\d{7})))(\d{1,12})"')
_NEAR = 33
_KEEP = 256  # of a block: a mark may lie across two


def check_workbook(path: Path) -> None:
    """Raises ``HeaderError`` for a workbook that is larger than any registry, ``OSError`` for what is no workbook."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return
    try:
        with zipfile.ZipFile(path) as book:
            parts = book.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise _too_large("解压后过大", "it unpacks to more than 3 GB")
            for part in parts:
                is_sheet = part.filename.startswith("xl/worksheets/")
                if is_sheet or part.filename == "xl/sharedStrings.xml":
                    with book.open(part) as content:
                        _measure(content, part.filename, is_sheet=is_sheet)
    except (
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:  # the latter two: encrypted, unknown packing
        raise OSError(str(error)) from error


def _measure(content: IO[bytes], name: str, *, is_sheet: bool) -> None:
    rest, since, rows, columns = b"", 0, 0, _NEAR
    while block := content.read(_BLOCK):
        since = _longest_text(block, since, name)
        if is_sheet:
            rest += block
            rows = max(rows, max(map(int, _ROW.findall(rest)), default=0))
            for letters, row in _FAR.findall(rest):
                columns, rows = max(columns, _column(letters)), max(rows, int(row))
            if rows * columns > MOST_CELLS:
                raise _too_large(f"工作表有 {rows} 行 × {columns} 列", f"a sheet has {rows} rows × {columns} columns")
            rest = rest[-_KEEP:]


def _longest_text(block: bytes, since: int, name: str) -> int:
    """``since``: bytes since the last mark before this block; returns those at its end."""
    for piece in block.split(b"<")[:-1] if block.count(b"<") < 64 else ():
        if since + len(piece) > MOST_TEXT:
            raise _too_large(f"{name} 中有过长的文本", f"{name} holds a text longer than a cell can have")
        since = 0
    last = block.rfind(b"<")
    since = since + len(block) if last < 0 else len(block) - last
    if since > MOST_TEXT:
        raise _too_large(f"{name} 中有过长的文本", f"{name} holds a text longer than a cell can have")
    return since


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _too_large(zh: str, en: str) -> HeaderError:
    return HeaderError(
        f"工作簿过大：{zh}；请删除多余的行列或分成几个文件，或另存为“CSV UTF-8” / "
        f"the workbook is too large: {en}; delete what is not needed, divide the file, or save it as 'CSV UTF-8'"
    )
