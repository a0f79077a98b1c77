# SPDX-License-Identifier: Apache-2.0
"""Steps of a work order: who may, what is asked before it is done, the clock that stands while the customer is waited for."""

from dataclasses import replace
from typing import Any

import pytest

from openmains.domain.ids import CommandId, MeterId, UserId
from openmains.domain.period import zone
from openmains.domain.work_order.kinds import STANDARD, kind_fault
from openmains.domain.work_order.life import HoldCause, OrderOutcome, OrderState, OrderStep, WrongOrderStepError
from openmains.domain.work_order.order import Clock, Given, Kept, Order, OrderRefusedError, is_overdue, stepped

S, E, R = OrderState, OrderStep, OrderOutcome
US = 1_000_000
ANN, BEN = UserId(1), UserId(2)
ALWAYS = Clock((), zone("Asia/Shanghai"))
NEW = Order(S.NEW, None, 4 * 3600 * US, None)
VALVE = STANDARD["valve"]
DONE_AT_VALVE = {"valve_moves": True, "cause": "dirt", "site_safe": True}


def step(
    order: Order,
    step: OrderStep,
    who: UserId = ANN,
    kind: str = "valve",
    kept: Kept | None = None,
    at: int = 0,
    **given: Any,
) -> Order:
    return stepped(order, Given(step, who, at * US, **given), STANDARD[kind], kept or Kept(), ALWAYS)


def working(kind: str = "valve") -> Order:
    order = step(NEW, E.ASSIGN, BEN, kind, assignee_id=ANN)
    return step(step(order, E.ACCEPT, ANN, kind), E.START, ANN, kind, at=60)


def refused(order: Order, does: OrderStep, *args: Any, **given: Any) -> tuple[str, list[str]]:
    with pytest.raises(OrderRefusedError) as caught:
        step(order, does, *args, **given)
    return caught.value.code, [f"{field} {what}" for field, what in caught.value.fields]


def test_an_order_goes_its_whole_way() -> None:
    order = working()
    assert (order.state, order.assignee_id, order.started_us) == (S.WORKING, ANN, 60 * US)
    order = step(order, E.NOTE, answers={"valve_moves": True}, labour_min=30)
    order = step(order, E.FINISH, at=90, answers={"cause": "dirt", "site_safe": True}, outcome=R.MENDED, labour_min=45)
    assert (order.state, order.answers, order.labour_min, order.done_by) == (S.DONE, DONE_AT_VALVE, 45, ANN)
    assert refused(order, E.CLOSE, ANN) == ("order-own", [])
    closed = step(order, E.CLOSE, BEN, at=100)
    assert (closed.state, closed.ended_us, closed.ended_by, closed.outcome) == (S.CLOSED, 100 * US, BEN, R.MENDED)
    back = step(order, E.SEND_BACK, BEN, reason="still leaks")
    assert (back.state, back.assignee_id, back.outcome, back.done_us) == (S.ASSIGNED, ANN, None, None)
    with pytest.raises(WrongOrderStepError):
        step(closed, E.NOTE)


def test_a_technicians_steps_are_those_of_whoever_was_sent() -> None:
    order = step(NEW, E.ASSIGN, BEN, assignee_id=ANN)
    for does in (E.ACCEPT, E.REFUSE):
        assert refused(order, does, BEN, reason="no") == ("order-not-yours", [])
    for does in (E.HOLD, E.FINISH):
        assert refused(working(), does, BEN, reason="no")[0] == "order-not-yours"
    assert step(order, E.REFUSE, ANN, reason="ill").assignee_id is None
    assert refused(order, E.REFUSE, ANN) == ("reason-needed", ["/reason required"])
    assert refused(NEW, E.ASSIGN, BEN) == ("invalid-input", ["/assignee_id required"])


def test_what_a_step_does_not_know_is_refused_and_not_passed_over() -> None:
    assert refused(working(), E.NOTE, outcome=R.MENDED) == ("invalid-input", ["/outcome not-of-this-act"])
    assert refused(NEW, E.CANCEL, reason="twice made", answers={}) == ("invalid-input", ["/answers not-of-this-act"])
    assert refused(working(), E.NOTE, answers={"nonsense": True}) == (
        "invalid-input",
        ["/answers/nonsense unknown-item"],
    )
    assert refused(working(), E.NOTE, answers={"valve_moves": 1}) == (
        "invalid-input",
        ["/answers/valve_moves wrong-type"],
    )
    assert refused(working(), E.NOTE, answers={"cause": " "}) == ("invalid-input", ["/answers/cause wrong-type"])
    dbm = {"rsrp_dbm": True}
    assert refused(working("communication"), E.NOTE, ANN, "communication", answers=dbm)[1] == [
        "/answers/rsrp_dbm wrong-type"
    ]
    dbm = {"rsrp_dbm": 1}
    assert refused(working("communication"), E.NOTE, ANN, "communication", answers=dbm)[1] == [
        "/answers/rsrp_dbm out-of-range"
    ]


def test_before_it_is_done_the_checklist_pictures_and_a_signature_are_asked() -> None:
    assert refused(working(), E.FINISH) == ("invalid-input", ["/outcome required"])
    assert refused(working(), E.FINISH, outcome=R.MENDED)[1] == [
        "/answers/valve_moves required", "/answers/cause required", "/answers/site_safe required",
    ]  # fmt: skip
    kind, answers = "meter_exchange", {"valve_tested": True, "leak_free": True, "site_safe": True}
    order = replace(working(kind), answers=answers)
    assert refused(order, E.FINISH, ANN, kind, outcome=R.MENDED)[1] == [
        "/photos photo-needed", "/signer signature-needed", "/new_meter exchange-needed",
    ]  # fmt: skip
    order = replace(order, new_meter_id=MeterId(7))
    kept = Kept(photos=2, signatures=1)
    assert refused(order, E.FINISH, ANN, kind, kept, outcome=R.MENDED)[1] == ["/signer signature-needed"]
    assert step(order, E.FINISH, ANN, kind, kept, outcome=R.MENDED, signer="Li").state is S.DONE


def test_a_hazard_that_the_checklist_found_is_recorded_first() -> None:
    kind = "safety_inspection"
    codes = [item.code for item in STANDARD[kind].checklist]
    order = replace(working(kind), answers={code: code != "hose_sound" for code in codes})
    kept = Kept(photos=1, signatures=1)
    wanted = {"outcome": R.NOT_MENDED, "signer": "Li"}
    assert refused(order, E.FINISH, ANN, kind, kept, **wanted)[1] == ["/answers/hose_sound hazard-not-recorded"]
    assert step(order, E.FINISH, ANN, kind, replace(kept, hazards=frozenset({"hose_sound"})), **wanted).state is S.DONE


def test_a_visit_that_nobody_let_in_is_documented_instead() -> None:
    order = working("safety_inspection")
    for outcome in (R.NO_ENTRY, R.ENTRY_REFUSED):
        told = refused(order, E.FINISH, ANN, "safety_inspection", outcome=outcome)
        assert told == ("invalid-input", ["/result required", "/photos photo-needed"])
        kept = Kept(photos=1)
        assert step(order, E.FINISH, ANN, "safety_inspection", kept, outcome=outcome, result="dog").outcome is outcome


def test_a_command_mends_it_from_afar() -> None:
    assert refused(NEW, E.MEND, BEN) == ("invalid-input", ["/command_id required"])
    mended = step(NEW, E.MEND, BEN, command_id=CommandId(9))
    assert (mended.state, mended.outcome, mended.is_remote, mended.command_id) == (S.DONE, R.MENDED, True, 9)
    assert refused(mended, E.CLOSE, BEN)[0] == "order-own"
    with pytest.raises(WrongOrderStepError):
        step(working(), E.MEND, BEN, command_id=CommandId(9))  # somebody is there: they say how it ends


def test_the_clock_stands_only_while_the_customer_is_waited_for() -> None:
    order = working()
    assert order.due_us == 4 * 3600 * US
    held = step(order, E.HOLD, at=3600, reason="not at home", cause=HoldCause.CUSTOMER)
    assert (held.due_us, held.left_s, is_overdue(held, 10**15)) == (None, 3 * 3600, False)
    resumed = step(held, E.RESUME, at=50_000)
    assert (resumed.due_us, resumed.left_s) == ((50_000 + 3 * 3600) * US, None)
    parts = step(order, E.HOLD, at=3600, reason="no valve", cause=HoldCause.PARTS)
    assert (parts.due_us, is_overdue(parts, 5 * 3600 * US)) == (4 * 3600 * US, True)
    late = step(order, E.HOLD, at=5 * 3600, reason="not at home", cause=HoldCause.CUSTOMER)
    assert late.left_s == -3600
    again = step(late, E.RESUME, at=10 * 3600)
    assert again.due_us == 9 * 3600 * US and is_overdue(again, 10 * 3600 * US)  # late stays late
    assert refused(order, E.HOLD, reason="later") == ("invalid-input", ["/cause required"])


def test_what_is_done_in_time_is_never_overdue() -> None:
    done = step(working(), E.FINISH, at=3600, answers=DONE_AT_VALVE, outcome=R.MENDED)
    assert not is_overdue(done, 10**15)
    assert is_overdue(working(), 4 * 3600 * US + 1)


def test_the_programs_kinds_are_kinds() -> None:
    for kind in STANDARD.values():
        assert kind_fault(kind) is None and all(kind.title) and kind.due_min > 0
        assert all(all(item.title) for item in kind.checklist)
    twice = replace(VALVE, checklist=(*VALVE.checklist, VALVE.checklist[0]))
    assert kind_fault(twice) == ("/checklist/3/code", "twice")
    item = replace(VALVE.checklist[0], least=1)
    assert kind_fault(replace(VALVE, checklist=(item,))) == ("/checklist/0/least", "not-of-this-type")
