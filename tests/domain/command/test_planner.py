# SPDX-License-Identifier: Apache-2.0
"""The report-time planner: 100,000 meters in 200 uneven cells, all reporting at 01:00 (R2.2, R2.4)."""

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.command.planner import CellLoad, plan_cell
from tests.support.planner_town import DEADLINE_MIN, LIMIT_PER_MIN, judge, town


def test_a_crowded_night_becomes_a_quiet_one() -> None:
    cells = town()
    before, after = judge(cells, planned=False), judge(cells, planned=True)
    assert sum(len(cell.meters) for cell in cells) == 100_000
    assert before.peak > 2000
    assert after.peak <= LIMIT_PER_MIN
    assert before.share_in_ppm < 400_000
    assert after.share_in_ppm == 1_000_000


@given(
    st.lists(st.integers(0, 30), min_size=60, max_size=120),
    st.lists(st.one_of(st.none(), st.integers(0, 119)), max_size=300),
    st.integers(5, 40),
)
def test_no_minute_over_the_limit_and_nobody_is_told_twice(
    other: list[int], minutes: list[int | None], limit: int
) -> None:
    load = CellLoad(1, dict(enumerate(minutes)), limit, other)
    plan = plan_cell(load, len(other), reserve_min=20)
    counts = list(other)
    for minute in plan.minute_of.values():
        assert minute < len(other) - 20
        counts[minute] += 1
    for minute, count in enumerate(counts):
        assert count <= max(limit, other[minute])
    assert set(plan.minute_of) | set(plan.unplaced) == set(range(len(minutes)))
    for meter, minute in plan.minute_of.items():
        assert (meter in plan.moved) == (minute != minutes[meter]) or minute == minutes[meter]
    room = sum(max(0, limit - busy) for busy in other[: len(other) - 20])
    assert len(plan.unplaced) == max(0, len(minutes) - room)


def test_deadline_is_eight() -> None:
    assert DEADLINE_MIN == 8 * 60
