# SPDX-License-Identifier: Apache-2.0
"""The list of meters as a file: what stands in a cell, in both languages, and that nothing of it is a formula."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from python_calamine import CalamineWorkbook

from openmains.app.fleet.export import COLUMNS, head, row, write_csv, write_xlsx
from openmains.app.fleet.model import Customer, LastState, RegisteredMeter
from openmains.domain.ids import CustomerId
from openmains.domain.period import zone
from tests.support.doubles import meter as detail

SHANGHAI = zone("Asia/Shanghai")
ALL = list(COLUMNS)
SEEN = datetime(2026, 9, 1, 16, 30, tzinfo=UTC)
STATE = LastState(
    register=1234, register_m3="1.234", register_at=SEEN, last_seen_at=SEEN, events=["magnetic", "low_battery"],
    valve=0, balance=None, balance_kind=None, battery_pct=87, battery_mv=None, rsrp_ddbm=None, sinr_ddb=None, ecl=None, pci=None, cell=None,
    earfcn=None,
)  # fmt: skip


def meter(meter_id: int = 5, customer_name: str | None = None, **more: Any) -> RegisteredMeter:
    customer = None if customer_name is None else Customer(CustomerId(1), "C1", customer_name, "", is_protected=False)
    return RegisteredMeter(**structs.asdict(detail(meter_id, customer=customer, **more)), area_code="A1")


async def pages(*given: list[RegisteredMeter]) -> AsyncIterator[list[RegisteredMeter]]:
    for page in given:
        yield page


def test_every_column_has_a_head_in_both_languages_and_a_cell_for_a_meter_that_never_spoke() -> None:
    assert all(column.zh and column.en for column in COLUMNS.values())
    assert len(row(meter(), ALL, SHANGHAI, "zh")) == len(head(ALL, "en")) == len(ALL)


def test_cells_are_exact_and_in_the_utilitys_time() -> None:
    found = dict(zip(ALL, row(meter(5, state=STATE), ALL, SHANGHAI, "en"), strict=True))
    assert (found["register"], found["battery"], found["medium"]) == (Decimal("1.234"), 87, "water")
    assert found["last_seen"] == "2026-09-02T00:30:00+08:00"
    assert found["events"] == "magnetic low_battery"
    assert row(meter(), ["medium"], SHANGHAI, "zh") == ["水"]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_csv_has_one_mark_one_head_and_all_pages(tmp_path: Path, language: str) -> None:
    path, chosen = tmp_path / "f.csv", ["number", "customer", "register"]
    given = pages([meter(1, customer_name="=1+1"), meter(2)], [], [meter(3, state=STATE)])
    await write_csv(path, given, chosen, SHANGHAI, language)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\xef\xbb\xbf") == 1
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == [str(cell) for cell in head(chosen, language)]
    assert [line[0] for line in rows[1:]] == ["1", "2", "3"]
    assert not rows[1][1].startswith("=")
    assert rows[3][2] == "1.234"


async def test_a_workbook_says_the_same(tmp_path: Path) -> None:
    path, chosen = tmp_path / "f.xlsx", ["number", "customer", "register"]
    await write_xlsx(path, pages([meter(1, customer_name="=1+1")], [meter(3, state=STATE)]), chosen, SHANGHAI, "en")
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert rows[0] == head(chosen, "en")
    assert [line[0] for line in rows[1:]] == ["1", "3"]
    assert not str(rows[1][1]).startswith("=")
    assert rows[2][2] == 1.234
