# SPDX-License-Identifier: Apache-2.0
"""The driver of the table of states (``domain.command.life``): what is to be written when something happens to commands.

    held       the commands as the store locked them
    changes    what happened, in order: from the dispatcher, from time, from people, from the signer
    responses  what meters said of commands and links saw of them; ``changes_of`` says which change each is
    Moves      sets of rows to write, at most one a command, and a meter's shadow once

Pure: a store only locks, loads and writes what is returned here, one statement a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from openmains.app.command.closings import ClosingMove, closing_of
from openmains.app.command.ports import Change, CommandResponse, Drafted, HeldCommand
from openmains.app.command.results import LINK_EVENTS
from openmains.app.ingest.model import AlarmChange
from openmains.domain.command.kinds import SETTINGS, Kind
from openmains.domain.command.life import ENDS, NEVER_SENT, SENDABLE, Event, Outcome, State, advance, event_of_result
from openmains.domain.command.order import replaced_by, settings_of
from openmains.domain.ids import CommandId, MeterId, TenantId

DETAIL_MOST, LOG_MOST = 500, 4000  # letters of a note
_UNASKED = NEVER_SENT | {State.CANCELLED}


class Move(Struct):
    """What becomes of one command; None and '' leave what is there. ``sends``: attempts to add. Of ``frame``, ``counter``,
    ``sent_us`` and ``delivered_us`` the first one ever stays (every repeat is the same bytes), of the rest the last one: a
    meter may answer after it was given up."""

    command_id: CommandId
    state: State
    sends: int = 0
    due_at: int | None = None  # s
    frame: bytes | None = None
    counter: int | None = None
    result: int | None = None
    answer: Mapping[str, int] | None = None
    reason: str = ""
    sent_us: int | None = None
    delivered_us: int | None = None
    ended_us: int | None = None


class Note(Struct, frozen=True):
    """A line of a command's history; ``state`` is the one after it."""

    tenant_id: TenantId
    command_id: CommandId
    at_us: int
    event: str
    state: State
    actor: str
    detail: str


class ShadowReport(Struct, frozen=True):
    """What a meter is set to, by its own word; put over what was known."""

    meter_id: MeterId
    values: Mapping[str, Any]
    at_us: int


@dataclass(slots=True)
class Moves:
    """Sets of rows to write. ``sent``: commands whose frame may leave once this is on disk. ``closings``, ``alarms``: of safety
    closings, in their order."""

    moves: dict[int, Move] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    reports: dict[int, ShadowReport] = field(default_factory=dict)
    sent: list[CommandId] = field(default_factory=list)
    closings: list[ClosingMove] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)

    @property
    def waiting(self) -> list[Move]:
        """Those that still wait; what has ended waits no more (trigger ``command_ended``)."""
        return [move for move in self.moves.values() if move.state in SENDABLE]

    def report(self, meter_id: MeterId, values: Mapping[str, Any], at_us: int) -> None:
        """The later word of a meter goes over its earlier one."""
        before = self.reports.get(meter_id)
        merged = {**before.values, **values} if before else dict(values)
        self.reports[meter_id] = ShadowReport(meter_id, merged, at_us)


def step(held: Mapping[CommandId, HeldCommand], changes: Iterable[Change]) -> Moves:
    """What the table of states makes of the changes, in their order. A change of a command that is not held is none."""
    found = Moves()
    states = {command_id: command.state for command_id, command in held.items()}
    taken: list[CommandId] = []
    for change in changes:
        command = held.get(change.command_id)
        if command is None:
            continue
        before = states[change.command_id]
        after, outcome = advance(before, change.event)
        if outcome is Outcome.IGNORED or _says_its_end_again(before, after, outcome):
            continue
        event = change.event.value if outcome is Outcome.MOVED else f"contradiction:{change.event}"
        found.notes.append(
            Note(
                command.tenant_id, change.command_id, change.at_us, event, after, change.actor,
                change.detail[:DETAIL_MOST],
            )
        )  # fmt: skip
        if outcome is not Outcome.MOVED:
            continue
        states[change.command_id] = after
        _merge(found.moves, change, before, after)
        closing, alarm = closing_of(command, change, before)
        found.closings += [closing] if closing is not None else []
        found.alarms += [alarm] if alarm is not None else []
        if change.event is Event.SEND:
            taken.append(change.command_id)
        if after is State.CONFIRMED and command.kind in SETTINGS and (values := settings_of(command.params)):
            found.report(command.meter_id, values, change.at_us)
    found.sent = [command_id for command_id in taken if states[command_id] in SENDABLE]
    return found


def step_responses(held: Mapping[CommandId, HeldCommand], responses: Sequence[CommandResponse]) -> Moves:
    """What the words of meters and links do, in the order they were received; parts of answers come last."""
    by_serial = {(command.meter_id, command.serial): command for command in held.values() if command.serial is not None}
    found = step(held, changes_of(held, by_serial, responses))
    for response in responses:
        if response.prices and not response.link:  # what the meter holds, whoever asked and whatever became of that
            found.report(response.meter_id, response.prices, response.received_us)
        command = by_serial.get((response.meter_id, response.serial))
        if not response.link and response.code is None and command is not None and command.state not in _UNASKED:
            _keep_part(found, command, response)
    return found


def changes_of(
    held: Mapping[CommandId, HeldCommand],
    by_serial: Mapping[tuple[MeterId, int], HeldCommand],
    responses: Sequence[CommandResponse],
) -> list[Change]:
    """Which change each response is, by time. One about a command that is not there, or is another meter's, is none."""
    changes: list[Change] = []
    for response in responses:
        if response.link:
            command = held.get(response.command_id)
            if command is not None and command.meter_id == response.meter_id:
                event = LINK_EVENTS[response.link]
                changes.append(Change(command.command_id, event, response.received_us, "link", response.detail))
        elif response.code is not None:
            command = by_serial.get((response.meter_id, response.serial))
            if command is not None:
                event, reason = event_of_result(response.code)
                changes.append(
                    Change(
                        command.command_id, event, response.received_us, "meter", reason, result=response.code,
                        answer=response.points,
                    )
                )  # fmt: skip
    # of one instant the meter's word comes before the link's
    return sorted(changes, key=lambda change: (change.at_us, change.actor != "meter"))


def changes_of_newer(drafts: Sequence[Drafted], unsent: Sequence[Drafted], now_us: int) -> list[Change]:
    """Unsent older settings that these make void, each called off by the newest that does."""
    older: dict[MeterId, list[tuple[CommandId, Kind, str, State]]] = {}
    for item in unsent:
        older.setdefault(item.meter_id, []).append((item.command_id, item.kind, item.slot, item.state))
    changes: dict[CommandId, Change] = {}
    for draft in drafts:
        if not draft.slot:
            continue
        before = [item for item in older.get(draft.meter_id, ()) if item[0] < draft.command_id]
        for command_id in replaced_by(draft.kind, draft.slot, before):
            detail = f"replaced_by {draft.command_id}"
            changes[command_id] = Change(command_id, Event.CANCEL, now_us, "platform", detail)
    return list(changes.values())


def _says_its_end_again(before: State, after: State, outcome: Outcome) -> bool:
    """A repeat of the word that ended it: not even history."""
    return outcome is Outcome.MOVED and before in ENDS and after is before


def _merge(moves: dict[int, Move], change: Change, before: State, after: State) -> None:
    """One row a command, whatever happened to it."""
    move = moves.get(change.command_id)
    if move is None:
        move = moves[change.command_id] = Move(change.command_id, after)
    move.state = after
    if change.event is Event.SEND:
        move.sends += 1
        if move.sent_us is None:
            move.sent_us = change.at_us
    if after is State.DELIVERED and move.delivered_us is None:
        move.delivered_us = change.at_us
    if after in ENDS:
        move.ended_us = change.at_us
    if move.frame is None:
        move.frame = change.frame
    if move.counter is None:
        move.counter = change.counter
    if change.result is not None:
        move.result = change.result
    if change.due_at is not None:
        move.due_at = change.due_at
    if change.answer:
        move.answer = change.answer
    if change.detail and after is not before:
        move.reason = change.detail[:DETAIL_MOST]


def _keep_part(found: Moves, command: HeldCommand, response: CommandResponse) -> None:
    """Settings go into the shadow, lines of a log into the command's history. They decide nothing."""
    if response.settings:
        found.report(response.meter_id, response.settings, response.received_us)
    if response.log is not None:
        part, of, text = response.log
        detail = f"{part}/{of}\n{text}"[:LOG_MOST]
        found.notes.append(
            Note(
                response.tenant_id, command.command_id, response.received_us, "log", command.state, "meter", detail
            )
        )  # fmt: skip
