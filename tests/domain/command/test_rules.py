# SPDX-License-Identifier: Apache-2.0
"""Order, safety, quotas, batches, flow: what an operator or a cell would notice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.command import safety_closing
from openmains.domain.command.batch import (
    BatchEvent,
    BatchState,
    Plan,
    Progress,
    Step,
    advance,
    boundaries,
    daily_allowance,
    step,
)
from openmains.domain.command.flow import CellFlow
from openmains.domain.command.kinds import RULES, Channel, Kind, Lane, Priority, Times, rule_of
from openmains.domain.command.life import Event, State
from openmains.domain.command.order import Waiting, after_send, next_of, replaced_by, slot_of, timed_event
from openmains.domain.command.quota import Scope
from openmains.domain.command.safety import MOVES, MeterFacts, Need, Refusal, exceeded, needs_second, refusal
from openmains.domain.period import DAY_S

NOW = 1_760_000_000


def waiting(
    serial: int, kind: Kind, state: State = State.QUEUED, due_at: int = 0, not_after: int = NOW + DAY_S
) -> Waiting:
    rule = RULES[kind]
    return Waiting(serial, serial, kind, rule.lane, rule.priority, state, due_at, not_after)


def facts(**values: object) -> MeterFacts:
    plain: dict[str, object] = {
        "meter_id": 1, "tenant_id": 1, "area_id": 1, "product_id": 1, "driver": "d", "is_removed": False,
        "is_protected": False, "is_critical": False, "prepaid": True, "balance": 0,
    }  # fmt: skip
    return MeterFacts(**(plain | values))  # type: ignore[arg-type]


def test_every_kind_has_a_rule_and_money_and_valves_are_signed() -> None:
    assert set(RULES) == set(Kind)
    assert {kind for kind, rule in RULES.items() if rule.signed} == {
        Kind.VALVE_CLOSE, Kind.VALVE_OPEN, Kind.SAFETY_CLOSE, Kind.TOP_UP, Kind.SET_PRICE, Kind.SET_PLATFORM,
        Kind.FACTORY_RESET, Kind.SET_SIGNED_PARAMETERS,
    }  # fmt: skip
    assert all(rule.signed == (rule.lane in (Lane.SIGNED, Lane.SAFETY)) for rule in RULES.values())
    assert {kind for kind, rule in RULES.items() if rule.lane is Lane.SAFETY} == {Kind.SAFETY_CLOSE}
    assert all(rule.attempts == 0 for rule in RULES.values() if rule.effect)  # tried until the validity ends (R4.4)


def test_a_product_or_tenant_sets_times_but_cannot_make_an_effect_be_given_up() -> None:
    rule = rule_of(Kind.READ_NOW, Times(validity_s=7200), Times(attempts=2, pause_s=5))
    assert (rule.validity_s, rule.attempts, rule.pauses_s[Channel.GATEWAY]) == (7200, 2, 5)
    assert rule_of(Kind.VALVE_CLOSE, Times(attempts=1)).attempts == 0
    assert rule_of(Kind.SAFETY_CLOSE, Times(validity_s=60, pause_s=3600)) == RULES[Kind.SAFETY_CLOSE]


def test_urgent_goes_first_but_a_lane_keeps_its_order() -> None:
    queue = [waiting(1, Kind.SET_PARAMETERS), waiting(2, Kind.TOP_UP), waiting(3, Kind.VALVE_OPEN)]
    found = next_of(queue, NOW)
    assert found is not None and found.serial == 2
    queue[1].state, queue[1].due_at = State.SENT, NOW + 20  # no answer yet: the valve waits, the setting does not
    found = next_of(queue, NOW)
    assert found is not None and found.serial == 1


def test_a_command_that_can_no_longer_be_applied_holds_up_nobody() -> None:
    queue = [waiting(1, Kind.VALVE_CLOSE, State.ASKING), waiting(2, Kind.VALVE_OPEN)]
    found = next_of(queue, NOW)
    assert found is not None and found.serial == 2
    found = next_of(queue[:1], NOW)
    assert found is not None and found.serial == 1  # and is asked about when nothing else waits


def test_retries_pause_by_channel_and_grow() -> None:
    rule = RULES[Kind.VALVE_CLOSE]
    assert after_send(rule, Channel.DIRECT, 1, NOW) == NOW + 20
    assert after_send(rule, Channel.OPERATOR, 1, NOW) == NOW + 900
    assert after_send(rule, Channel.DIRECT, 30, NOW) == NOW + 3600


def test_time_asks_about_effects_and_gives_up_readings() -> None:
    end = NOW - 1
    assert timed_event(State.QUEUED, RULES[Kind.TOP_UP], 0, 0, end, NOW) is Event.LAPSE
    assert timed_event(State.SENT, RULES[Kind.TOP_UP], 1, 0, end, NOW) is None  # the meter's clock may be behind ours
    assert timed_event(State.SENT, RULES[Kind.TOP_UP], 1, 0, end - 400, NOW) is Event.LAPSE
    assert timed_event(State.SENT, RULES[Kind.READ_NOW], 1, 0, end - 400, NOW) is Event.GIVE_UP
    assert timed_event(State.SENT, RULES[Kind.READ_NOW], 5, NOW, NOW + DAY_S, NOW) is Event.GIVE_UP
    assert timed_event(State.DELIVERED, RULES[Kind.SET_PRICE], 99, NOW, NOW + DAY_S, NOW) is None
    assert timed_event(State.ASKING, RULES[Kind.TOP_UP], 9, 0, NOW - 31 * DAY_S, NOW) is Event.GIVE_UP


def test_a_newer_setting_replaces_the_same_setting_that_was_not_sent() -> None:
    slot = slot_of(Kind.SET_PARAMETERS, {"values": {"report_time": 1}})
    older = [
        (1, Kind.SET_PARAMETERS, slot, State.QUEUED),
        (2, Kind.SET_PARAMETERS, slot, State.SENT),
        (3, Kind.SET_PARAMETERS, slot_of(Kind.SET_PARAMETERS, {"values": {"freeze_period": 1}}), State.QUEUED),
        (4, Kind.SET_PRICE, slot_of(Kind.SET_PRICE, {}), State.QUEUED),
    ]
    assert replaced_by(Kind.SET_PARAMETERS, slot, older) == [1]


# valves ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"is_protected": True}, Refusal.PROTECTED),
        ({"balance": 1}, Refusal.HAS_CREDIT),
        ({"balance": 5, "prepaid": False}, Refusal.HAS_CREDIT),
        ({"balance": None}, Refusal.UNKNOWN_CREDIT),
        ({"balance": None, "prepaid": False}, None),
        ({"is_removed": True}, Refusal.REMOVED),
        ({"balance": -3}, None),
    ],
)
def test_who_is_never_closed(values: dict[str, object], why: Refusal | None) -> None:
    assert refusal(Kind.VALVE_CLOSE, facts(**values), validity_s=3600) == why


def test_opening_is_never_refused_for_credit_and_no_closing_waits_for_a_week() -> None:
    assert refusal(Kind.VALVE_OPEN, facts(is_protected=True, balance=9), validity_s=3600) is None
    assert refusal(Kind.VALVE_CLOSE, facts(), validity_s=7 * DAY_S) is Refusal.VALIDITY_TOO_LONG


def test_nothing_moves_valve_or_money_of_a_meter_whose_module_may_be_anothers() -> None:
    strange = facts(strange_number=7)
    found = {kind: refusal(kind, strange, validity_s=3600) for kind in Kind}
    assert {kind for kind, why in found.items() if why is Refusal.MODULE_MISMATCH} == MOVES
    assert all(found[kind] is None for kind in Kind if kind not in MOVES)


def test_when_a_second_person_is_needed() -> None:
    office = {"is_office": True}
    assert needs_second(Kind.VALVE_CLOSE, 20, critical=False, **office) == []
    assert needs_second(Kind.VALVE_CLOSE, 21, critical=False, **office) == [Need.MANY]
    assert needs_second(Kind.VALVE_CLOSE, 1, critical=True, **office) == [Need.CRITICAL]
    assert needs_second(Kind.VALVE_CLOSE, 1, critical=False, is_office=False) == [Need.OUT_OF_HOURS]
    assert needs_second(Kind.TOP_UP, 500, critical=True, is_office=False) == []


def over(kind: Kind, scope: Scope, used: int, meters: dict[Scope, int], *, seconded: bool = True) -> Scope | None:
    """The quota that one more exceeds where so many were authorised in the shortest window of the scope."""
    windows = [quota for quota in RULES[kind].quotas if quota.scope is scope]
    shortest = min(windows, key=lambda quota: quota.window_s, default=None)
    return exceeded(kind, {} if shortest is None else {shortest: used}, meters, seconded=seconded)


def test_quotas() -> None:
    million = {Scope.UTILITY: 1_000_000, Scope.AREA: 10_000, Scope.PLATFORM: 10_000_000}
    assert over(Kind.VALVE_CLOSE, Scope.OPERATOR, 19, million, seconded=False) is None
    assert over(Kind.VALVE_CLOSE, Scope.OPERATOR, 20, million, seconded=False) is Scope.OPERATOR
    assert over(Kind.VALVE_CLOSE, Scope.OPERATOR, 20, million) is None
    assert over(Kind.VALVE_CLOSE, Scope.UTILITY, 500, million) is Scope.UTILITY
    smaller = million | {Scope.UTILITY: 100_000}
    assert over(Kind.VALVE_CLOSE, Scope.UTILITY, 100, smaller) is Scope.UTILITY  # 0.1 % an hour
    assert over(Kind.VALVE_CLOSE, Scope.AREA, 500, million) is Scope.AREA  # 5 % a day
    (day,) = [q for q in RULES[Kind.VALVE_CLOSE].quotas if (q.scope, q.window_s) == (Scope.UTILITY, DAY_S)]
    assert exceeded(Kind.VALVE_CLOSE, {day: 1999}, smaller, seconded=True) is None
    assert exceeded(Kind.VALVE_CLOSE, {day: 2000}, smaller, seconded=True) is Scope.UTILITY  # 2 % a day, one by one too
    assert over(Kind.READ_NOW, Scope.OPERATOR, 10**6, million, seconded=False) is None


# safety closings --------------------------------------------------------------------------------------------------------

SAID = {"reason": 1, "evidence": "smell of gas, Mrs Li, 02:10"}


@pytest.mark.parametrize(
    "values",
    [{"is_protected": True}, {"balance": 1}, {"balance": None}, {"closing_forbidden": True}, {"is_critical": True}],
)
def test_what_keeps_an_ordinary_closing_off_keeps_no_safety_closing_off(values: dict[str, object]) -> None:
    assert refusal(Kind.SAFETY_CLOSE, facts(**values), validity_s=3600) is None


def test_a_utility_or_product_may_forbid_remote_closing_and_what_is_gone_is_not_closed() -> None:
    assert refusal(Kind.VALVE_CLOSE, facts(closing_forbidden=True), validity_s=3600) is Refusal.CLOSING_FORBIDDEN
    assert refusal(Kind.SAFETY_CLOSE, facts(is_removed=True), validity_s=3600) is Refusal.REMOVED
    assert refusal(Kind.SAFETY_CLOSE, facts(), validity_s=7 * DAY_S) is Refusal.VALIDITY_TOO_LONG


def test_nothing_opens_what_is_closed_for_safety() -> None:
    assert refusal(Kind.VALVE_OPEN, facts(), validity_s=3600, closed_for_safety=True) is Refusal.CLOSED_FOR_SAFETY
    assert refusal(Kind.TOP_UP, facts(), validity_s=3600, closed_for_safety=True) is None


def test_a_safety_closing_needs_two_persons_at_any_hour_but_in_the_immediate_case() -> None:
    for is_office in (True, False):
        now = {"is_office": is_office}
        assert needs_second(Kind.SAFETY_CLOSE, 1, critical=False, **now) == [Need.TWO_PERSONS]
        assert needs_second(Kind.SAFETY_CLOSE, 1, critical=True, immediate=True, **now) == []
        assert needs_second(Kind.VALVE_CLOSE, 21, critical=False, immediate=True, is_office=True) == [Need.MANY]


def test_the_meter_is_a_witness_of_leaks_and_bursts_only() -> None:
    assert safety_closing.is_immediate(SAID, reported=True)
    assert not safety_closing.is_immediate(SAID, reported=False)
    assert not safety_closing.is_immediate(SAID | {"reason": 2}, reported=True)


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        (SAID, None),
        (SAID | {"alarm_id": 7, "work_order": "抢修-12"}, None),
        ({"reason": 1}, "evidence"),
        (SAID | {"evidence": "gas"}, "evidence"),
        (SAID | {"evidence": "      "}, "evidence"),
        (SAID | {"evidence": "x" * 501}, "evidence"),
        (SAID | {"evidence": "smell\u202e of gas"}, "evidence"),
        (SAID | {"reason": 0}, "reason"),
        (SAID | {"reason": 8}, "reason"),
        (SAID | {"reason": True}, "reason"),
        (SAID | {"reason": "1"}, "reason"),
        ({"evidence": "smell of gas"}, "reason"),
        (SAID | {"alarm_id": 0}, "alarm_id"),
        (SAID | {"work_order": "x" * 65}, "work_order"),
    ],
)
def test_a_safety_closing_says_why(params: dict[str, object], wrong: str | None) -> None:
    assert safety_closing.fault(Kind.SAFETY_CLOSE, params) == wrong
    assert safety_closing.fault(Kind.VALVE_CLOSE, params) is None


def test_evidence_stays_with_people_and_the_reason_goes_to_the_meter() -> None:
    said = SAID | {"alarm_id": 7, "work_order": "12"}
    assert safety_closing.for_the_meter(Kind.SAFETY_CLOSE, said) == {"reason": 1}
    assert safety_closing.for_the_meter(Kind.TOP_UP, {"amount": 5}) == {"amount": 5}


def test_a_safety_closing_waits_for_nothing_else() -> None:
    queue = [
        waiting(1, Kind.TOP_UP, State.SENT, due_at=NOW + 3600),
        waiting(2, Kind.VALVE_OPEN),
        waiting(3, Kind.SAFETY_CLOSE),
    ]
    found = next_of(queue, NOW)
    assert found is not None and found.serial == 3


# batches ---------------------------------------------------------------------------------------------------------------


def test_canary_groups_hold_and_grow() -> None:
    plan = Plan(hold_s=600)
    assert boundaries(5000) == [1, 11, 111, 5000]
    assert boundaries(1) == [1]
    assert step(plan, Progress(5000, 0, 0, 0, 0, 0), NOW, 5000) == Step(count=1)
    assert step(plan, Progress(5000, 1, 0, 0, 0, 0), NOW, 5000) == Step()  # not answered
    assert step(plan, Progress(5000, 1, 1, 0, 0, NOW - 599), NOW, 5000) == Step()  # watched
    assert step(plan, Progress(5000, 1, 1, 0, 0, NOW - 600), NOW, 5000) == Step(count=10)
    assert step(plan, Progress(5000, 111, 111, 0, 0, NOW - 600), NOW, 100) == Step(count=100)  # what the day allows
    assert step(plan, Progress(5000, 211, 111, 0, 0, 0), NOW, 100) == Step(count=100)
    assert step(plan, Progress(5000, 5000, 4999, 1, 0, NOW, 1, 4889), NOW, 0) == Step(event=BatchEvent.FINISH)


def test_failures_stop_a_batch_by_itself() -> None:
    assert step(Plan(), Progress(5000, 11, 9, 1, 0, 0, 1, 10), NOW, 5000) == Step(event=BatchEvent.STOP)
    assert step(Plan(), Progress(5000, 4000, 3000, 70, 0, 0, 70, 3889), NOW, 0) == Step()
    assert step(Plan(), Progress(5000, 4000, 3000, 80, 0, 0, 80, 3889), NOW, 0) == Step(event=BatchEvent.STOP)


@given(st.integers(1, 3000), st.integers(1, 500))
def test_a_batch_touches_each_meter_once_and_ends(total: int, allowance: int) -> None:
    released, now = 0, NOW
    for _ in range(10_000):
        done = step(Plan(hold_s=60), Progress(total, released, released, 0, 0, now - 60), now, allowance)
        if done.event is BatchEvent.FINISH:
            break
        assert 0 < done.count <= allowance
        released += done.count
        now += 100
    assert released == total


def test_two_percent_a_day_and_batch_states() -> None:
    assert daily_allowance(100_000, 0) == 2000
    assert daily_allowance(100_000, 1990) == 10
    assert daily_allowance(10, 0) == 1
    assert daily_allowance(10, 1) == 0
    assert daily_allowance(10, 19, least=20) == 1
    assert advance(BatchState.STOPPED, BatchEvent.RESUME) is BatchState.RUNNING
    assert advance(BatchState.DONE, BatchEvent.CANCEL) is None


# flow ------------------------------------------------------------------------------------------------------------------


def run_cell(flow: CellFlow, minutes: int, wanted: dict[Priority, int]) -> dict[Priority, int]:
    """Ask ``wanted`` times a second for each priority; what was let through."""
    through = dict.fromkeys(wanted, 0)
    for now_ms in range(0, minutes * 60_000, 1000):
        for priority, count in wanted.items():
            through[priority] += sum(flow.reserve(7, priority, now_ms) == 0 for _ in range(count))
    return through


def test_a_cell_is_kept_within_its_capacity_and_nobody_starves() -> None:
    through = run_cell(CellFlow(600), 10, {Priority.URGENT: 50, Priority.NORMAL: 50, Priority.BULK: 50})
    assert 5700 <= sum(through.values()) <= 6200
    assert through[Priority.URGENT] > through[Priority.NORMAL] > through[Priority.BULK] > 1000


def test_what_others_leave_is_used() -> None:
    through = run_cell(CellFlow(600), 10, {Priority.BULK: 50})
    assert through[Priority.BULK] > 5400


def test_a_network_that_carries_less_is_asked_less() -> None:
    flow = CellFlow(600)
    through = sum(flow.reserve(7, Priority.NORMAL, second * 1000, 60) == 0 for second in range(600) for _ in range(20))
    assert 600 <= through <= 700  # of 60 a minute, and a full bucket at first


def test_measured_load_makes_room_smaller() -> None:
    flow = CellFlow(600)
    for minute in range(30):
        flow.learn(7, 400, minute * 60_000)
    start = 30 * 60_000
    through = sum(
        flow.reserve(7, Priority.NORMAL, start + second * 1000) == 0 for second in range(600) for _ in range(20)
    )
    assert 200 * 10 <= through <= 220 * 10 + 40  # of 600 a minute some 390 were measured to come up
