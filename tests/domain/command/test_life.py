# SPDX-License-Identifier: Apache-2.0
"""The life of a command: the table is complete, ends are ends, and what was sent can never be taken back."""

from itertools import product

import pytest

from openmains.domain.command.life import CHANGES, ENDS, RESULT_EVENTS, Event, Outcome, State, advance, event_of_result

SENT_ONCE = {State.SENT, State.DELIVERED, State.ASKING}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_event_in_every_state_has_an_answer(state: State, event: Event) -> None:
    after, outcome = advance(state, event)
    assert after in State
    assert outcome in Outcome
    if outcome is not Outcome.MOVED:
        assert after is state


def test_the_table_names_every_state_and_every_state_can_be_reached() -> None:
    assert set(CHANGES) == set(State)
    reached, new = {State.DRAFTED}, {State.DRAFTED}
    while new:
        new = {after for state in new for after in CHANGES[state].values()} - reached
        reached |= new
    assert reached == set(State)


def test_every_open_state_ends_by_time_alone() -> None:
    for state in set(State) - ENDS:
        for _ in range(3):
            state = advance(state, Event.LAPSE)[0]
            state = advance(state, Event.GIVE_UP)[0]
        assert state in ENDS


def test_what_was_sent_is_never_queued_or_cancelled_again() -> None:
    for state in SENT_ONCE:
        assert not {State.QUEUED, State.CANCELLED, State.APPROVED, State.DRAFTED} & set(CHANGES[state].values())


def test_only_the_meter_confirms() -> None:
    for state, row in CHANGES.items():
        for event, after in row.items():
            if after is State.CONFIRMED:
                assert event is Event.DONE, state


def test_the_meters_word_counts_after_the_platform_gave_up() -> None:
    assert advance(State.FAILED, Event.DONE) == (State.CONFIRMED, Outcome.MOVED)


@pytest.mark.parametrize("state", [State.DRAFTED, State.QUARANTINED, State.APPROVED, State.QUEUED, State.CANCELLED])
def test_an_answer_to_what_was_never_sent_is_told_and_moves_nothing(state: State) -> None:
    for event in (Event.DONE, Event.DECLINE, Event.TOO_LATE):
        assert advance(state, event) == (state, Outcome.CONTRADICTION)


def test_results_of_the_meter() -> None:
    assert {code: event for code, (event, _) in RESULT_EVENTS.items()} == {
        0: Event.DONE, 1: Event.DECLINE, 2: Event.DONE, 3: Event.TOO_LATE, 4: Event.DECLINE, 5: Event.DECLINE,
        6: Event.DECLINE, 7: Event.DECLINE,
    }  # fmt: skip
    assert event_of_result(200) == (Event.DECLINE, "result_200")
