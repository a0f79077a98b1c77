# SPDX-License-Identifier: Apache-2.0
"""Who is told of what and when: places, severities, shifts, stand-ins, quiet hours, digest, escalation; the same decision twice is one."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.ids import UserId
from openmains.domain.notice.decide import (
    Decision,
    Level,
    NoticeEvent,
    Place,
    Policy,
    Recipient,
    Rota,
    Timer,
    decide,
    decide_timer,
    when,
)
from openmains.domain.notice.duty import Absence, DutyCalendar, Shift, on_duty, present
from openmains.domain.notice.pace import PUSH_PATIENCE_S, is_given_up, notice_wait_us, push_wait_us, room
from openmains.domain.notice.parcels import MOST_TOGETHER, Parcel, parcels
from openmains.domain.period import zone

SHANGHAI = zone("Asia/Shanghai")
ANN, BO, CY, DEE = UserId(1), UserId(2), UserId(3), UserId(4)
INBOX, MAIL, ROBOT = 10, 11, 12
NORTH = Place("0000000a", "0000000ag")
RAISED = NoticeEvent(500, "alarm:7", "raised", "burst", "major", "0000000a0000000b")


def at(text: str) -> int:
    """Local time of Shanghai as µs."""
    return int(datetime.fromisoformat(text + "+08:00").timestamp()) * 1_000_000


NOON = at("2026-11-25T12:00:00")  # a Wednesday


def rota(*levels: Level, people: list[Recipient] | None = None, **policy: object) -> Rota:
    reached = frozenset({"inbox", "email"})
    recipients = {person: Recipient(person, "zh", reached) for person in (ANN, BO, CY, DEE)}
    recipients |= {person.user_id: person for person in people or ()}
    values: dict[str, object] = {"place": None, "events": frozenset(), "least": "minor", **policy}
    return Rota(
        SHANGHAI,
        (Policy(1, levels=levels, **values),),  # type: ignore[arg-type]
        recipients,
        {
            1: DutyCalendar(
                (Shift(frozenset({2}), 8 * 60, 20 * 60, (BO,)), Shift(frozenset({2}), 20 * 60, 8 * 60, (CY,)))
            )
        },
        {},
        {INBOX: "inbox", MAIL: "email", ROBOT: "wecom"},
    )


FIRST = Level(0, (ANN,), (), (INBOX,))
SECOND = Level(300, (BO,), (), (MAIL, ROBOT))


def told(made: Decision) -> list[tuple[int | None, int | None]]:
    return [(notice.user_id, notice.channel_id) for notice in made.notices]


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 1),
        ({"place": NORTH}, 1),
        (
            {"place": Place("0000000b", "0000000bg")},
            0,
        ),  # another area; the child's number alone is no place in the tree
        ({"place": Place("0000000a0000000b", "0000000a0000000bg")}, 1),
        ({"events": frozenset({"burst", "movement"})}, 1),
        ({"events": frozenset({"movement"})}, 0),
        ({"least": "critical"}, 0),
        ({"least": "major"}, 1),
    ],
)
def test_a_policy_speaks_of_a_place_with_what_is_below_of_events_and_of_severities(
    change: dict[str, object], count: int
) -> None:
    assert len(decide(RAISED, rota(FIRST, **change), NOON).notices) == count


def test_a_group_concerns_the_places_below_its_own_too() -> None:
    group = replace(RAISED, subject="group:3", path="0000000a", is_group=True)
    below = rota(FIRST, place=Place("0000000a0000000b", "0000000a0000000bg"))
    assert told(decide(group, below, NOON)) == [(ANN, INBOX)]
    assert decide(replace(group, is_group=False), below, NOON).notices == []
    assert told(decide(replace(group, path=""), below, NOON)) == [(ANN, INBOX)]  # a group of the whole utility


def test_nobody_acknowledges_and_the_next_level_is_told_in_its_time() -> None:
    both = rota(FIRST, SECOND)
    made = decide(RAISED, both, NOON)
    assert told(made) == [(ANN, INBOX)]
    (timer,) = made.timers
    assert (timer.level, timer.due_us - NOON) == (1, 300_000_000)
    later = decide_timer(timer, RAISED, both, timer.due_us)
    assert told(later) == [(BO, MAIL), (None, ROBOT)]  # the robot speaks to a group
    assert {notice.kind for notice in later.notices} == {"escalated"}
    assert later.timers == []
    assert decide_timer(timer, RAISED, rota(FIRST), timer.due_us) == Decision()  # the level is gone meanwhile
    acknowledged = decide(replace(RAISED, origin=501, happened="acknowledged"), both, NOON)
    assert (acknowledged.ended, acknowledged.notices) == (["alarm:7"], [])


def test_a_level_that_reaches_nobody_says_so_and_the_next_follows_at_once() -> None:
    alone = rota(Level(0, (), (1,), (MAIL,)), SECOND, people=[])
    sunday = at("2026-11-29T12:00:00")
    made = decide(RAISED, alone, sunday)
    assert [(notice.fault, notice.channel_id) for notice in made.notices] == [("nobody-on-duty", None)]
    assert made.timers[0].due_us == sunday
    without_mail = rota(Level(0, (ANN,), (), (MAIL,)), SECOND, people=[Recipient(ANN, "zh")])
    assert decide(RAISED, without_mail, NOON).notices[0].fault == "no-contact"
    gone = replace(rota(Level(0, (UserId(99),), (), (MAIL,)), SECOND))
    assert decide(RAISED, gone, NOON).notices[0].fault == "nobody-on-duty"


def test_a_first_level_may_wait_and_two_policies_tell_a_person_once() -> None:
    made = decide(RAISED, rota(replace(FIRST, after_s=60)), NOON)
    assert (made.notices, made.timers[0].due_us - NOON) == ([], 60_000_000)
    twice = rota(FIRST)
    twice = replace(twice, policies=(*twice.policies, replace(twice.policies[0], policy_id=2)))
    assert len(decide(RAISED, twice, NOON).notices) == 1


def test_the_end_is_told_where_a_policy_says_so() -> None:
    over = replace(RAISED, origin=502, happened="cleared")
    assert told(decide(over, rota(FIRST, tells_cleared=True), NOON)) == [(ANN, INBOX)]
    assert decide(over, rota(FIRST), NOON).notices == []


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-11-25T07:59:59", []),  # the night shift of Tuesday is nobody's
        ("2026-11-25T08:00:00", [BO]),
        ("2026-11-25T19:59:59", [BO]),
        ("2026-11-25T20:00:00", [CY]),
        ("2026-11-26T07:59:59", [CY]),  # past midnight it is still Wednesday's shift
        ("2026-11-26T08:00:00", []),
    ],
)
def test_shifts_go_on_past_midnight(moment: str, who: list[UserId]) -> None:
    assert on_duty(rota().calendars[1], SHANGHAI, at(moment) // 1_000_000) == who


def test_stand_ins_are_followed_and_a_circle_leads_back() -> None:
    def away(user: UserId, stand_in: UserId) -> Absence:
        return Absence(user, 100, 200, stand_in)

    assert present(ANN, {ANN: [away(ANN, BO)], BO: [away(BO, CY)]}, 150) == CY
    assert present(ANN, {ANN: [away(ANN, BO)]}, 200) == ANN  # the end is excluded
    assert present(ANN, {ANN: [away(ANN, BO)], BO: [away(BO, ANN)]}, 150) == ANN
    on_leave = replace(rota(FIRST), absences={ANN: [Absence(ANN, 0, 2**40, DEE)]})
    assert told(decide(RAISED, on_leave, NOON)) == [(DEE, INBOX)]


@pytest.mark.parametrize(
    ("severity", "moment", "due", "held"),
    [
        ("major", "2026-11-25T22:30:00", "2026-11-26T07:00:00", "quiet"),
        ("major", "2026-11-26T06:59:00", "2026-11-26T07:00:00", "quiet"),
        ("major", "2026-11-26T07:00:00", "2026-11-26T07:00:00", ""),
        ("critical", "2026-11-25T22:30:00", "2026-11-25T22:30:00", ""),  # critical passes
        ("minor", "2026-11-25T12:00:00", "2026-11-26T08:30:00", "digest"),
        ("minor", "2026-11-25T08:29:59", "2026-11-25T08:30:00", "digest"),
    ],
)
def test_quiet_hours_and_the_digest_hold_what_is_not_critical(severity: str, moment: str, due: str, held: str) -> None:
    person = Recipient(ANN, "zh", quiet_from=22 * 60, quiet_until=7 * 60, digest_at=8 * 60 + 30, digest_below="major")
    assert when(person, severity, SHANGHAI, at(moment)) == (at(due), held)


def test_quiet_hours_end_by_the_clock_when_summer_time_begins() -> None:
    person = Recipient(ANN, "en", quiet_from=22 * 60, quiet_until=7 * 60)
    night = int(datetime(2026, 3, 28, 23, tzinfo=UTC).timestamp())
    due, _ = when(person, "major", zone("Europe/Berlin"), night * 1_000_000)
    assert due == int(datetime(2026, 3, 29, 5, tzinfo=UTC).timestamp()) * 1_000_000  # 07:00 of summer time


@settings(max_examples=60)
@given(
    origin=st.integers(1, 10**9),
    severity=st.sampled_from(["info", "minor", "major", "critical"]),
    moment=st.integers(1_700_000_000, 1_900_000_000),
    quiet=st.tuples(st.integers(0, 1439), st.integers(0, 1439)),
)
def test_the_same_decision_again_has_the_same_keys_and_nothing_is_due_before_now(
    origin: int, severity: str, moment: int, quiet: tuple[int, int]
) -> None:
    person = Recipient(ANN, "zh", frozenset({"inbox", "email"}), *quiet)
    at_night = rota(FIRST, SECOND, people=[person], least="info")
    event = replace(RAISED, origin=origin, severity=severity)
    one, two = (decide(event, at_night, moment * 1_000_000 + late) for late in (0, 7_000_000))
    assert [notice.key for notice in one.notices] == [notice.key for notice in two.notices]
    assert len({notice.key for notice in one.notices}) == len(one.notices)
    for notice in one.notices:
        assert moment * 1_000_000 <= notice.due_us <= (moment + 90_000) * 1_000_000
        assert severity != "critical" or notice.due_us == moment * 1_000_000
    escalated = decide_timer(Timer("alarm:7", origin, 1, 1, moment, moment), event, at_night, moment * 1_000_000)
    assert not {notice.key for notice in escalated.notices} & {notice.key for notice in one.notices}


def test_waits_grow_to_an_end_and_a_receiver_may_ask_for_more() -> None:
    waits = [notice_wait_us(tries) for tries in range(1, 13)]
    assert waits[0] == 10_000_000 and waits[-1] is None and waits[:-1] == sorted(waits[:-1])  # type: ignore[type-var]
    assert notice_wait_us(1, 3600) == 3600_000_000
    assert notice_wait_us(1, 10**9) == 6 * 3600_000_000  # but not for ever
    assert [push_wait_us(tries) // 1_000_000 for tries in (1, 2, 3, 9, 500)] == [5, 10, 20, 900, 900]
    assert not is_given_up(0, PUSH_PATIENCE_S * 1_000_000 - 1) and is_given_up(0, PUSH_PATIENCE_S * 1_000_000)
    assert (room(20, 5), room(20, 20), room(20, 99)) == (15, 0, 0)


def test_few_notices_go_singly_many_together_and_what_went_together_goes_so_again() -> None:
    def due(
        count: int, recipient: int = 1, held: bool = False, first: int = 1
    ) -> list[tuple[int, int, bool, int | None]]:
        return [(number, recipient, held, None) for number in range(first, first + count)]

    assert parcels(due(3), 20) == [Parcel((1,)), Parcel((2,)), Parcel((3,))]
    assert parcels(due(4), 20) == [Parcel((1, 2, 3, 4))]
    assert parcels(due(2, held=True), 20) == [Parcel((1, 2))]
    assert parcels(due(1, held=True), 20) == [Parcel((1,))]
    assert [len(parcel.notice_ids) for parcel in parcels(due(2000), 20)] == [MOST_TOGETHER]
    again: list[tuple[int, int, bool, int | None]] = [(5, 1, False, 5), (6, 1, False, 5), (7, 2, False, 7)]
    assert parcels([*again, *due(1, 3, first=9)], 20) == [Parcel((5, 6)), Parcel((7,)), Parcel((9,))]
    assert len(parcels(due(3) + due(3, 2, first=10), 2)) == 2  # the channel takes no more now
