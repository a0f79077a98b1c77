# SPDX-License-Identifier: Apache-2.0
"""Slices: no two meters own one, none is the gateway's, and everybody finds the same beginning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.gateway.slots import OWN_EVERY, Slice, SlicePlan, SlicesFullError, is_own

HOUR = SlicePlan(3_600, 30, (3, 4))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=120))
def test_no_slice_is_two_meters(steps: list[tuple[bool, int]]) -> None:
    plan, owned = SlicePlan(600, 10, (1, 2)), dict[Slice, int]()
    for logical, (is_new, which) in enumerate(steps, 1):
        if is_new or not owned:
            try:
                place = plan.give(logical)
            except SlicesFullError:
                assert len(owned) == 2 * (60 - 60 // OWN_EVERY)
                continue
            assert place not in owned and plan.fits(place)
            owned[place] = logical
        else:
            place = list(owned)[which % len(owned)]
            assert not plan.take(logical, place) and plan.take(owned[place], place)
            plan.free(place)
            del owned[place]
    assert {place: plan.owner(place) for place in owned} == owned


def test_a_plan_is_full_at_last() -> None:
    plan = SlicePlan(600, 10, (1,))
    given = [plan.give(logical) for logical in range(1, 54)]
    assert len(set(given)) == 53 and not any(is_own(place.number) for place in given)
    with pytest.raises(SlicesFullError):
        plan.give(99)
    plan.free(given[20])
    assert plan.give(99) == given[20]


def test_what_another_plan_gave_does_not_fit() -> None:
    for place in (Slice(120, 3), Slice(0, 5), Slice(OWN_EVERY - 1, 3), Slice(-1, 3)):
        assert not HOUR.take(1, place)


@given(st.integers(0, 119), st.integers(0, 10**13))
def test_a_slice_begins_once_a_cycle(index: int, now_ms: int) -> None:
    start = HOUR.next_start(index, now_ms)
    assert now_ms <= start < now_ms + HOUR.cycle_ms
    assert start % HOUR.cycle_ms == index * HOUR.slice_ms


@given(st.integers(0, 10**13))
def test_the_gateways_own_comes_next(now_ms: int) -> None:
    start = HOUR.next_own(now_ms)
    assert now_ms <= start <= now_ms + OWN_EVERY * HOUR.slice_ms
    assert start % HOUR.slice_ms == 0 and is_own(start % HOUR.cycle_ms // HOUR.slice_ms)
