# SPDX-License-Identifier: Apache-2.0
"""The life of an alarm, and of a group of alarms, as a table: state × step → state (R7.2). What it does not name is refused by name.

    raised        stored; nobody has been shown it yet
    shown         a person's channel said that it is before somebody's eyes: the console's browser, an app, a read receipt (R7.1)
    acknowledged  a named person looks after it
    dispatched    somebody is on the way, or a work order has been made of it
    cleared       over: the meter said so, or a person with a reason
    reopened      a person found that it was not over; they know of it, so nobody has to be shown it again

The meter's own words take the same way: what it clears is cleared in whatever state, what it raises again after that is another alarm.
What happens is told to whoever listens as ``AlarmNews`` – one for a group whatever the number of its members, none for a member and
none for an alarm that is muted – out of the table ``alarm_event``, which is written in the transaction of the change itself.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class AlarmState(StrEnum):
    """Where an alarm or a group of alarms stands."""

    RAISED = "raised"
    SHOWN = "shown"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    CLEARED = "cleared"
    REOPENED = "reopened"


class AlarmStep(StrEnum):
    """What can be done with it."""

    SHOW = "show"
    ACKNOWLEDGE = "acknowledge"
    DISPATCH = "dispatch"
    RECALL = "recall"  # nobody is on the way any more
    CLEAR = "clear"
    REOPEN = "reopen"


class AlarmNews(StrEnum):
    """What others are told of an alarm or of a group."""

    RAISED = "raised"  # an alarm that stands alone
    GROUPED = "grouped"  # many of one kind in one place became one group: the group's own 'raised'
    SHOWN = "shown"
    MISSED = "missed"  # nobody was shown it in time (R7.1)
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    RECALLED = "recalled"
    CLEARED = "cleared"
    REOPENED = "reopened"


S, E = AlarmState, AlarmStep
OPEN: Final = frozenset(AlarmState) - {S.CLEARED}
SHOWN_WITHIN_S: Final = 20  # from the meter's message at the edge to a person's eyes (R7.1)
CHANGES: Final[Mapping[AlarmState, Mapping[AlarmStep, AlarmState]]] = {
    S.RAISED: {E.SHOW: S.SHOWN, E.ACKNOWLEDGE: S.ACKNOWLEDGED, E.DISPATCH: S.DISPATCHED, E.CLEAR: S.CLEARED},
    S.SHOWN: {E.SHOW: S.SHOWN, E.ACKNOWLEDGE: S.ACKNOWLEDGED, E.DISPATCH: S.DISPATCHED, E.CLEAR: S.CLEARED},
    S.ACKNOWLEDGED: {E.SHOW: S.ACKNOWLEDGED, E.DISPATCH: S.DISPATCHED, E.CLEAR: S.CLEARED},
    S.DISPATCHED: {E.SHOW: S.DISPATCHED, E.RECALL: S.ACKNOWLEDGED, E.CLEAR: S.CLEARED},
    S.CLEARED: {E.SHOW: S.CLEARED, E.REOPEN: S.REOPENED},
    S.REOPENED: {E.SHOW: S.REOPENED, E.ACKNOWLEDGE: S.ACKNOWLEDGED, E.DISPATCH: S.DISPATCHED, E.CLEAR: S.CLEARED},
}  # fmt: skip
NEWS: Final[Mapping[AlarmStep, AlarmNews]] = {
    E.SHOW: AlarmNews.SHOWN,
    E.ACKNOWLEDGE: AlarmNews.ACKNOWLEDGED,
    E.DISPATCH: AlarmNews.DISPATCHED,
    E.RECALL: AlarmNews.RECALLED,
    E.CLEAR: AlarmNews.CLEARED,
    E.REOPEN: AlarmNews.REOPENED,
}
"""What a step is told as."""


class WrongStepError(Exception):
    """A step that the table does not know in this state; names both."""

    def __init__(self, state: AlarmState, step: AlarmStep) -> None:
        super().__init__(f"an alarm that is {state} has no step {step}")
        self.state, self.step = state, step


def advance(state: AlarmState, step: AlarmStep) -> AlarmState:
    """The next state. Raises ``WrongStepError`` for what the table does not name."""
    following = CHANGES[state].get(step)
    if following is None:
        raise WrongStepError(state, step)
    return following


def drawing() -> str:
    """The table as a Mermaid state diagram for the docs; what leaves the state as it is is left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.RAISED}"]
    for state, row in CHANGES.items():
        lines += [f"    {state} --> {after}: {step}" for step, after in row.items() if after is not state]
    return "\n".join([*lines, f"    {S.CLEARED} --> [*]"])


def table() -> str:
    """Every state and step as a Markdown table: the next state, '·' refused."""
    rows = ["| state | " + " | ".join(AlarmStep) + " |", "|---" * (len(AlarmStep) + 1) + "|"]
    for state in AlarmState:
        rows.append(f"| **{state}** | " + " | ".join(CHANGES[state].get(step, "·") for step in AlarmStep) + " |")
    return "\n".join(rows)
