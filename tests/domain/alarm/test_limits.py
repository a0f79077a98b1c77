# SPDX-License-Identifier: Apache-2.0
"""Limits of quantities: raised once, counted while outside, over when inside by the hysteresis; what is old says nothing."""

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.alarm import Action
from openmains.domain.alarm.limits import Limit, Side, Standing, WatchedLimits, judge

BOTH = Limit(2000, 4000, 100, "major")
LATE = 10_000


def acts(crossings: object) -> list[tuple[Side, Action]]:
    return [(crossing.side, crossing.action) for crossing in crossings]  # type: ignore[attr-defined]


def test_bounds_themselves_are_well() -> None:
    assert judge(Standing(), BOTH, [(1, 2000), (2, 4000)], LATE) == (Standing(2, Side.WITHIN), [])


def test_it_is_raised_with_the_value_and_bound_and_cleared_inside_the_hysteresis_only() -> None:
    standing, found = judge(Standing(), BOTH, [(1, 1999), (2, 2050), (3, 2099), (4, 2100)], LATE)
    assert standing == Standing(4, Side.WITHIN)
    assert acts(found) == [(Side.BELOW, Action.RAISED), (Side.BELOW, Action.CLEARED)]
    assert [(each.at, each.value, each.bound) for each in found] == [(1, 1999, 2000), (4, 2100, 2000)]


def test_each_message_that_says_so_counts_once() -> None:
    standing, _ = judge(Standing(), BOTH, [(1, 4001)], LATE)
    standing, found = judge(standing, BOTH, [(2, 4500), (3, 4600)], LATE)
    assert acts(found) == [(Side.ABOVE, Action.REPEATED)]
    assert standing == Standing(3, Side.ABOVE)


def test_from_one_side_to_the_other() -> None:
    _, found = judge(Standing(1, Side.BELOW), BOTH, [(2, 4001)], LATE)
    assert acts(found) == [(Side.BELOW, Action.CLEARED), (Side.ABOVE, Action.RAISED)]


def test_what_is_not_newer_is_not_judged_again() -> None:
    assert judge(Standing(5, Side.WITHIN), BOTH, [(4, 0), (5, 0)], LATE) == (Standing(5, Side.WITHIN), [])


def test_a_clock_that_ran_ahead_silences_nothing() -> None:
    standing, _ = judge(Standing(), BOTH, [(LATE + 99_999, 3000)], LATE)
    assert standing.at == LATE
    _, found = judge(standing, BOTH, [(LATE + 60, 1000)], LATE + 60)
    assert acts(found) == [(Side.BELOW, Action.RAISED)]


def test_a_bound_that_is_no_more_ends_what_it_raised() -> None:
    standing, found = judge(Standing(1, Side.BELOW), Limit(None, 4000, 0, "minor"), [(2, 100)], LATE)
    assert (standing.side, acts(found)) == (Side.WITHIN, [(Side.BELOW, Action.CLEARED)])


def test_a_devices_own_stands_in_place_of_its_products_and_may_switch_it_off() -> None:
    own = Limit(1, None, 0, "info")
    book = WatchedLimits({7: {"pressure": BOTH, "flow": BOTH}}, {1: {"pressure": own, "flow": None}})
    assert book.of(7, 1) == {"pressure": own}
    assert book.of(7, 2) == {"pressure": BOTH, "flow": BOTH}
    assert not book.of(8, 2)


@given(st.lists(st.integers(0, 6000), max_size=60), st.integers(0, 900))
def test_alarms_alternate_and_agree_with_where_it_stands(values: list[int], hysteresis: int) -> None:
    limit = Limit(2000, 4000, hysteresis, "major")
    standing, is_open = Standing(), {Side.BELOW: False, Side.ABOVE: False}
    for at, value in enumerate(values, 1):
        standing, found = judge(standing, limit, [(at, value)], at)
        for crossing in found:
            assert is_open[crossing.side] == (crossing.action is not Action.RAISED)
            is_open[crossing.side] = crossing.action is not Action.CLEARED
        assert is_open == {side: side is standing.side for side in is_open}
        if value < 2000 or value > 4000:
            assert standing.side is not Side.WITHIN
        elif 2000 + hysteresis <= value <= 4000 - hysteresis:
            assert standing.side is Side.WITHIN
