# SPDX-License-Identifier: Apache-2.0
"""A cell that runs as a formula is no name, unless its writer marked it as text."""

from datetime import date

import pytest

from openmains.app.spreadsheet import neutral, original
from openmains.domain.fleet.meter_row import MeterRow, RowCheck

HEAD = [
    "meter number",
    "product code",
    "area code",
    "installation date",
    "customer code",
    "customer name",
    "address",
    "phone",
]
GOOD = ["17", "p", "a", "2024-01-02", "C1", "张三", "人民路 12 号", "+86 138 0013 8000"]


@pytest.mark.parametrize("column", ["product code", "area code", "customer code", "customer name", "address"])
@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|'/C_calc'!A0", "-1+1"])
def test_formulas(column: str, text: str) -> None:
    check = RowCheck(HEAD, date(2026, 1, 1))
    cells = list(GOOD)
    cells[HEAD.index(column)] = text
    errors = check.check(2, cells)
    assert isinstance(errors, list)
    assert [(error.column, error.reason) for error in errors] == [(column, "formula_sign")]
    cells[HEAD.index(column)] = original(neutral(text))
    row = check.check(2, cells)
    assert isinstance(row, MeterRow) and text in (
        row.product,
        row.area,
        row.customer_code,
        row.customer_name,
        row.address,
    )


def test_signed_numbers_are_none() -> None:
    row = RowCheck(HEAD, date(2026, 1, 1)).check(2, [*GOOD[:6], "-1层2号", "+86-138"])
    assert isinstance(row, MeterRow) and (row.address, row.phone) == ("-1层2号", "+86-138")
