# SPDX-License-Identifier: Apache-2.0
"""What becomes of a command to a gateway, purely: what time brings, and what the gateway says. The life is every command's
(``domain/command/life.py``).

A gateway is there all day, so nothing waits for a window: the oldest command of a gateway that was not given to it yet goes out as soon as it
is heard, and again every ``AGAIN_S`` until the gateway says that it has ended. It knows each by its number and does it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openmains.domain.command.life import NEVER_SENT, SENDABLE, Event, Outcome, State, advance
from openmains.wire.gateway.messages import ParametersWord
from openmains.wire.gateway.parameters import Value

AGAIN_S: Final = 30
GRACE_S: Final = 7 * 86_400  # after its end an unanswered command is asked about for so long
IN_LANE: Final = frozenset({State.APPROVED, State.QUEUED, State.SENT, State.DELIVERED})
CONTRADICTION: Final = "contradiction"  # detail of a word against how it ended: noted, and changes nothing
_S: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """``detail``: for the history."""

    state: State
    event: Event
    reason: str = ""
    named: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """``not_after`` in s; ``tried_us``: when it was given to the gateway last."""

    command_id: int
    concentrator_id: int
    state: State
    kind: str
    parameters: Mapping[str, Value]
    not_after: int
    tried_us: int | None


def due(command: OpenCommand, now_us: int, *, is_first: bool, is_heard: bool, is_stopped: bool) -> list[Step]:
    """What time brings, in order; a SEND is to be followed by the sending. ``is_first``: of its gateway's ``IN_LANE``."""
    steps: list[Step] = []
    state, now_s = command.state, now_us // _S
    if now_s >= command.not_after:
        if state in NEVER_SENT:
            return [_step(state, Event.LAPSE, "not_sent")]
        if state is not State.ASKING:
            steps.append(_step(state, Event.LAPSE))
        elif now_s >= command.not_after + GRACE_S:
            return [_step(state, Event.GIVE_UP, "no_answer")]
    elif state is State.APPROVED and is_first:
        steps.append(_step(state, Event.QUEUE))
    state = steps[-1].state if steps else state
    may_go = state in SENDABLE and (is_first or state is State.ASKING)
    is_time = command.tried_us is None or now_us - command.tried_us >= AGAIN_S * _S
    if may_go and is_time and is_heard and not is_stopped:
        steps.append(_step(state, Event.SEND))
    return steps


def answered(command: OpenCommand, word: ParametersWord) -> Step | None:
    """What the gateway said to it; None where that changes nothing."""
    event, reason, named = _meaning(command, word)
    state, outcome = advance(command.state, event)
    if outcome is Outcome.IGNORED or (outcome is Outcome.MOVED and state is command.state):
        return None
    detail = CONTRADICTION if outcome is Outcome.CONTRADICTION else ""
    return Step(state, event, "" if state is State.DELIVERED else reason, named, detail)


def moved(state: State, event: Event, reason: str = "", detail: str = "") -> Step | None:
    """A person's act; None where it cannot be any more."""
    following, outcome = advance(state, event)
    return Step(following, event, reason, "", detail) if outcome is Outcome.MOVED and following is not state else None


def _meaning(command: OpenCommand, word: ParametersWord) -> tuple[Event, str, str]:
    if word.state == "taken":
        return Event.DELIVER, "", ""
    if word.state == "too_late":
        return Event.TOO_LATE, "expired", ""
    if word.state == "refused":
        return Event.DECLINE, word.reason or "refused", word.name
    for name, value in command.parameters.items():
        if word.values.get(name) != value:
            return Event.DECLINE, "not_as_set", name
    return Event.DONE, "done", ""


def _step(state: State, event: Event, reason: str = "") -> Step:
    return Step(advance(state, event)[0], event, reason)
