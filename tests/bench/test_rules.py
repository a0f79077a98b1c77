# SPDX-License-Identifier: Apache-2.0
"""``bench rules``: loads in turns, what a pair says, and that what it judges are rules as the form makes them."""

from openmains.bench import rules
from openmains.bench.enhanced import order


def test_a_pair_is_two_neighbours_whichever_came_first() -> None:
    assert rules.pair_ratios([(False, 100.0), (True, 110.0), (True, 90.0), (False, 100.0)]) == [0.1, -0.1]
    assert order(2) == [False, True, True, False]


def test_judging_alone_is_measured() -> None:
    assert len(list(rules.drafts(50))) == 50
    assert 0 < rules.pure_us(50) < 10_000
