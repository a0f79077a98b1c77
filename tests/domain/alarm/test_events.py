# SPDX-License-Identifier: Apache-2.0
"""Alarms from event flags."""

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.alarm import Action, EventKind, EventState, Heard, hear, transitions

KINDS = {0: EventKind("over_flow", "critical"), 3: EventKind("low_battery", "minor")}


def test_raised_repeated_cleared() -> None:
    state, changes = hear(EventState(), Heard(0b1001, 0b1000, 100, 7, is_alarm=True), KINDS)
    assert [(c.event, c.severity, c.action, c.raised_at, c.received_us) for c in changes] == [
        ("low_battery", "minor", Action.RAISED, 100, 7)
    ]
    state, changes = hear(state, Heard(0b1001, 0b1000, 110, 8, is_alarm=True), KINDS)
    assert [c.action for c in changes] == [Action.REPEATED]
    state, changes = hear(state, Heard(0b1001, 0b1000, 120, 9), KINDS)  # the same in a report: nothing new
    assert changes == []
    state, changes = hear(state, Heard(0b1001, 0, 130, 10), KINDS)
    assert [(c.bit, c.action) for c in changes] == [(3, Action.CLEARED)]
    assert state == EventState(0, 130)


def test_an_alarm_whose_message_was_lost_rises_from_the_report() -> None:
    """R1.6"""
    _, changes = hear(EventState(), Heard(0b1001, 0b0001, 100, 7), KINDS)
    assert [(c.event, c.action) for c in changes] == [("over_flow", Action.RAISED)]


def test_an_older_message_clears_nothing_and_loses_nothing() -> None:
    state = EventState(0b1000, 200)
    state, changes = hear(state, Heard(0b1001, 0b0001, 100, 7, raised_at=90), KINDS)
    assert [(c.event, c.action, c.raised_at) for c in changes] == [("over_flow", Action.RAISED, 90)]
    assert state == EventState(0b1001, 200)


def test_bits_a_message_does_not_speak_of_stay() -> None:
    assert transitions(0b10, 0b01, 0b00) == []
    assert transitions(0b00, 0b01, 0b10) == []


def test_unknown_event_is_named_by_its_number() -> None:
    (change,) = transitions(0, 1 << 62, 1 << 62, KINDS)
    assert (change.event, change.severity) == ("event_62", "major")


MASKS = st.integers(0, 2**63 - 1)


@given(
    st.lists(st.builds(Heard, MASKS, MASKS, st.integers(0, 9), st.integers(0, 9), is_alarm=st.booleans()), max_size=12)
)
def test_open_alarms_are_the_active_events(messages: list[Heard]) -> None:
    """Every event is raised before it is repeated or cleared, and never twice; the same message again only repeats."""
    state, still_open = EventState(), set[int]()
    for message in messages:
        before = state.at
        state, changes = hear(state, message, KINDS)
        for change in changes:
            if change.action is Action.RAISED:
                assert change.bit not in still_open
                still_open.add(change.bit)
            else:
                assert change.bit in still_open
                assert change.action is Action.REPEATED or message.device_at >= before
                still_open -= {change.bit} if change.action is Action.CLEARED else set()
        assert still_open == {bit for bit in range(63) if state.active >> bit & 1}
        again, more = hear(state, message, KINDS)
        assert again == state
        assert all(change.action is Action.REPEATED for change in more)
