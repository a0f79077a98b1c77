# SPDX-License-Identifier: Apache-2.0
"""While a long file is written others are served: every thousand rows, and while it is packed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from openmains.app.readings.bulk.files import write_sheets
from openmains.app.readings.report.build import write_csv, write_xlsx
from openmains.app.readings.report.collection import DayReport, Line
from openmains.domain.readings.expected import Collection, Status

ROWS = 5_000
MISSING = [[str(place), "a", "p", "", Status.MISSING, ""] for place in range(ROWS)]


async def pages(rows: list[list[Any]]) -> AsyncIterator[list[list[Any]]]:
    yield rows


async def turns_during(work: Awaitable[None]) -> int:
    """How often somebody else had a turn."""
    turns, is_over = 0, False

    async def others() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    await work
    is_over = True
    await other
    return turns


@pytest.mark.parametrize("kind", ["bulk", "report.xlsx", "report.csv"])
async def test_others_have_their_turn_while_a_file_is_written(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed_in: list[threading.Thread] = []
    close = xlsxwriter.Workbook.close

    def noted(book: xlsxwriter.Workbook) -> None:
        packed_in.append(threading.current_thread())
        close(book)

    monkeypatch.setattr(xlsxwriter.Workbook, "close", noted)
    report = DayReport(20_700, 0, Line("", "", Collection()))
    work = {
        "bulk": lambda: write_sheets(tmp_path / "b.xlsx", ["a", "b"], pages([["x", 1]] * ROWS)),
        "report.xlsx": lambda: write_xlsx(tmp_path / "r.xlsx", report, "en", pages(MISSING)),
        "report.csv": lambda: write_csv(tmp_path / "r.csv", report, "en", pages(MISSING)),
    }[kind]
    assert await turns_during(work()) >= ROWS // 1_000
    assert len(packed_in) == (kind != "report.csv") and threading.main_thread() not in packed_in
