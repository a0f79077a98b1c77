# SPDX-License-Identifier: Apache-2.0
"""Counts of a unit as decimals in a file: every digit, no exponent, and a number to the spreadsheet even below zero."""

import pytest

from openmains.app.spreadsheet import csv_bytes
from openmains.domain.quantity import decimal_of


@pytest.mark.parametrize(
    ("count", "exponent", "shown"),
    [(-40, -3, "-0.040"), (0, -3, "0.000"), (2513, -1, "251.3"), (5, 3, "5000"), (-5, 0, "-5"), (10**15, -3, "1000000000000.000")],
)  # fmt: skip
def test_a_count_is_a_plain_number(count: int, exponent: int, shown: str) -> None:
    assert b"".join(csv_bytes([[decimal_of(count, exponent)]])).decode("utf-8-sig") == f"{shown}\r\n"
