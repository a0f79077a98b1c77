# SPDX-License-Identifier: Apache-2.0
"""Each figure on the accountant's page is worked out anew, and the same comes out by plain sums."""

import re

import pytest

from tests.support.accountants_walk import PAGE, PAID_FEN, bill, blocks, books, deductions, marks, plain_total

TEXT = PAGE.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(blocks()))
def test_the_figures_of_the_page_are_worked_out(name: str) -> None:
    begin, end = marks(name)
    assert TEXT.partition(begin)[2].partition(end)[0] == blocks()[name], "run: python -m tests.support.accountants_walk"


def test_the_bill_the_days_and_the_vouchers_are_one_sum() -> None:
    total = bill().total_fen
    assert total == plain_total() == sum(deductions()) == sum(line.fen for line in bill().lines)
    assert all(sum(line.fen for line in entry.lines) == 0 for entry in books().booked)
    assert sum(line.fen for entry in books().booked for line in entry.lines if line.account == "credit") == 0
    assert PAID_FEN > total > 0


def test_every_figure_in_the_text_stands_in_a_table() -> None:
    """Sums that sentences name are those of the tables beside them."""
    told = "".join(blocks().values())
    prose = re.sub(r"<!-- (\w+): begin -->[\s\S]*?<!-- \1: end -->", "", TEXT)
    named = set(re.findall(r"(?<![\d.])\d+\.\d{2,5}(?![\d.])", prose))
    assert named and named <= set(re.findall(r"\d+\.\d{2,5}", told)), named - set(re.findall(r"\d+\.\d{2,5}", told))
