# SPDX-License-Identifier: Apache-2.0
"""Entries balance, and what does not is named. The trial balance of any run of acts adds up to 0."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.app.ledger.report import trial_balance, voucher_rows
from openmains.domain.ledger.entries import (
    CHART,
    Entry,
    EntryKind,
    EntryLine,
    LedgerAccount,
    Movement,
    adjustment,
    bill_entry,
    faults,
    late_fee_entry,
    payment,
    refund,
    reversal,
    settlement,
    write_off,
)
from tests.domain.properties import examples

CREDIT, CASH, REVENUE = LedgerAccount.CREDIT, LedgerAccount.CASH, LedgerAccount.REVENUE
MONEY = st.integers(1, 10**9)
ENTRIES = st.one_of(
    st.builds(lambda fen, channel: payment("k", 1, 7, fen, channel), MONEY, st.sampled_from(["cash", "wechat"])),
    st.builds(lambda a, b: bill_entry("k", 1, 7, {"water": a, "sewage": b}), MONEY, st.integers(0, 100)),
    st.builds(lambda fen: settlement("k", 1, 7, fen), MONEY),
    st.builds(lambda fen: late_fee_entry("k", 1, 7, fen), MONEY),
    st.builds(lambda fen: refund("k", 1, 7, fen, "cash"), MONEY),
    st.builds(lambda fen: write_off("k", 1, 7, fen), MONEY),
    st.builds(lambda fen: adjustment("k", 1, 7, fen), st.integers(-(10**9), -1) | MONEY),
)


@examples(100)
@given(ENTRIES)
def test_every_act_balances_and_its_reversal_takes_all_of_it_back(entry: Entry) -> None:
    assert faults(entry) == []
    back = reversal("r", 2, 99, entry)
    assert faults(back) == []
    assert back.reverses == 99
    sums: dict[tuple[LedgerAccount, int | None, str], int] = defaultdict(int)
    for line in (*entry.lines, *back.lines):
        sums[line.account, line.account_id, line.detail] += line.fen
    assert set(sums.values()) == {0}
    with pytest.raises(ValueError):
        reversal("rr", 3, 100, back)


@examples(60)
@given(st.lists(ENTRIES, max_size=20))
def test_a_trial_balance_of_any_acts_adds_up(entries: list[Entry]) -> None:
    lines = [line for entry in entries for line in entry.lines]
    movements = [
        Movement(account, 0, sum(one.fen for one in lines if one.account is account and one.fen > 0),
                 -sum(one.fen for one in lines if one.account is account and one.fen < 0))
        for account in {line.account for line in lines}
    ]  # fmt: skip
    found = trial_balance(movements, 1, 2)
    assert found.faults == []
    assert found.debit == found.credit
    assert sum(row.closing for row in found.rows) == 0


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((EntryLine(CASH, 5, detail="cash"), EntryLine(CREDIT, -4, 7)), "unbalanced"),
        ((EntryLine(CASH, 0, detail="cash"), EntryLine(CREDIT, 0, 7)), "zero-line"),
        ((EntryLine(CREDIT, 0, 7),), "too-few-lines"),
        ((EntryLine(CASH, 5, detail="cash"), EntryLine(CREDIT, -5)), "customer-needed"),
        ((EntryLine(CASH, 5, 7, "cash"), EntryLine(CREDIT, -5, 7)), "no-customer"),
        ((EntryLine(CASH, 5), EntryLine(CREDIT, -5, 7)), "detail-needed"),
        ((EntryLine(CREDIT, 5, 7, "x"), EntryLine(REVENUE, -5, detail="water")), "no-detail"),
        ((EntryLine(CREDIT, 2 * 10**15, 7), EntryLine(CREDIT, -2 * 10**15, 8)), "too-large"),
    ],
)
def test_what_is_no_entry_is_named(lines: tuple[EntryLine, ...], code: str) -> None:
    assert code in faults(Entry("k", 1, EntryKind.ADJUSTMENT, lines))
    assert "no-key" in faults(Entry(" ", 1, EntryKind.ADJUSTMENT, lines))


def test_the_chart_names_every_account_once() -> None:
    assert set(CHART) == set(LedgerAccount)
    assert len({rule.code for rule in CHART.values()}) == len(CHART)
    assert list(voucher_rows([], "zh")) == []
