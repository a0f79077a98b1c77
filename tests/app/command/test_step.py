# SPDX-License-Identifier: Apache-2.0
"""What becomes of commands when something happens to them, judged without a store."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.app.command.closings import ANNOUNCED, NOT_DONE, OPENED, SEVERITY
from openmains.app.command.ports import Change, CommandResponse, Drafted, HeldCommand
from openmains.app.command.step import DETAIL_MOST, Moves, Note, changes_of_newer, step, step_responses
from openmains.domain.command.kinds import Kind
from openmains.domain.command.life import CHANGES, ENDS, SENDABLE, Event, Outcome, State, advance
from openmains.drivers.points import vocabulary
from tests.support.held_commands import HeldCommands

NOW = 1_760_000_000_000_000
VALUES = {"report_time": 300}


def held(
    state: State, command_id: int = 1, meter_id: int = 7, kind: Kind = Kind.READ_NOW, params: Any = None
) -> HeldCommand:
    return HeldCommand(command_id, 3, meter_id, command_id + 100, kind, params or {}, state)


def one(command: HeldCommand, *events: Event, **more: Any) -> Moves:
    changes = [Change(command.command_id, event, NOW + n, "meter", **more) for n, event in enumerate(events)]
    return step({command.command_id: command}, changes)


def respond(commands: Sequence[HeldCommand], *responses: CommandResponse) -> Moves:
    return step_responses({command.command_id: command for command in commands}, responses)


def answer(code: int | None, meter_id: int = 7, serial: int = 101, at_us: int = NOW, **more: Any) -> CommandResponse:
    return CommandResponse(3, meter_id, at_us, serial, code, **more)


def test_sending_counts_an_attempt_and_lets_the_frame_leave() -> None:
    moves = one(held(State.QUEUED), Event.SEND, frame=b"f", counter=9, due_at=5)
    (move,) = moves.moves.values()
    assert (move.state, move.sends, move.frame, move.counter, move.due_at) == (State.SENT, 1, b"f", 9, 5)
    assert (move.sent_us, move.delivered_us, move.ended_us) == (NOW, None, None)
    assert moves.sent == [1]
    assert moves.waiting == [move]
    assert moves.notes == [Note(3, 1, NOW, "send", State.SENT, "meter", "")]


def test_a_command_that_ended_in_the_same_set_does_not_leave_and_does_not_wait() -> None:
    moves = one(held(State.QUEUED), Event.SEND, Event.DONE)
    assert (moves.sent, moves.waiting) == ([], [])
    assert moves.moves[1].ended_us == NOW + 1
    assert [note.event for note in moves.notes] == ["send", "done"]


def test_what_cannot_happen_leaves_no_trace() -> None:
    for command, event in ((held(State.SENT), Event.CANCEL), (held(State.CONFIRMED), Event.LOSE)):
        assert one(command, event) == Moves()
    assert step({}, [Change(1, Event.SEND, NOW, "link")]) == Moves()


def test_the_word_that_ended_it_said_again_is_not_even_history() -> None:
    assert one(held(State.CONFIRMED), Event.DONE, result=2) == Moves()
    assert [note.event for note in one(held(State.SENT), Event.DONE, Event.DONE).notes] == ["done"]


def test_a_contradiction_is_told_and_moves_nothing() -> None:
    moves = one(held(State.CANCELLED), Event.DONE, detail="done")
    assert moves.moves == {}
    assert [(note.event, note.state, note.detail) for note in moves.notes] == [
        ("contradiction:done", State.CANCELLED, "done")
    ]


def test_the_reason_is_the_one_of_the_last_change_of_state_and_fits() -> None:
    command = held(State.SENT)
    changes = [
        Change(1, Event.DECLINE, NOW, "meter", "x" * 600),
        Change(1, Event.DECLINE, NOW + 1, "meter", "again"),
    ]
    moves = step({1: command}, changes)
    assert moves.moves[1].reason == "x" * DETAIL_MOST
    assert [len(note.detail) for note in moves.notes] == [DETAIL_MOST]


def test_what_a_confirmed_setting_set_goes_into_the_shadow_and_the_meters_later_word_over_it() -> None:
    setting = held(State.SENT, kind=Kind.SET_PARAMETERS, params={"values": {"report_time": 300, "freeze_period": 7}})
    moves = respond([setting], answer(None, settings={"report_time": 299}, at_us=NOW - 1), answer(0))
    assert {report.meter_id: report.values for report in moves.reports.values()} == {
        7: {"report_time": 299, "freeze_period": 7}
    }
    refused = respond([setting], answer(6))
    assert refused.reports == {}
    assert respond([held(State.SENT, params={"values": VALUES})], answer(0)).reports == {}


def test_the_prices_that_a_meter_says_it_holds_are_kept_asked_or_not() -> None:
    said = {"price_version": 2, "price_deferred": 0}
    moves = respond(
        [],
        answer(None, serial=0, prices={"price_version": 1, "price_deferred": 2}),
        answer(None, serial=0, prices=said),
    )
    assert {report.meter_id: report.values for report in moves.reports.values()} == {7: said}
    assert not moves.moves and not moves.notes
    assert respond([held(State.SENT)], answer(0, prices=said)).reports[7].values == said


def test_a_response_is_of_its_own_meter_or_nobodys() -> None:
    command = held(State.SENT)
    assert respond([command], answer(0, meter_id=8)) == Moves()
    assert respond([command], answer(0, serial=102)) == Moves()
    assert respond([command], CommandResponse(3, 8, NOW, link="delivered", command_id=1)) == Moves()
    assert respond([command], CommandResponse(3, 7, NOW, link="delivered", command_id=1)).moves[1].delivered_us == NOW


def test_responses_count_in_the_order_in_which_they_were_received() -> None:
    seen = CommandResponse(3, 7, NOW + 5, link="delivered", command_id=1)
    for responses in ((answer(0), seen), (seen, answer(0))):
        moves = respond([held(State.SENT)], *responses)
        assert [note.event for note in moves.notes] == ["done"]
    moves = respond([held(State.SENT)], replace(seen, received_us=NOW - 1), answer(0, points={"register": 5}))
    assert [note.event for note in moves.notes] == ["deliver", "done"]
    assert (moves.moves[1].result, moves.moves[1].answer, moves.moves[1].reason) == (0, {"register": 5}, "done")
    # of one instant the meter's word is the stronger one
    assert [note.event for note in respond([held(State.SENT)], replace(seen, received_us=NOW), answer(0)).notes] == [
        "done"
    ]


@pytest.mark.parametrize("state", list(State))
def test_parts_of_answers_are_kept_of_what_was_sent_and_decide_nothing(state: State) -> None:
    part = answer(None, settings=dict(VALUES), log=(0, 2, "x" * 5000))
    moves = respond([held(state)], part)
    asked = state not in {State.DRAFTED, State.QUARANTINED, State.APPROVED, State.QUEUED, State.CANCELLED}
    assert moves.moves == {}
    assert [(note.event, note.state, len(note.detail)) for note in moves.notes] == [("log", state, 4000)] * asked
    assert [report.values for report in moves.reports.values()] == [VALUES] * asked


def test_a_newer_setting_calls_off_older_unsent_ones_of_its_slot() -> None:
    def draft(command_id: int, slot: str, meter_id: int = 7) -> Drafted:
        return Drafted(command_id, 3, meter_id, 1, Kind.SET_PARAMETERS, slot, State.APPROVED, f"k{command_id}", 1)

    unsent = [
        replace(draft(number, slot), state=State.QUEUED)
        for number, slot in ((1, "report_time"), (2, "freeze_period"), (3, "report_time"), (9, "report_time"))
    ]
    drafts = [draft(3, "report_time"), draft(5, "report_time"), draft(6, ""), draft(8, "freeze_period", meter_id=8)]
    changes = changes_of_newer(drafts, unsent, NOW)
    assert [(change.command_id, change.event, change.detail) for change in changes] == [
        (1, Event.CANCEL, "replaced_by 5"), (3, Event.CANCEL, "replaced_by 5"),
    ]  # fmt: skip


happened = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(Event), st.booleans(), st.sampled_from(["", "why"])), max_size=40
)


@given(st.lists(st.sampled_from(State), min_size=3, max_size=3), happened)
def test_a_set_of_changes_means_what_one_after_the_other_means(
    states: list[State], events: list[tuple[int, Event, bool, str]]
) -> None:
    commands = [
        held(state, number, number % 2, Kind.SET_PARAMETERS, {"values": {f"p{number}": number}})
        for number, state in enumerate(states, 1)
    ]
    changes = [
        Change(command_id, event, NOW + n, "meter", detail, n, bytes([n]) if full else None, None, n, {"n": n})
        for n, (command_id, event, full, detail) in enumerate(events)
    ]
    together, apart = HeldCommands(commands), HeldCommands(commands)
    moves = together.apply_changes(changes)
    left = [command_id for change in changes for command_id in apart.apply_changes([change]).sent]
    assert together.rows == apart.rows
    assert together.notes == apart.notes
    assert together.shadow == apart.shadow
    # what may leave was sent, and is not at its end
    assert moves.sent == [number for number in left if together.rows[number].state in SENDABLE]
    for command in commands:  # and the table of states alone says where each stands
        state = command.state
        for change in changes:
            if change.command_id == command.command_id:
                state, outcome = advance(state, change.event)
                assert outcome is not Outcome.MOVED or state in CHANGES
        assert together.rows[command.command_id].state is state
        assert (together.rows[command.command_id].ended_us is not None) >= (
            state in ENDS and state is not command.state
        )


# safety closings ---------------------------------------------------------------------------------------------------------


def closing(state: State) -> HeldCommand:
    return held(state, kind=Kind.SAFETY_CLOSE, params={"reason": 1, "evidence": "smell of gas"})


def told(moves: Moves) -> tuple[list[str], list[tuple[str, str]]]:
    return [move.event.value for move in moves.closings], [(alarm.event, alarm.action) for alarm in moves.alarms]


def test_a_safety_closing_is_announced_when_it_is_asked_for_and_stands_when_it_is_allowed() -> None:
    assert told(one(closing(State.DRAFTED), Event.QUARANTINE)) == ([], [("safety_closing", "raised")])
    assert told(one(closing(State.QUARANTINED), Event.APPROVE)) == (["ordered"], [("safety_closing", "raised")])
    assert told(one(closing(State.SENT), Event.DONE)) == (["closed"], [("safety_close_failed", "cleared")])
    assert told(one(closing(State.FAILED), Event.DONE)) == (["closed"], [("safety_close_failed", "cleared")])


@pytest.mark.parametrize("event", [Event.DECLINE, Event.TOO_LATE, Event.LAPSE])
def test_a_safety_closing_that_was_not_carried_out_is_an_alarm_of_its_own(event: Event) -> None:
    assert told(one(closing(State.SENT), event)) == (["failed"], [("safety_close_failed", "raised")])
    assert told(one(held(State.SENT, kind=Kind.VALVE_CLOSE), event)) == ([], [])


def test_one_to_which_nobody_agreed_is_told_and_stands_nowhere() -> None:
    assert told(one(closing(State.QUARANTINED), Event.LAPSE)) == ([], [("safety_close_failed", "raised")])
    assert told(one(closing(State.DRAFTED), Event.LAPSE)) == ([], [])  # a sign-in that the signer refused
    assert told(one(closing(State.DRAFTED), Event.REFUSE)) == ([], [])  # whoever asked was told
    assert told(one(closing(State.QUEUED), Event.REFUSE)) == (["failed"], [("safety_close_failed", "raised")])


def test_its_alarms_are_as_points_toml_says() -> None:
    events = vocabulary().events
    for name in (ANNOUNCED, NOT_DONE, OPENED):
        assert events[name].severity == SEVERITY
