# SPDX-License-Identifier: Apache-2.0
"""A workbook is closed however its writing ends."""

from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from openmains.app.workbook import workbook


async def test_what_is_written_is_read(tmp_path: Path) -> None:
    async with workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet("one").write_string(0, 0, "=1+1")
    assert CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_name("one").to_python() == [["=1+1"]]


async def test_an_error_on_the_way_leaves_no_sheet_open(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a page was refused"):
        async with workbook(tmp_path / "b.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_string(0, 0, "x")
            raise ValueError("a page was refused")
    assert sheet.row_data_fh.closed and book.fileclosed
