# SPDX-License-Identifier: Apache-2.0
"""Safety closings: what happens to such a command as the meter's standing state, and as alarms that everybody on shift sees.

    ordered   allowed by the signer: from here on the meter counts as closed for safety, whatever becomes of the frame
    closed    the meter said that it has shut
    failed    it did not, or nobody knows: somebody must go there

The alarm is raised when the closing is asked for, not when it is done: who must agree, and who will stand before the house, hear of
it at once. All of it is decided here, and written in the transaction of the command's own step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openmains.app.command.ports import Change, HeldCommand
from openmains.app.ingest.model import AlarmChange
from openmains.domain.command.kinds import Kind
from openmains.domain.command.life import Event, State
from openmains.domain.ids import CommandId

ANNOUNCED, NOT_DONE, OPENED = "safety_closing", "safety_close_failed", "safety_opened"
"""Events of points.toml. The last one is raised by the database when the meter's valve is said to be open (migration 0019)."""
SEVERITY = "critical"
_ALLOWED = frozenset({State.APPROVED, State.QUEUED, State.SENT, State.DELIVERED, State.ASKING})


class ClosingEvent(StrEnum):
    """What a command does to the standing closing of its meter."""

    ORDERED = "ordered"
    CLOSED = "closed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ClosingMove:
    """One of these, at an instant (µs)."""

    command_id: CommandId
    event: ClosingEvent
    at_us: int


_EFFECTS: Mapping[Event, tuple[ClosingEvent | None, str, str]] = {
    Event.QUARANTINE: (None, ANNOUNCED, "raised"),  # it waits for a second person
    Event.APPROVE: (ClosingEvent.ORDERED, ANNOUNCED, "raised"),
    Event.DONE: (ClosingEvent.CLOSED, NOT_DONE, "cleared"),
    Event.REFUSE: (ClosingEvent.FAILED, NOT_DONE, "raised"),
    Event.DECLINE: (ClosingEvent.FAILED, NOT_DONE, "raised"),
    Event.TOO_LATE: (ClosingEvent.FAILED, NOT_DONE, "raised"),
    Event.LAPSE: (ClosingEvent.FAILED, NOT_DONE, "raised"),
    Event.GIVE_UP: (ClosingEvent.FAILED, NOT_DONE, "raised"),
}


def closing_of(command: HeldCommand, change: Change, before: State) -> tuple[ClosingMove | None, AlarmChange | None]:
    """What a step of this command does beside the step; nothing for other kinds. A closing that nobody ever allowed has not
    failed: whoever asked for it was told."""
    effect = _EFFECTS.get(change.event) if command.kind is Kind.SAFETY_CLOSE else None
    if effect is None:
        return None, None
    event, alarm, action = effect
    waited_in_vain = change.event is Event.LAPSE and before is State.QUARANTINED
    if event is ClosingEvent.FAILED and before not in _ALLOWED and not waited_in_vain:
        return None, None
    move = None if event is None or waited_in_vain else ClosingMove(command.command_id, event, change.at_us)
    said = AlarmChange(
        command.tenant_id, command.meter_id, alarm, SEVERITY, action, change.at_us // 1_000_000, change.at_us
    )
    return move, said
