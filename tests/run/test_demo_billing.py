# SPDX-License-Identifier: Apache-2.0
"""The demo's month: whose bill is paid how, whose is corrected, and which month it is."""

from collections import Counter
from datetime import date
from types import SimpleNamespace
from typing import Any

from openmains.run.demo.billing import month_of, paid_of, to_correct


def test_some_pay_all_some_a_part_some_more_and_some_nothing() -> None:
    found = Counter[str]()
    for account in range(1, 1001):
        till = paid_of(account, 4_567)
        kind = "nothing" if till is None else "all" if till.fen == 4_567 else "part" if till.fen < 4_567 else "more"
        found[kind] += 1
        assert paid_of(account, 4_567) == till, "the same at every start"
    shares = {"all": 500, "nothing": 300, "part": 100, "more": 100}
    assert found.keys() == shares.keys() and all(abs(found[kind] - share) < 60 for kind, share in shares.items()), found
    assert all(paid_of(account, 0) is None for account in range(50))


def test_the_corrected_bill_is_the_smallest_above_the_first_bound() -> None:
    def bill(number: int, volume: str) -> Any:
        return SimpleNamespace(bill_id=number, volume_m3=volume)

    found = to_correct([bill(1, "15.9"), bill(2, "40"), bill(3, "16.5")])
    assert found is not None and found.bill_id == 3
    assert to_correct([bill(1, "3")]) is None


def test_the_month_is_the_last_one_and_begins_with_the_history() -> None:
    assert month_of(date(2026, 11, 29), date(2026, 10, 1)) == (date(2026, 10, 1), date(2026, 10, 1))
    assert month_of(date(2026, 8, 31), date(2026, 7, 3)) == (date(2026, 7, 1), date(2026, 7, 3))
    assert month_of(date(2026, 1, 1), date(2025, 11, 3)) == (date(2025, 12, 1), date(2025, 12, 1))
