# SPDX-License-Identifier: Apache-2.0
"""Reports of intervals: single rules by example, and the invariants over whole histories (Hypothesis)."""

import timeit
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.period import Zone, zone
from openmains.domain.readings import merge, validate_intervals
from openmains.domain.readings.full_validation import validate_fully
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, MeterState
from openmains.domain.readings.quality import Rule, Slot
from tests.domain.properties import examples

SHANGHAI = zone("Asia/Shanghai")
DAY = 20_000
LIMITS = Limits(qmax_per_h=3125, dial=100_000_000)


def daily(day: int, base: int, increments: list[int], tz: Zone = SHANGHAI, /, **changes: object) -> IntervalReport:
    end = tz.start_of(day + 1)
    report = IntervalReport(
        received_at=end + 1000,
        device_at=end + 995,
        start=tz.start_of(day),
        interval_s=(end - tz.start_of(day)) // len(increments),
        base=base,
        increments=increments,
        register=base + sum(increments) + 1,
        register_at=end + 995,
        frame_seq=day,
        frame_hash=day,
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def rules(result: Judgement) -> list[Rule]:
    return [finding.rule for finding in result.findings]


def begun(days: int = 3, use: int = 10) -> tuple[MeterState, int]:
    """State after some clean days, and the register at the start of the next."""
    state, base = MeterState(), 1000
    for day in range(DAY - days, DAY):
        result = validate_intervals(state, daily(day, base, [use] * 48), LIMITS, SHANGHAI)
        assert not result.findings
        state, base = result.state, base + 48 * use
    return state, base


def test_clean_day() -> None:
    state, base = begun()
    before = deepcopy(state)
    report = daily(DAY, base, list(range(48)))
    result = validate_intervals(state, report, LIMITS, SHANGHAI)
    assert state == before
    assert result.days == [DayRow(DAY, base, 1800, list(range(48)), [0] * 48)]
    assert (result.registers[0].at, result.registers[0].register) == (report.register_at, report.register)
    assert result.findings == []
    assert result.state.version == before.version + 1
    assert result.state.midnight_day == DAY + 1
    assert result.state.midnights[:2] == [base + sum(range(48)), base]


def test_exact_repeat_stores_nothing() -> None:
    state, base = begun()
    report = daily(DAY, base, [1] * 48)
    state = validate_intervals(state, report, LIMITS, SHANGHAI).state
    again = validate_intervals(state, report, LIMITS, SHANGHAI)
    assert again.repeat
    assert again.state == state
    assert not again.days


@given(
    use=st.lists(st.lists(st.integers(0, 200), min_size=48, max_size=48), min_size=2, max_size=10),
    with_history=st.booleans(),
)
@examples(30)
def test_both_ways_agree_on_clean_days(use: list[list[int]], with_history: bool) -> None:
    state, base, closes = MeterState(), 500, [500]
    for n, increments in enumerate(use):
        day = DAY + n
        history = [(SHANGHAI.start_of(day - k), closes[n - k]) for k in range(1, min(n, 7) + 1)] if with_history else []
        report = daily(day, base, increments, history=history)
        quick = validate_intervals(state, report, LIMITS, SHANGHAI)
        assert quick == validate_fully(state, report, LIMITS, SHANGHAI)
        state, base = quick.state, base + sum(increments)
        closes.append(base)


@pytest.mark.parametrize(
    ("changes", "limits", "expected"),
    [
        ({"device_at": 10**6}, LIMITS, [Rule.CLOCK_BEHIND]),
        ({"received_at": SHANGHAI.start_of(DAY + 1) - 5000}, LIMITS, [Rule.CLOCK_AHEAD, Rule.CLOCK_AHEAD]),
        ({}, replace(LIMITS, installed_at=SHANGHAI.start_of(DAY + 3)), [Rule.BEFORE_INSTALLATION]),
        ({}, replace(LIMITS, dial=2000), [Rule.DIAL_LIMIT]),
        ({"increments": [0] * 47 + [1573], "register": 2440 + 1573}, LIMITS, [Rule.OVER_QMAX]),
        ({"increments": [5] * 47 + [-3], "register": 2440 + 232}, LIMITS, [Rule.REVERSE_FLOW]),
        ({"increments": [60] * 48, "register": 2440 + 2880}, LIMITS, [Rule.SPIKE]),
        ({"increments": [100] * 48, "register": 2440 + 4800}, LIMITS, [Rule.SPIKE, Rule.UNIT_SUSPECT]),
        ({"register": 2440 + 48 + 2000}, LIMITS, [Rule.SUM_MISMATCH]),
        ({"register": 2440 + 20}, LIMITS, [Rule.SUM_MISMATCH]),
        ({"base": 2443, "register": 2492}, LIMITS, [Rule.SUM_MISMATCH]),
        ({"base": 2430, "register": 2479}, LIMITS, [Rule.SUM_MISMATCH, Rule.REVERSE_FLOW]),
        ({"base": 100, "register": 150}, LIMITS, [Rule.SUM_MISMATCH, Rule.IMPOSSIBLE_BACK]),
        ({"base": 90_000, "register": 90_049}, LIMITS, [Rule.SUM_MISMATCH, Rule.OVER_QMAX]),
        ({"base": 24_400, "register": 24_449}, LIMITS, [Rule.SUM_MISMATCH, Rule.OVER_QMAX, Rule.UNIT_SUSPECT]),
        ({"history": [(SHANGHAI.start_of(DAY - 1), 7)]}, LIMITS, [Rule.HISTORY_MISMATCH]),
    ],
)
def test_rule(changes: dict[str, object], limits: Limits, expected: list[Rule]) -> None:
    state, base = begun()
    assert base == 2440
    report = daily(DAY, base, [1] * 48, **changes)
    result = validate_intervals(state, report, limits, SHANGHAI)
    assert rules(result) == expected
    # kept, whatever it is
    assert [row.register for row in result.registers] == [report.register]
    assert result.days[-1].increments == report.increments


def test_rollover_is_counted_on() -> None:
    limits = replace(LIMITS, dial=10_000)
    state = validate_intervals(MeterState(), daily(DAY, 9500, [9] * 48), limits, SHANGHAI).state
    assert state.grid_register == 9932
    result = validate_intervals(state, daily(DAY + 1, 9932, [2] * 48, register=29), limits, SHANGHAI)
    assert rules(result) == []
    assert result.state.grid_register == 28
    third = validate_intervals(result.state, daily(DAY + 3, 40, [2] * 48), limits, SHANGHAI)
    assert rules(third) == [Rule.GAP]
    assert sum(third.days[0].increments) == 12


def test_rollover_in_a_gap() -> None:
    limits = replace(LIMITS, dial=10_000)
    state = validate_intervals(MeterState(), daily(DAY, 9500, [9] * 48), limits, SHANGHAI).state
    result = validate_intervals(state, daily(DAY + 2, 68, [2] * 48), limits, SHANGHAI)
    assert rules(result) == [Rule.GAP, Rule.ROLLOVER]
    assert sum(result.days[0].increments) == 136
    assert result.state.grid_register == 164


def test_new_level_is_believed_after_three() -> None:
    state, _ = begun()
    for n in range(3):
        result = validate_intervals(state, daily(DAY + n, n * 48, [1] * 48), LIMITS, SHANGHAI)
        assert Rule.IMPOSSIBLE_BACK in rules(result)
        assert (Rule.METER_CHANGED in rules(result)) == (n == 2)
        assert all(q & Slot.SUSPECT for q in result.days[-1].quality) == (n < 2)
        assert result.days[-1].base == n * 48
        state = result.state
    assert validate_intervals(state, daily(DAY + 3, 144, [1] * 48), LIMITS, SHANGHAI).findings == []


def test_a_single_wrong_level_leaves_no_trace_in_the_state() -> None:
    state, base = begun()
    wrong = validate_intervals(state, daily(DAY, 7, [1] * 48), LIMITS, SHANGHAI)
    assert wrong.state.candidate_count == 1
    right = validate_intervals(wrong.state, daily(DAY + 1, base + 480, [10] * 48), LIMITS, SHANGHAI)
    assert rules(right) == [Rule.GAP]
    assert right.state.candidate is None
    assert merge(wrong.days[0], right.days[0]).increments == wrong.days[0].increments  # measured, though suspect


def test_gap_is_filled_from_history_then_replaced() -> None:
    state, base = begun()
    starts = [SHANGHAI.start_of(DAY + k) for k in range(3)]
    history = [(starts[2], base + 700), (starts[1], base + 600), (starts[0], base)]
    result = validate_intervals(state, daily(DAY + 3, base + 1700, [1] * 48, history=history), LIMITS, SHANGHAI)
    assert rules(result) == [Rule.GAP]
    assert [(row.day - DAY, sum(row.increments)) for row in result.days] == [(0, 600), (1, 100), (2, 1000), (3, 48)]
    assert set(result.days[1].quality) == {Slot.ESTIMATED | Slot.FROM_HISTORY}
    late = validate_intervals(result.state, daily(DAY + 1, base + 600, [100, *[0] * 47]), LIMITS, SHANGHAI)
    assert rules(late) == [Rule.OUT_OF_ORDER, Rule.CLOCK_BEHIND][:1]
    row = merge(result.days[1], late.days[0])
    assert row.increments == [100, *[0] * 47]
    assert row.quality == [0] * 48
    assert row.flags == 1 << Rule.OUT_OF_ORDER
    assert late.state.register == result.state.register


def test_missing_slots_are_estimated_when_the_register_tells_their_sum() -> None:
    state, base = begun()
    report = daily(
        DAY, base, [0, 0, 0, *[10] * 45], missing=7, register=base + 470, register_at=SHANGHAI.start_of(DAY + 1)
    )
    result = validate_intervals(state, report, LIMITS, SHANGHAI)
    assert result.days[0].increments[:4] == [6, 7, 7, 10]
    assert [q for q in result.days[0].quality if q] == [Slot.ESTIMATED] * 3


def test_duplicates_of_another_frame() -> None:
    state, base = begun()
    state = validate_intervals(state, daily(DAY, base, [1] * 48), LIMITS, SHANGHAI).state
    same = validate_intervals(state, daily(DAY, base, [1] * 48, frame_hash=1), LIMITS, SHANGHAI)
    assert rules(same) == [Rule.OUT_OF_ORDER, Rule.DUPLICATE_SAME]
    other = validate_intervals(state, daily(DAY, base, [2] * 48, frame_hash=2), LIMITS, SHANGHAI)
    assert rules(other) == [Rule.OUT_OF_ORDER, Rule.DUPLICATE_DIFFERENT]
    assert all(q & Slot.SUSPECT for q in other.days[0].quality)
    assert other.state.midnights == state.midnights


def test_report_across_midnight_is_split() -> None:
    state, base = begun()
    start = SHANGHAI.start_of(DAY)
    report = daily(DAY, base, [1] * 48)
    report = replace(
        report, start=start, increments=[1] * 60, received_at=start + 40 * 3600, device_at=start + 40 * 3600
    )
    report = replace(report, register=base + 60, register_at=start + 30 * 3600)
    result = validate_intervals(state, report, LIMITS, SHANGHAI)
    assert rules(result) == []
    assert [(row.day, row.base, sum(row.increments), row.partial) for row in result.days] == [
        (DAY, base, 48, False),
        (DAY + 1, base + 48, 12, True),
    ]
    assert result.days[1].quality == [0] * 12 + [Slot.MISSING] * 36


@pytest.mark.parametrize(("day", "slots"), [(17_104, 50), (16_887, 46)], ids=["25 h", "23 h"])
def test_days_of_summer_time(day: int, slots: int) -> None:
    madrid = zone("Europe/Madrid")
    state, base = MeterState(), 0
    for at in (day - 1, day, day + 1):
        count = madrid.seconds_in(at) // 1800
        result = validate_intervals(state, daily(at, base, [1] * count, madrid), LIMITS, madrid)
        assert rules(result) == []
        assert len(result.days[0].increments) == (slots if at == day else 48)
        state, base = result.state, base + count


Story = tuple[Zone, list[int], list[IntervalReport], int]  # zone, use per 30 min, reports as they arrive, first day


def told(tz: Zone, first: int, use: list[int], pieces: list[tuple[int, int, int, bool]]) -> list[IntervalReport]:
    """Reports of pieces of a meter's use: (first slot, slot after the last, bits of missing slots, with history)."""
    begin = tz.start_of(first)
    registers = [1000]
    for volume in use:
        registers.append(registers[-1] + volume)
    reports = []
    for n, (left, right, unknown, with_history) in enumerate(pieces):
        end, day = begin + right * 1800, tz.day_of(begin + left * 1800)
        midnights = [tz.start_of(day - k) for k in range(1, 8) if day - k >= first] if with_history else []
        reports.append(
            IntervalReport(
                received_at=end + 60,
                device_at=end + 60,
                start=begin + left * 1800,
                interval_s=1800,
                base=registers[left],
                increments=[0 if unknown >> k & 1 else use[left + k] for k in range(right - left)],
                register=registers[right],
                register_at=end,
                missing=unknown,
                history=[(at, registers[(at - begin) // 1800]) for at in midnights],
                frame_seq=n,
                frame_hash=n,
            )
        )
    return reports


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A meter's true use and what of it arrives."""
    tz = zone(draw(st.sampled_from(["Asia/Shanghai", "Europe/Madrid"])))
    first = draw(st.sampled_from([17_100, 16_885, 20_000]))
    days = draw(st.integers(2, 6))
    begin = tz.start_of(first)
    slots = (tz.start_of(first + days) - begin) // 1800
    use = draw(st.lists(st.integers(0, 300), min_size=slots, max_size=slots))
    cuts = (
        sorted(draw(st.sets(st.integers(1, slots - 1), max_size=12)))
        if draw(st.booleans())
        else [(tz.start_of(first + k) - begin) // 1800 for k in range(1, days)]
    )
    pieces = []
    for left, right in pairwise([0, *cuts, slots]):
        if left and draw(st.integers(0, 3)) == 0:
            continue  # lost
        unknown = draw(st.integers(0, 2 ** (right - left) - 1)) if draw(st.integers(0, 4)) == 0 else 0
        pieces.append((left, right, unknown, draw(st.booleans())))
    return tz, use, told(tz, first, use, pieces), first


def check(story: Story) -> None:
    """Whatever is lost: rows chain, their sums are register differences, measured slots are the truth."""
    tz, use, reports, first = story
    state = MeterState()
    days: dict[int, DayRow] = {}
    for report in reports:
        before = deepcopy((state, report))
        result = validate_intervals(state, report, LIMITS, tz)
        assert (state, report) == before
        assert result == validate_intervals(state, report, LIMITS, tz)
        assert set(rules(result)) <= {Rule.GAP, Rule.SPIKE, Rule.UNIT_SUSPECT}
        state = result.state
        for row in result.days:
            new = merge(days[row.day], row) if row.day in days else row
            assert merge(new, row) == replace(new, partial=False)
            days[row.day] = new
    begin = tz.start_of(first)
    for day, row in days.items():
        place = (tz.start_of(day) - begin) // 1800
        for k, (increment, quality) in enumerate(zip(row.increments, row.quality, strict=True)):
            if not quality & (Slot.MISSING | Slot.ESTIMATED):
                assert increment == use[place + k]
        if day + 1 in days:
            assert row.base + sum(row.increments) == days[day + 1].base
    assert state.grid_at is not None
    assert state.grid_register == 1000 + sum(use[: (state.grid_at - begin) // 1800])


@given(stories())
@examples(80)
def test_days_add_up(story: Story) -> None:
    check(story)


FOUND = [
    # runs of estimates with different rates become neighbours: the second merge evened them out
    (20_000, [*[10] * 101, *[40] * 5, *[10] * 86], [(0, 101, 0, False), (106, 109, 7, True), (115, 117, 0, False)]),
    # missing slots in one day of a report over three: the midnights after them are known all the same
    (20_000, [*[300, 30] * 54, *[7] * 180], [(0, 111, 0b111101111, False), (111, 286, 0, True), (286, 288, 0, False)]),
    # missing slots on both sides of a midnight: only the history tells the register between them
    (20_000, [*[300, 30] * 54, *[7] * 180], [(0, 111, 7 << 44 | 7 << 50, False), (111, 286, 0, True)]),
]


@pytest.mark.parametrize(("first", "use", "pieces"), FOUND)
def test_stories_once_found(first: int, use: list[int], pieces: list[tuple[int, int, int, bool]]) -> None:
    for tz in (SHANGHAI, zone("Europe/Madrid")):
        check((tz, use, told(tz, first, use, pieces), first))


@given(
    st.lists(
        st.builds(
            IntervalReport,
            received_at=st.integers(0, 2**32),
            device_at=st.integers(0, 2**32),
            start=st.integers(0, 2**32),
            interval_s=st.sampled_from([300, 900, 1800, 3600, 7200, 1700]),
            base=st.integers(-10, 2**40),
            increments=st.lists(st.integers(-100, 10_000), min_size=1, max_size=60),
            register=st.integers(-10, 2**40),
            register_at=st.integers(0, 2**32),
            missing=st.integers(0, 2**60),
            history=st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 2**40)), max_size=7),
        ),
        min_size=1,
        max_size=4,
    )
)
@examples(100)
def test_nonsense_is_kept_and_never_raises(reports: list[IntervalReport]) -> None:
    state = MeterState()
    for report in reports:
        result = validate_intervals(state, report, LIMITS, SHANGHAI)
        (row,) = result.registers
        assert row.register == report.register
        # a clock that was never set: listed when it came
        assert row.at == report.register_at or (row.at == report.received_at and row.flags)
        state = result.state


def test_a_clean_day_costs_little() -> None:
    """The pipeline rests on it: less than four times of what walking over its 48 values costs, measured in turns."""
    state, base = begun(8)
    history = [(SHANGHAI.start_of(DAY - k), base - 480 * k) for k in range(1, 8)]
    report = daily(DAY, base, [10] * 48, history=history)
    walk = best = float("inf")
    for _ in range(50):
        walk = min(walk, timeit.timeit(lambda: [value.to_bytes(4, "big") for value in report.increments], number=200))
        best = min(best, timeit.timeit(lambda: validate_intervals(state, report, LIMITS, SHANGHAI), number=200))
    print(f"clean report: {best / walk:.2f} walks")
    assert best < 4 * walk


@pytest.mark.parametrize(
    "increments", [[1] * 48, list(range(48)), [0] * 47 + [1_000_000], [-1] + [2] * 47, [-5, *[1] * 47]]
)
def test_sums_that_come_with_the_report_change_nothing(increments: list[int]) -> None:
    state, base = begun()
    report = daily(DAY, base, increments)
    summed = replace(report, sums=(sum(increments), min(increments), max(increments)))
    found = validate_intervals(state, summed, LIMITS, SHANGHAI)
    assert found == validate_intervals(state, report, LIMITS, SHANGHAI)
    assert all(row.clean_total in (None, sum(row.increments)) for row in found.days)
