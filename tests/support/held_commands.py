# SPDX-License-Identifier: Apache-2.0
"""Commands in a list: rows to which what ``app.command.step`` returns is written, as the store's statements write it.

It holds and hands out, and decides nothing: who is due, what a state becomes and when a time is over is asked of the program's
own code, as in the program.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.app.command.ports import Change, CommandResponse, Drafted, HeldCommand, OpenCommand, TimedCommand
from openmains.app.command.step import Moves, Note, step, step_responses
from openmains.domain.command.kinds import Channel, Kind, KindRule, Times, rule_of
from openmains.domain.command.life import ENDS, NEVER_SENT, SENDABLE, State
from openmains.domain.command.order import Waiting, slot_of


@dataclass(slots=True)
class Row:
    """One command; columns as in the store."""

    command_id: int
    tenant_id: int
    meter_id: int
    kind: Kind
    params: Mapping[str, Any]
    state: State
    serial: int | None = None
    not_after: int = 1 << 40
    attempts: int = 0
    due_at: int = 0
    frame: bytes | None = None
    counter: int | None = None
    result: int | None = None
    answer: Mapping[str, int] | None = None
    reason: str = ""
    sent_us: int | None = None
    delivered_us: int | None = None
    ended_us: int | None = None

    @property
    def rule(self) -> KindRule:
        return rule_of(self.kind)


class HeldCommands:
    """``Dispatching`` and ``TimeWork`` over a list."""

    def __init__(self, commands: Iterable[HeldCommand] = ()) -> None:
        self.rows: dict[int, Row] = {
            held.command_id: Row(
                held.command_id, held.tenant_id, held.meter_id, held.kind, held.params, held.state, held.serial
            )
            for held in commands
        }
        self.open_ids: set[int] = set(self.rows)
        self.notes: list[Note] = []
        self.shadow: dict[int, dict[str, Any]] = {}
        self._serials: dict[int, int] = {}

    def draft(self, meter_id: int, kind: Kind, params: Mapping[str, Any], not_after: int) -> Row:
        """A new command."""
        row = Row(len(self.rows) + 1, 1, meter_id, kind, params, State.DRAFTED, not_after=not_after)
        self.rows[row.command_id] = row
        self.open_ids.add(row.command_id)
        return row

    def apply_changes(self, changes: Sequence[Change]) -> Moves:
        """Step and write."""
        return self._write(step(self._held({change.command_id for change in changes}), changes))

    def apply_responses(self, responses: Sequence[CommandResponse]) -> Moves:
        """Step and write."""
        of = {(response.meter_id, response.serial) for response in responses}
        ids = {row.command_id for row in self.rows.values() if (row.meter_id, row.serial) in of}
        return self._write(step_responses(self._held(ids | {word.command_id for word in responses}), responses))

    def _held(self, ids: set[int]) -> dict[int, HeldCommand]:
        rows = [self.rows[command_id] for command_id in sorted(ids & self.rows.keys())]
        return {
            row.command_id: HeldCommand(
                row.command_id, row.tenant_id, row.meter_id, row.serial, row.kind, row.params, row.state
            )
            for row in rows
        }

    def _write(self, moves: Moves) -> Moves:
        for move in moves.moves.values():
            row = self.rows[move.command_id]
            row.state = move.state
            row.attempts += move.sends
            row.frame = move.frame if row.frame is None else row.frame
            row.counter = move.counter if row.counter is None else row.counter
            row.result = row.result if move.result is None else move.result
            row.answer, row.reason = move.answer or row.answer, move.reason or row.reason
            row.sent_us, row.delivered_us = row.sent_us or move.sent_us, row.delivered_us or move.delivered_us
            row.ended_us = move.ended_us or row.ended_us
            if row.state in ENDS:
                self.open_ids.discard(row.command_id)
                row.due_at = 0  # what has ended waits no more
        for move in moves.waiting:
            row = self.rows[move.command_id]
            row.due_at = row.due_at if move.due_at is None else move.due_at
        self.notes += moves.notes
        for report in moves.reports.values():
            self.shadow.setdefault(report.meter_id, {}).update(report.values)
        return moves

    def _open(self) -> list[Row]:
        return [self.rows[command_id] for command_id in sorted(self.open_ids)]

    # the ports --------------------------------------------------------------------------------------------------------

    async def apply(self, changes: Sequence[Change]) -> list[int]:
        return self.apply_changes(changes).sent

    async def times(self) -> Mapping[tuple[int, int, str], Times]:
        return {}

    async def waiting(self, meter_ids: Sequence[int]) -> dict[int, list[Waiting]]:
        found: dict[int, list[Waiting]] = {}
        for row in self._open():
            if row.meter_id in meter_ids and row.state in SENDABLE:
                found.setdefault(row.meter_id, []).append(
                    Waiting(
                        row.command_id, row.serial or 0, row.kind, row.rule.lane, row.rule.priority, row.state,
                        row.due_at, row.not_after, row.attempts,
                    )
                )  # fmt: skip
        return found

    async def due(self, now: int, limit: int) -> list[int]:
        del now, limit
        return []

    async def open(self, command_ids: Sequence[int]) -> list[OpenCommand]:
        return [_open_command(self.rows[command_id]) for command_id in command_ids]

    async def drafts(self, limit: int, after: int, quarantined: bool) -> list[Drafted]:
        del limit, quarantined
        return [_drafted(row) for row in self._open() if row.serial is None and row.command_id > after]

    async def unsent_settings(self, meter_ids: Sequence[int]) -> list[Drafted]:
        unsent = NEVER_SENT - {State.QUARANTINED}
        rows = [row for row in self._open() if row.meter_id in meter_ids and row.state in unsent]
        return [found for row in rows if (found := _drafted(row)).slot]

    async def enqueue(self, command_ids: Sequence[int], now_us: int) -> None:
        for command_id in sorted(command_ids):
            row = self.rows[command_id]
            self._serials[row.meter_id] = self._serials.get(row.meter_id, 0) + 1
            row.state, row.serial = State.QUEUED, self._serials[row.meter_id]

    async def timed(self, now: int, limit: int) -> list[TimedCommand]:
        del now, limit
        return [
            TimedCommand(
                row.command_id, row.tenant_id, 1, row.kind, row.state, row.attempts, row.due_at, row.not_after
            )
            for row in self._open()
            if row.state in SENDABLE
        ]  # fmt: skip


def _drafted(row: Row) -> Drafted:
    return Drafted(
        row.command_id, row.tenant_id, row.meter_id, 1, row.kind, slot_of(row.kind, row.params), row.state,
        f"{row.command_id}", row.not_after,
    )  # fmt: skip


def _open_command(row: Row) -> OpenCommand:
    return OpenCommand(
        command_id=row.command_id, tenant_id=row.tenant_id, meter_id=row.meter_id, serial=row.serial or 0, kind=row.kind,
        params=row.params, state=row.state, unique_key=f"{row.command_id}", driver="", channel=Channel.DIRECT,
        not_after=row.not_after, attempts=row.attempts, frame=row.frame, product_id=1, imei=None,
    )  # fmt: skip
