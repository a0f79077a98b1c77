# SPDX-License-Identifier: Apache-2.0
"""Collection tasks: part by part the lowest level counts, and the past stays as it was."""

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.ids import AreaId, MeterId, ProductId, TaskId
from openmains.domain.period import zone
from openmains.domain.readings.expected import Expectation, Mode, Modes, Standing, due_at, reports_once_a_day
from openmains.domain.readings.tasks import (
    Frequency,
    Level,
    Need,
    Place,
    Remedy,
    Task,
    chain_of,
    line_of,
    mode_on,
    modes_on,
    overlapping,
    wanted_on,
)
from tests.domain.properties import examples

COMPANY = Task(
    TaskId(1), Level.COMPANY, None, 0, frequency=Frequency.MONTH, rereads_a_month=2, quantities=("pressure",)
)
BRANCH = Task(TaskId(2), Level.AREA, 10, 0, frequency=Frequency.DAY)
DISTRICT = Task(TaskId(3), Level.AREA, 11, 0, need=Need.TOTAL)
PRODUCT = Task(TaskId(4), Level.PRODUCT, 7, 0, remedy=Remedy.HISTORY)
METER = Task(TaskId(5), Level.METER, 99, 100, frequency=Frequency.DENSE, rereads_a_month=0)
TASKS = [METER, DISTRICT, COMPANY, PRODUCT, BRANCH]
ABOVE = {10: None, 11: 10, 20: None}
HERE = Place([AreaId(11), AreaId(10)], ProductId(7), MeterId(99))
SHANGHAI = zone("Asia/Shanghai")


def test_each_part_comes_from_the_lowest_level_that_says_it() -> None:
    chain = chain_of(TASKS, HERE)
    assert chain == [COMPANY, BRANCH, DISTRICT, PRODUCT, METER]
    wanted = wanted_on(chain, 150)
    assert (wanted.frequency, wanted.need, wanted.remedy) == (Frequency.DENSE, Need.TOTAL, Remedy.HISTORY)
    assert (wanted.rereads_a_month, wanted.quantities) == (0, ("pressure",))
    assert {part: task.task_id for part, task in wanted.sources.items()} == {
        "frequency": 5, "need": 3, "remedy": 4, "rereads_a_month": 5, "quantities": 1,
    }  # fmt: skip
    assert wanted_on(chain, 99).frequency is Frequency.DAY  # the meter's own begins on day 100
    elsewhere = wanted_on(chain_of(TASKS, Place([AreaId(20)], ProductId(8), MeterId(1))), 150)
    assert (elsewhere.frequency, elsewhere.need, elsewhere.remedy) == (Frequency.MONTH, Need.SLOTS, Remedy.AUTOMATIC)


def test_a_day_is_due_by_the_meters_word_then_its_task_then_its_product() -> None:
    chain = chain_of([COMPANY], HERE)
    of_task = Expectation(0, tasks=chain)
    said = Expectation(0, own=Modes(Mode.TEN_DAYS), tasks=chain)
    assert [one.mode_on(200) for one in (Expectation(0), of_task, said)] == [Mode.DAY, Mode.MONTH, Mode.TEN_DAYS]
    morning = due_at(200, Mode.DAY, SHANGHAI)
    assert of_task.standing(200, morning, SHANGHAI) is Standing.NOT_DUE
    assert Expectation(0).standing(200, morning, SHANGHAI) is Standing.DUE


def test_a_task_that_took_over_leaves_what_was_due_before() -> None:
    old = Task(TaskId(6), Level.COMPANY, None, 0, 149, frequency=Frequency.WEEK)
    new = Task(TaskId(7), Level.COMPANY, None, 150, frequency=Frequency.DAY)
    assert [mode_on(chain_of([new, old], HERE), day) for day in (149, 150)] == [Mode.WEEK, Mode.DAY]
    assert overlapping([old, new], 140, 149) == [old]
    assert overlapping([old, new], 149, None) == [old, new]
    assert overlapping([old], 150, None) == []


def test_counts_of_many_meters_follow_the_same_rule() -> None:
    found = modes_on(TASKS, ABOVE, 150)
    assert found == ({99: Mode.DAY}, {}, {10: Mode.DAY, 11: Mode.DAY}, Mode.MONTH)
    assert modes_on([DISTRICT, PRODUCT], ABOVE, 150) == ({}, {}, {}, None)
    loop = {11: 10, 10: 11, 12: 10, 20: None}  # that should not be
    assert modes_on([BRANCH], loop, 150).areas == {10: Mode.DAY, 11: Mode.DAY, 12: Mode.DAY}
    assert line_of(11, {11: 10, 10: 11}) == [11, 10]  # a loop that should not be ends


class _Counted(dict[int, int | None]):
    """Areas that count how often the one above is asked for."""

    asked = 0

    def get(self, key: int, default: int | None = None) -> int | None:  # type: ignore[override]
        self.asked += 1
        return super().get(key, default)


def test_however_deep_areas_lie_each_is_looked_at_once() -> None:
    count = 20_000
    above = _Counted({area_id: area_id - 1 if area_id > 1 else None for area_id in range(count, 0, -1)})  # one line
    branch = Task(TaskId(2), Level.AREA, 5, 0, frequency=Frequency.WEEK)
    assert len(modes_on([branch, COMPANY], above, 150).areas) == count - 4
    assert above.asked <= count
    assert modes_on([COMPANY], above, 150).areas == {} and above.asked <= count


SOME = st.builds(
    Task,
    st.integers(1, 9).map(TaskId),
    st.just(Level.COMPANY),
    st.none(),
    st.integers(0, 9),
    st.none() | st.integers(0, 12),
    st.none() | st.sampled_from(Frequency),
) | st.builds(
    Task,
    st.integers(1, 9).map(TaskId),
    st.sampled_from([Level.AREA, Level.PRODUCT, Level.METER]),
    st.sampled_from([7, 10, 11, 20, 99]),
    st.integers(0, 9),
    st.none() | st.integers(0, 12),
    st.none() | st.sampled_from(Frequency),
)


@examples(60)
@given(st.lists(SOME, max_size=6), st.integers(0, 12), st.sampled_from([10, 11, 20]), st.sampled_from([7, 8]))
def test_one_meter_and_many_are_told_the_same(tasks: list[Task], day: int, area: int, product: int) -> None:
    many = modes_on(tasks, ABOVE, day)
    for meter in (99, 5):
        one = mode_on(chain_of(tasks, Place(line_of(area, ABOVE), ProductId(product), MeterId(meter))), day)
        assert one == many.of(meter, product, area)


def test_who_has_one_report_time_a_day() -> None:
    assert reports_once_a_day({}, Mode.DAY, 86_400)
    assert not reports_once_a_day({}, Mode.DAY, 3_600)
    assert not reports_once_a_day({}, Mode.MONTH, 86_400)
    assert reports_once_a_day({"report_period": 0}, Mode.DAY, 3_600)  # its own word counts before its product's
    assert reports_once_a_day({}, Mode.DAY, 2_678_400)  # a product that reports by the month, in a task that wants days
    assert not reports_once_a_day({"report_period": 2}, Mode.DAY, 86_400)
