# SPDX-License-Identifier: Apache-2.0
"""The report-time planner (R2.2, R2.4): who fits stays, no cell and no town gets a peak it had not, as few as possible move."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.command.planner import (
    DAY_MIN,
    ONE,
    CellLoad,
    MoveReason,
    TownPlan,
    expected,
    load_by_minute,
    plan_town,
)
from tests.support.planner_town import DEADLINE_MIN, LIMIT_PER_MIN, judge, town

WINDOW, RESERVE = 60, 10


def test_a_crowded_night_becomes_a_quiet_one() -> None:
    cells = town()
    before, after = judge(cells, planned=False), judge(cells, planned=True)
    assert sum(len(cell.meters) for cell in cells) == 100_000
    assert before.peak > 2000
    assert after.peak <= LIMIT_PER_MIN
    assert before.share_in_ppm < 400_000
    assert after.share_in_ppm == 1_000_000
    assert max(after.by_minute) < 4000  # of 100,000 before: those that fit into 01:00 stay there


def test_a_quiet_town_is_left_alone() -> None:
    """906 meters were moved in a town whose busiest cell had one report a minute, and its load went from 8 a minute to 64."""
    cells = [
        CellLoad(cell, {cell * 100 + place: (60 + place * 4 + cell % 4) for place in range(15)}, 20 * ONE)
        for cell in range(64)
    ]
    made = plan_town(cells, DEADLINE_MIN)
    assert sum(len(plan.moved) for plan in made.cells) == 0
    assert list(made.before) == list(made.after)
    assert max(made.after) == 16 * ONE


def test_those_that_are_late_go_where_cell_and_town_are_empty() -> None:
    late = {meter: 600 + meter for meter in range(30)}
    made = plan_town([CellLoad(1, late, 20 * ONE), CellLoad(2, {100: 5, 101: 6}, 20 * ONE)], DEADLINE_MIN)
    assert set(made.cells[0].moved.values()) == {MoveReason.LATE}
    assert not made.cells[0].unplaced
    given_minutes = Counter(made.cells[0].minute_of.values())
    assert max(given_minutes.values()) == 1
    assert not {5, 6} & set(given_minutes)


def test_far_meters_leave_a_crowd_first() -> None:
    """One report at the edge of the cell holds it as long as eight near ones: one move instead of eight."""
    crowd = dict.fromkeys(range(20), 60)
    made = plan_town([CellLoad(1, crowd, 20 * ONE, (), {7: 8 * ONE})], DEADLINE_MIN)
    assert dict(made.cells[0].moved) == {7: MoveReason.CROWDED}


_CELLS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 6), min_size=WINDOW, max_size=WINDOW),
        st.lists(st.tuples(st.integers(0, 79), st.sampled_from([ONE, ONE, 2 * ONE, 8 * ONE])), max_size=90),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=6,
)


def _town(drawn: list[tuple[list[int], list[tuple[int, int]], int]]) -> list[CellLoad]:
    cells, first = [], 0
    for cell, (other, meters, limit) in enumerate(drawn):
        numbered = list(enumerate(meters, first))
        first += len(meters)
        cells.append(
            CellLoad(
                cell,
                {meter: minute for meter, (minute, _) in numbered},
                limit * ONE,
                [busy * ONE for busy in other],
                {meter: cost for meter, (_, cost) in numbered},
            )
        )
    return cells


def _fewest(load: CellLoad, window_min: int) -> int:
    """How many have to leave at least: the late ones, and of each crowded minute the dearest until it is below the limit."""
    needed = sum(minute >= window_min for minute in load.meters.values())
    busy = load_by_minute(load, load.meters)
    for minute in range(window_min):
        costs = sorted((load.cost(meter) for meter, at in load.meters.items() if at == minute), reverse=True)
        excess = busy[minute] - load.limit
        for cost in costs:
            if excess > 0:
                excess -= cost
                needed += 1
    return needed


@given(_CELLS)
def test_no_town_gets_a_peak_that_it_had_not(drawn: list[tuple[list[int], list[tuple[int, int]], int]]) -> None:
    cells = _town(drawn)
    made = plan_town(cells, WINDOW, RESERVE)
    assert max(made.after) <= max(made.before)
    for load, plan in zip(cells, made.cells, strict=True):
        assert list(plan.after) == load_by_minute(load, plan.minute_of)
        assert max(plan.after) <= max(plan.before)
        assert set(plan.minute_of) == set(load.meters)
        assert set(plan.moved) == {meter for meter, minute in load.meters.items() if plan.minute_of[meter] != minute}
        for meter in plan.moved:
            assert plan.minute_of[meter] < WINDOW - RESERVE
            assert plan.after[plan.minute_of[meter]] <= load.limit
    assert list(made.after) == _town_curve(cells, made)


@given(_CELLS)
def test_only_who_must_move_moves(drawn: list[tuple[list[int], list[tuple[int, int]], int]]) -> None:
    for load, plan in zip(_town(drawn), plan_town(_town(drawn), WINDOW, RESERVE).cells, strict=True):
        for meter, reason in plan.moved.items():
            present = load.meters[meter]
            is_late = present >= WINDOW
            assert reason is (MoveReason.LATE if is_late else MoveReason.CROWDED)
            assert is_late or plan.before[present] > load.limit
        if not plan.unplaced:
            assert len(plan.moved) == _fewest(load, WINDOW)
            for meter, minute in plan.minute_of.items():
                assert minute < WINDOW
                assert plan.after[minute] <= load.limit or not plan.moved.get(meter)
        else:  # whoever is said to have no place is late, or in a minute that is still too full
            for meter in plan.unplaced:
                minute = plan.minute_of[meter]
                assert minute >= WINDOW or plan.after[minute] > load.limit


def _town_curve(cells: list[CellLoad], made: TownPlan) -> list[int]:
    curve = [0] * DAY_MIN
    for load, plan in zip(cells, made.cells, strict=True):
        for minute, busy in enumerate(load.other):
            curve[minute] += busy
        for minute in plan.minute_of.values():
            curve[minute] += ONE
    return curve


def test_reports_come_as_late_as_they_do() -> None:
    found = expected({10: 4, 1439: 1}, {0: 900_000, 5: 75_000, 65: 25_000})
    assert {minute: value for minute, value in enumerate(found) if value} == {
        10: 3600, 15: 300, 75: 100, 1439: 900, 4: 75, 64: 25,
    }  # fmt: skip
