# SPDX-License-Identifier: Apache-2.0
"""Dates of a meter's life, and that a file's rows are held to the same rule."""

from datetime import date, timedelta

import pytest

from openmains.domain.fleet.cells import REASONS
from openmains.domain.fleet.installation import COPIED_FROM, COPIED_TO, expectation_fault, installation_fault, is_copied
from openmains.domain.fleet.meter_row import MeterRow, RowCheck

TODAY = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("on", "installed", "expected"),
    [
        (date(1949, 12, 31), "before-1950", "before-1950"),
        (date(1950, 1, 1), "", ""),
        (TODAY, "", ""),
        (TODAY + timedelta(1), "in-the-future", ""),
        (TODAY + timedelta(366), "in-the-future", ""),
        (TODAY + timedelta(367), "in-the-future", "too-far-ahead"),
        (date.max, "in-the-future", "too-far-ahead"),
    ],
)
def test_a_date_is_judged_alike_by_every_door(on: date, installed: str, expected: str) -> None:
    assert installation_fault(on, TODAY) == installed
    assert expectation_fault(on, TODAY) == expected
    check = RowCheck(["meter number", "product code", "area code", "installation date", "expected from"], TODAY)
    for cells, name, fault in (
        (["1", "P", "A", on.isoformat(), ""], "installation date", installed),
        (["1", "P", "A", "2024-01-02", on.isoformat()], "expected from", expected),
    ):
        found = check.check(2, cells)
        if fault:
            assert isinstance(found, list)
            assert [(error.column, error.value, error.reason) for error in found] == [(name, on.isoformat(), fault)]
            assert all(REASONS[fault])
        else:
            assert isinstance(found, MeterRow)


def test_what_every_store_holds() -> None:
    assert all(is_copied(day) for day in (COPIED_FROM, TODAY, COPIED_TO))
    assert not any(is_copied(day) for day in (COPIED_FROM - timedelta(1), COPIED_TO + timedelta(1), date(2200, 1, 1)))
