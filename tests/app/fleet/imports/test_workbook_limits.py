# SPDX-License-Identifier: Apache-2.0
"""Workbooks made to do harm are refused for what is wrong with them, before anything of theirs is laid out in memory."""

import tracemalloc
import zipfile
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from openmains.app.fleet.imports.reader import Chunk, Orders, chunks, reading
from openmains.domain.fleet.cells import HeaderError

TODAY = date(2026, 6, 30)


def book(path: Path, cells: str, *, parts: int = 0, second: str = "") -> Path:
    """A workbook of a real library, with other cells in its sheets."""
    plain = path.with_suffix(".plain.xlsx")
    made = xlsxwriter.Workbook(str(plain))
    made.add_worksheet()
    made.add_worksheet()
    made.close()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name).decode()
            for place, inside in ((1, cells), (2, second)):
                if name == f"xl/worksheets/sheet{place}.xml":
                    content = content.replace("<sheetData/>", f"<sheetData>{inside}</sheetData>")
            target.writestr(name, content)
        for place in range(parts):
            target.writestr(f"xl/media/{place}", "")
    return path


def read(path: Path) -> list[Chunk]:
    return list(chunks(Orders(str(path), TODAY, {"W"}, {"A"}, False)))


FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>number</t></is></c></row>'


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (FIRST + '<row r="3000"><c r="XFD3000"><v>1</v></c></row>', "3000 rows × 16384 columns"),
        (FIRST + '<row r="1048576"><c r="AH1048576"><v>1</v></c></row>', "1048576 rows × 34 columns"),
        (FIRST + '<row r="4000000000"><c r="A4000000000"><v>1</v></c></row>', "4000000000 rows"),
        (FIRST + '<row><c r="A4000000000"><v>1</v></c></row>', "4000000000 rows"),
        (f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * 5_000_000}</t></is></c></row>', "a text longer"),
    ],
)
def test_a_small_file_that_would_fill_the_memory(tmp_path: Path, cells: str, says: str) -> None:
    for path in (book(tmp_path / "m.xlsx", cells), book(tmp_path / "n.xlsx", FIRST, second=cells)):
        tracemalloc.start()
        (told,) = read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert says in told.failure
        assert "工作簿过大" in told.failure
        assert peak < 32 << 20


def test_a_file_of_very_many_parts(tmp_path: Path) -> None:
    (told,) = read(book(tmp_path / "m.xlsx", FIRST, parts=2_001))
    assert "too large" in told.failure


def test_what_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    (told,) = read(path)
    assert "can not be opened" in told.failure


async def test_the_process_that_reads_has_a_limit_of_memory(tmp_path: Path) -> None:
    """What is not measured beforehand, cells without an address here, ends the reader and not the server."""
    wide = "<c><v>1</v></c>" * 100_000
    path = book(tmp_path / "m.xlsx", FIRST + f"<row>{wide}</row>" + '<row r="30000"><c r="A30000"><v>1</v></c></row>')
    with pytest.raises(HeaderError, match="more memory or time"):
        async with reading(Orders(str(path), TODAY, {"W"}, {"A"}, False)) as told:
            async for _ in told:
                pass


def test_a_file_without_one_sound_row_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("表号,产品代码,区域代码,安装日期\n" + "垃圾,x,y,z\n" * 60_000, "utf-8")
    told = read(path)
    assert "none of the first 25000 rows" in told[-1].failure
    assert "row 2" in told[-1].failure
    assert sum(chunk.read for chunk in told) <= 25_000
