# SPDX-License-Identifier: Apache-2.0
"""What becomes of a day that is not well: every pair is in the table, and each decision keeps its limits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.ids import CommandId, MeterId
from openmains.domain.period import DAY_S
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.rereads import (
    ASKED_DAYS,
    CHANGES,
    KEPT_DAYS,
    MOST_TRIES,
    SETTLE_S,
    CellBudget,
    FilledBy,
    Gap,
    GapEvent,
    GapState,
    MeterFacts,
    Slots,
    Visit,
    advance,
    decide,
)
from openmains.domain.readings.tasks import Need, Remedy
from tests.domain.properties import examples

NOW = 100 * DAY_S
WELL, PART, TOLD = Slots(48, 48), Slots(48, 20), Slots(48, 0, history=48)
SPOKE = MeterFacts(last_seen_s=NOW - 60, known_s=NOW - 3_600, cell=5)


def gap(day: int = 97, state: GapState = GapState.WAITING, tries: int = 0, ended: int | None = None) -> Gap:
    return Gap(
        MeterId(1), day, day * DAY_S, (day + 1) * DAY_S, (day + 1) * DAY_S + 8 * 3600, state, tries, CommandId(3), ended
    )


def ends(gaps: list[Gap], facts: MeterFacts = SPOKE, stored: dict[int, Slots] | None = None) -> dict[int, GapState]:
    moves, _ = decide(gaps, stored or {}, facts, CellBudget({}), NOW)
    return {one.day: one.state for one in gaps} | {move.gap.day: move.state for move in moves}


def test_the_table_knows_every_pair() -> None:
    for state in GapState:
        for event in GapEvent:
            assert advance(state, event) is CHANGES[state].get(event, state)
    assert not CHANGES[GapState.FILLED] and not CHANGES[GapState.CLOSED]


def test_nothing_is_asked_before_the_meters_next_report_came() -> None:
    assert ends([gap()], replace(SPOKE, known_s=97 * DAY_S)) == {97: GapState.WAITING}
    assert ends([gap()], replace(SPOKE, last_seen_s=98 * DAY_S)) == {97: GapState.WAITING}
    assert ends([gap()]) == {97: GapState.ASKED}


def test_what_arrived_meanwhile_is_never_asked() -> None:
    for state in (GapState.WAITING, GapState.WANTED, GapState.ASKED, GapState.VISIT):
        moves, asks = decide([gap(state=state)], {97: WELL}, SPOKE, CellBudget({}), NOW)
        assert ([move.state for move in moves], asks) == ([GapState.FILLED], [])
    by = {state: decide([gap(state=state)], {97: WELL}, SPOKE, CellBudget({}), NOW)[0][0].by for state in CHANGES}
    assert (by[GapState.WAITING], by[GapState.ASKED]) == (FilledBy.METER, FilledBy.REREAD)
    assert decide([gap()], {97: Slots(48, 40, edited=8)}, SPOKE, CellBudget({}), NOW)[0][0].by is FilledBy.PERSON


def test_a_total_of_the_history_is_enough_where_the_task_wants_no_more() -> None:
    assert ends([gap()], SPOKE, {97: TOLD}) == {97: GapState.ASKED}
    totals = replace(SPOKE, need=Need.TOTAL)
    assert decide([gap()], {97: TOLD}, totals, CellBudget({}), NOW)[0][0].by is FilledBy.HISTORY
    assert ends([gap()], totals, {97: PART}) == {97: GapState.ASKED}


def test_neighbouring_days_are_one_command_and_its_size_is_bounded() -> None:
    days = [gap(day) for day in (84, 85, 86, 90, *range(70, 83))]
    _, asks = decide(days, {}, SPOKE, CellBudget({}), NOW)
    assert [(ask.days[0], len(ask.days)) for ask in asks] == [(70, ASKED_DAYS), (80, 3), (84, 3), (90, 1)]
    assert (asks[2].since_s, asks[2].until_s) == (84 * DAY_S, 87 * DAY_S)
    _, dense = decide(days, {}, replace(SPOKE, freeze_s=300), CellBudget({}), NOW)
    assert max(len(ask.days) for ask in dense) == 4


def test_limits_of_battery_and_cell_leave_it_wanted() -> None:
    days = [gap(day) for day in (80, 82, 84)]
    moves, asks = decide(days, {}, replace(SPOKE, asked=5, rereads_a_month=6), CellBudget({}), NOW)
    assert len(asks) == 1 and [move.state for move in moves].count(GapState.WANTED) == 3
    assert decide(days, {}, replace(SPOKE, rereads_a_month=0), CellBudget({}), NOW)[1] == []
    busy = CellBudget({5: 19}, most=20)
    assert len(decide(days, {}, SPOKE, busy, NOW)[1]) == 1
    assert decide(days, {}, replace(SPOKE, cell=6), busy, NOW)[1] != []
    assert len(decide(days, {}, replace(SPOKE, cell=0), CellBudget({0: 99}), NOW)[1]) == 3  # nobody knows the cell


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"can_be_asked": False}, Visit.CANNOT_BE_ASKED),
        ({"remedy": Remedy.HISTORY}, Visit.NOT_TO_BE_ASKED),
        ({"known_s": 0, "last_seen_s": 90 * DAY_S}, Visit.SILENT),
    ],
)
def test_what_cannot_be_had_from_here_is_a_visit(facts: dict[str, object], why: Visit) -> None:
    moves, asks = decide([gap(90)], {}, replace(SPOKE, **facts), CellBudget({}), NOW)  # type: ignore[arg-type]
    assert (moves[-1].state, moves[-1].why, asks) == (GapState.VISIT, why, [])


def test_tries_end_and_so_does_the_meters_memory() -> None:
    lost = gap(state=GapState.ASKED, ended=NOW - SETTLE_S - 1)
    moves, asks = decide([lost], {}, SPOKE, CellBudget({}), NOW)
    assert [move.event for move in moves] == [GapEvent.LOSE, GapEvent.ASK] and asks[0].tries == 1
    assert ends([replace(lost, command_ended_s=NOW - 10)]) == {97: GapState.ASKED}  # its answer may still come
    moves, asks = decide([replace(lost, tries=MOST_TRIES - 1)], {}, SPOKE, CellBudget({}), NOW)
    assert (moves[-1].why, asks) == (Visit.ASKED_IN_VAIN, [])
    never = replace(SPOKE, remedy=Remedy.NEVER)
    assert ends([gap(), gap(60)], never) == {97: GapState.WAITING, 60: GapState.CLOSED}
    old = gap(100 - KEPT_DAYS - 3)
    assert decide([old], {}, SPOKE, CellBudget({}), NOW)[0][-1].why is Visit.TOO_OLD


def test_a_monthly_meter_is_waited_for_and_its_command_too() -> None:
    monthly = replace(SPOKE, mode=Mode.MONTH, known_s=0, last_seen_s=60 * DAY_S)
    assert ends([gap(60)], monthly) == {60: GapState.WAITING}
    _, asks = decide([gap(70)], {}, replace(SPOKE, mode=Mode.MONTH), CellBudget({}), NOW)
    assert asks[0].not_after_s - NOW == 33 * DAY_S


def test_a_meter_that_is_no_more_is_asked_for_nothing() -> None:
    assert ends([gap(), gap(96, GapState.VISIT)], replace(SPOKE, is_removed=True)) == {
        97: GapState.CLOSED,
        96: GapState.CLOSED,
    }


def visit(day: int = 90, why: Visit = Visit.SILENT) -> Gap:
    return replace(gap(day, GapState.VISIT), why=why, changed_s=NOW - DAY_S)


def test_a_meter_that_was_silent_and_speaks_again_is_asked_and_nobody_goes_there() -> None:
    moves, asks = decide([visit(89), visit(90)], {}, SPOKE, CellBudget({}), NOW)
    assert [move.event for move in moves] == [GapEvent.AGAIN] * 2 + [GapEvent.ASK] * 2
    assert [ask.days for ask in asks] == [(89, 90)]
    assert ends([visit()], replace(SPOKE, last_seen_s=NOW - DAY_S)) == {90: GapState.VISIT}  # not since
    for why in Visit:
        if why is not Visit.SILENT:
            assert decide([visit(why=why)], {}, SPOKE, CellBudget({}), NOW) == ([], [])
    assert ends([visit()], replace(SPOKE, remedy=Remedy.NEVER)) == {90: GapState.VISIT}
    for facts, why in (
        (replace(SPOKE, can_be_asked=False), Visit.CANNOT_BE_ASKED),
        (replace(SPOKE, remedy=Remedy.HISTORY), Visit.NOT_TO_BE_ASKED),
    ):  # the list says the truth about it from now on
        moves, asks = decide([visit()], {}, facts, CellBudget({}), NOW)
        assert (moves[-1].state, moves[-1].why, asks) == (GapState.VISIT, why, [])
    old = visit(100 - KEPT_DAYS - 3)
    assert decide([old], {}, SPOKE, CellBudget({}), NOW)[0][-1].why is Visit.TOO_OLD


def test_a_visit_is_made_when_a_person_read_the_meter_after_the_day() -> None:
    gone = replace(SPOKE, last_seen_s=NOW - 20 * DAY_S)
    for why in Visit:
        for remedy in Remedy:
            read = replace(gone, read_s=91 * DAY_S, remedy=remedy)
            (move,), asks = decide([visit(why=why)], {}, read, CellBudget({}), NOW)
            assert (move.event, move.state, move.by, asks) == (GapEvent.CLOSE, GapState.CLOSED, FilledBy.PERSON, [])
    assert ends([visit()], replace(gone, read_s=91 * DAY_S - 1)) == {90: GapState.VISIT}
    assert ends([gap()], replace(SPOKE, read_s=NOW)) == {97: GapState.ASKED}  # only a visit ends so


GAPS = st.builds(
    lambda day, state, tries, ended, why, changed: replace(
        gap(day, state, tries, ended), why=why if state is GapState.VISIT else None, changed_s=changed
    ),
    st.integers(60, 99),
    st.sampled_from([GapState.WAITING, GapState.WANTED, GapState.ASKED, GapState.VISIT]),
    st.integers(0, MOST_TRIES),
    st.none() | st.integers(NOW - 5_000, NOW),
    st.sampled_from(Visit),
    st.integers(50 * DAY_S, NOW),
)
FACTS = st.builds(
    MeterFacts,
    st.sampled_from(Mode),
    st.sampled_from(Need),
    st.sampled_from(Remedy),
    st.integers(0, 8),
    st.booleans(),
    st.booleans(),
    st.integers(50 * DAY_S, NOW),
    st.integers(0, NOW),
    st.integers(0, 8),
    st.integers(0, 3),
    st.sampled_from([300, 1_800, 86_400]),
    st.integers(50 * DAY_S, NOW),
)
STORED = st.dictionaries(st.integers(60, 99), st.sampled_from([WELL, PART, TOLD, Slots(48)]), max_size=20)


@examples(100)
@given(st.lists(GAPS, max_size=12, unique_by=lambda one: one.day), FACTS, STORED, st.integers(0, 20))
def test_every_decision_keeps_to_table_and_limits(
    gaps: list[Gap], facts: MeterFacts, stored: dict[int, Slots], given: int
) -> None:
    moves, asks = decide(gaps, stored, facts, CellBudget({facts.cell: given}), NOW)
    at = {one.day: one.state for one in gaps}
    for move in moves:
        assert CHANGES[at[move.gap.day]][move.event] is move.state
        at[move.gap.day] = move.state
        assert (move.state is GapState.VISIT) == (move.why is not None)
        is_visited = move.state is GapState.CLOSED and move.gap.state is GapState.VISIT and not facts.is_removed
        assert (move.state is GapState.FILLED or is_visited) == (move.by is not None)
    asked = [day for ask in asks for day in ask.days]
    assert len(asked) == len(set(asked)) and all(at[day] is GapState.ASKED for day in asked)
    assert not any(day in stored and stored[day].is_well(facts.need) for day in asked)
    assert len(asks) <= max(0, facts.rereads_a_month - facts.asked) and (not facts.cell or len(asks) <= 20 - given)
    assert not asks or (facts.can_be_asked and facts.remedy is Remedy.AUTOMATIC and not facts.is_removed)
