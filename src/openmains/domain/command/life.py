# SPDX-License-Identifier: Apache-2.0
"""The life of a command as a table: state × event → state. Every pair is in the table; what it does not name is harmless.

    drafted      written down, not yet allowed
    quarantined  over a quota or refused for now: a second person looks at it
    approved     allowed; waits for its turn in its lane
    queued       next in its lane: goes out in the meter's next window
    sent         given to the radio at least once; whether the meter has it is unknown
    delivered    the meter's module has it; whether it is done is unknown
    asking       its validity is over and no answer came: the same frame goes out again, which the meter cannot apply any
                 more but must answer with 'already done' or 'expired' (R1.11)
    confirmed, failed, expired, cancelled   the end

Two rules follow from 'no answer is not a no': a command that was sent once can never be cancelled or go back to
``queued``, and after an end that the platform guessed (``failed``) the meter's own word still counts. A word that
contradicts a certain end is ``CONTRADICTION``: the state stays, and a person is told.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a command stands."""

    DRAFTED = "drafted"
    QUARANTINED = "quarantined"
    APPROVED = "approved"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    ASKING = "asking"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to it."""

    APPROVE = "approve"  # rules, quotas and people allow it
    QUARANTINE = "quarantine"  # over a quota
    REFUSE = "refuse"  # a rule forbids it for good
    QUEUE = "queue"  # its turn in its lane
    CANCEL = "cancel"  # a person, or a newer setting that replaces it
    SEND = "send"  # handed to the radio, again or for the first time
    DELIVER = "deliver"  # the link says the meter's module has it
    LOSE = "lose"  # the link says it did not arrive, or nobody answered in time
    GIVE_UP = "give_up"  # attempts used up, or nobody told within the grace
    LAPSE = "lapse"  # its validity is over
    DONE = "done"  # the meter: done, or already done
    DECLINE = "decline"  # the meter: refused, for a reason it names
    TOO_LATE = "too_late"  # the meter: expired before it was applied


S, E = State, Event
ENDS = frozenset({S.CONFIRMED, S.FAILED, S.EXPIRED, S.CANCELLED})
SENDABLE = frozenset({S.QUEUED, S.SENT, S.DELIVERED, S.ASKING})
"""States in which a frame may go out."""
NEVER_SENT = frozenset({S.DRAFTED, S.QUARANTINED, S.APPROVED, S.QUEUED})
"""Open states in which no byte of it has left the house."""

CHANGES: Mapping[State, Mapping[Event, State]] = {
    S.DRAFTED: {
        E.APPROVE: S.APPROVED, E.QUARANTINE: S.QUARANTINED, E.REFUSE: S.FAILED, E.CANCEL: S.CANCELLED, E.LAPSE: S.EXPIRED,
    },
    S.QUARANTINED: {E.APPROVE: S.APPROVED, E.REFUSE: S.FAILED, E.CANCEL: S.CANCELLED, E.LAPSE: S.EXPIRED},
    S.APPROVED: {E.QUEUE: S.QUEUED, E.REFUSE: S.FAILED, E.CANCEL: S.CANCELLED, E.LAPSE: S.EXPIRED},
    S.QUEUED: {E.SEND: S.SENT, E.REFUSE: S.FAILED, E.CANCEL: S.CANCELLED, E.LAPSE: S.EXPIRED},
    S.SENT: {
        E.SEND: S.SENT, E.DELIVER: S.DELIVERED, E.LOSE: S.SENT, E.GIVE_UP: S.FAILED, E.LAPSE: S.ASKING,
        E.DONE: S.CONFIRMED, E.DECLINE: S.FAILED, E.TOO_LATE: S.EXPIRED,
    },
    S.DELIVERED: {
        E.SEND: S.DELIVERED, E.DELIVER: S.DELIVERED, E.LOSE: S.DELIVERED, E.GIVE_UP: S.FAILED, E.LAPSE: S.ASKING,
        E.DONE: S.CONFIRMED, E.DECLINE: S.FAILED, E.TOO_LATE: S.EXPIRED,
    },
    S.ASKING: {
        E.SEND: S.ASKING, E.DELIVER: S.ASKING, E.LOSE: S.ASKING, E.LAPSE: S.ASKING, E.GIVE_UP: S.FAILED,
        E.DONE: S.CONFIRMED, E.DECLINE: S.FAILED, E.TOO_LATE: S.EXPIRED,
    },
    S.CONFIRMED: {E.DONE: S.CONFIRMED},
    S.FAILED: {E.DONE: S.CONFIRMED, E.DECLINE: S.FAILED, E.TOO_LATE: S.FAILED},
    S.EXPIRED: {E.TOO_LATE: S.EXPIRED},
    S.CANCELLED: {},
}  # fmt: skip

_METERS_WORD = frozenset({E.DONE, E.DECLINE, E.TOO_LATE})


class Outcome(StrEnum):
    """What an event did."""

    MOVED = "moved"  # to another state, or a counted repetition in the same one
    IGNORED = "ignored"  # late, repeated, or not possible here: nothing happens
    CONTRADICTION = "contradiction"  # the meter says what cannot be: stays, and is told to people


def advance(state: State, event: Event) -> tuple[State, Outcome]:
    """Next state; total over all pairs."""
    following = CHANGES[state].get(event)
    if following is not None:
        return following, Outcome.MOVED
    if event in _METERS_WORD and (state in NEVER_SENT or state is S.CANCELLED):
        return state, Outcome.CONTRADICTION  # an answer to what was never sent: forged, or a serial used twice
    if event is E.DONE and state is S.EXPIRED:
        return state, Outcome.CONTRADICTION  # done after it said that it would not
    return state, Outcome.IGNORED


RESULT_EVENTS: Mapping[int, tuple[Event, str]] = {
    0: (E.DONE, "done"),
    1: (E.DECLINE, "refused"),
    2: (E.DONE, "already_done"),
    3: (E.TOO_LATE, "expired"),
    4: (E.DECLINE, "bad_mac"),
    5: (E.DECLINE, "unknown_kind"),
    6: (E.DECLINE, "out_of_range"),
    7: (E.DECLINE, "counter_too_low"),
}
"""The meter's result code (docs/protocols/openmains-commands.md) → event and reason."""


def event_of_result(code: int) -> tuple[Event, str]:
    """Event and reason of a meter's result; a code nobody knows is a refusal."""
    return RESULT_EVENTS.get(code, (E.DECLINE, f"result_{code}"))


def drawing() -> str:
    """The table as a Mermaid state diagram for the docs; repetitions within a state are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.DRAFTED}"]
    for state, row in CHANGES.items():
        targets: dict[State, list[Event]] = {}
        for event, following in row.items():
            if following is not state:
                targets.setdefault(following, []).append(event)
        for following, events in targets.items():
            lines.append(f"    {state} --> {following}: {', '.join(events)}")
    lines += [f"    {state} --> [*]" for state in State if state in ENDS]
    return "\n".join(lines)


def table() -> str:
    """Every state and event as a Markdown table: the next state, '·' ignored, '!' a contradiction."""
    marks = {Outcome.IGNORED: "·", Outcome.CONTRADICTION: "!"}
    head = "| state | " + " | ".join(Event) + " |"
    rows = [head, "|---" * (len(Event) + 1) + "|"]
    for state in State:
        cells = []
        for event in Event:
            following, outcome = advance(state, event)
            cells.append(marks.get(outcome, str(following)))
        rows.append(f"| **{state}** | " + " | ".join(cells) + " |")
    return "\n".join(rows)
