# SPDX-License-Identifier: Apache-2.0
"""Commands of all tenants as the pipeline's role: locked, loaded and written, a few statements for any number of them.

What happens to a command is decided in ``app.command.step``. Lock order everywhere: ``command`` first, then
``command_waiting``; commands in the order of their ids.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.command.closings import ClosingEvent
from openmains.app.command.ports import (
    Change,
    CommandResponse,
    Drafted,
    HeldCommand,
    LogAgain,
    LostLog,
    OpenCommand,
    RunningBatch,
    TimedCommand,
)
from openmains.app.command.step import Moves, Note, ShadowReport, step, step_responses
from openmains.app.ingest.model import AlarmChange
from openmains.domain.command.batch import DAILY_SHARE_PPM, BatchState
from openmains.domain.command.kinds import RULES, Channel, Kind, KindRule, Lane, Priority, Times
from openmains.domain.command.life import State
from openmains.domain.command.order import Waiting
from openmains.domain.ids import BatchId, CommandId, MeterId, TenantId
from openmains.domain.readings.expected import mode_of_settings
from openmains.edges.postgres.command import defaults, flow_batches, logs
from openmains.edges.postgres.command.times import read_times
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

SQL = load(__package__)
SERIALS_SINCE = 1_577_836_800  # 2020
LISTENS_S = 110  # a meter listens about two minutes after its report (R1.9)
GRACE_S = min(rule.grace_s for rule in RULES.values())


class PostgresCommandFlow:
    """Over a pool of role openmains_pipeline.

    ``serials_since``: serial numbers are at least the seconds since this instant (s), so that a database restored to an
    earlier state goes on above what meters have seen. ``announce``: told of alarms once they are committed.
    """

    def __init__(
        self,
        pool: Pool,
        serials_since: int = SERIALS_SINCE,
        announce: Callable[[Sequence[AlarmChange]], Awaitable[None]] | None = None,
    ) -> None:
        self._pool = pool
        self._serials_since = serials_since
        self._announce = announce

    async def waiting(self, meter_ids: Sequence[MeterId]) -> dict[MeterId, list[Waiting]]:
        found: dict[MeterId, list[Waiting]] = {}
        for row in await SQL["waiting"].fetch(self._pool, meter_ids=list(meter_ids)):
            found.setdefault(row["meter_id"], []).append(_waiting(row))
        return found

    async def due(self, now: int, limit: int) -> list[MeterId]:
        rows = await SQL["due"].fetch(self._pool, now=now, most=limit)
        safety = await SQL["due_for_safety"].fetch(
            self._pool, now=now, since_us=(now - LISTENS_S) * 1_000_000, most=limit
        )
        return list({row["meter_id"]: None for row in (*safety, *rows)})

    async def open(self, command_ids: Sequence[CommandId]) -> list[OpenCommand]:
        return [_open(row) for row in await SQL["open"].fetch(self._pool, command_ids=list(command_ids))]

    async def apply(self, changes: Sequence[Change]) -> list[CommandId]:
        if not changes:
            return []
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await SQL["lock"].fetch(connection, command_ids=[change.command_id for change in changes])
            moves = step(_held(rows), changes)
            await _write(connection, moves)
        if moves.alarms and self._announce is not None:
            await self._announce(moves.alarms)
        return moves.sent

    async def zones(self) -> Mapping[int, str]:
        return {row["tenant_id"]: row["zone"] for row in await SQL["zones"].fetch(self._pool)}

    async def drafts(self, limit: int, after: int, quarantined: bool) -> list[Drafted]:
        rows = await SQL["drafts"].fetch(self._pool, most=limit, after=after, quarantined=quarantined)
        return [Drafted(**_typed(row)) for row in rows]

    async def unsent_settings(self, meter_ids: Sequence[MeterId]) -> list[Drafted]:
        rows = await SQL["unsent_settings"].fetch(self._pool, meter_ids=list(meter_ids))
        return [Drafted(**_typed(row)) for row in rows]

    async def enqueue(self, command_ids: Sequence[CommandId], now_us: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            floor = max(0, now_us // 1_000_000 - self._serials_since)
            await SQL["enqueue"].execute(connection, command_ids=list(command_ids), now_us=now_us, floor=floor)
            await SQL["desire"].execute(connection, command_ids=list(command_ids), now_us=now_us)

    async def timed(self, now: int, limit: int) -> list[TimedCommand]:
        rows = await SQL["timed"].fetch(self._pool, now=now, grace_s=GRACE_S, most=limit)
        return [TimedCommand(**_typed(row)) for row in rows]

    async def times(self) -> Mapping[tuple[int, int, str], Times]:
        return await read_times(self._pool)

    async def running_batches(self) -> list[RunningBatch]:
        return await flow_batches.running(self._pool)

    async def touched_today(self, tenant_id: TenantId, since_us: int) -> tuple[int, int]:
        return await flow_batches.touched(self._pool, tenant_id, since_us)

    async def daily_share_ppm(self, tenant_id: TenantId) -> int:
        share = await SQL["daily_share"].fetchval(self._pool, tenant_id=tenant_id)
        return DAILY_SHARE_PPM if share is None else int(share)

    async def release(self, batch: RunningBatch, count: int, rule: KindRule, now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await flow_batches.release(connection, batch, count, rule, now_us)

    async def onboard(self, now_us: int, limit: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await defaults.draft_defaults(connection, now_us, limit)

    async def incomplete_logs(self, since_us: int, until_us: int, limit: int) -> list[LostLog]:
        return await logs.incomplete(self._pool, since_us, until_us, limit)

    async def pull_again(self, asked: Sequence[LogAgain], now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await logs.pull_again(connection, asked, now_us)

    async def end_batch(self, batch_id: BatchId, state: BatchState, reason: str) -> None:
        await SQL["end_batch"].execute(self._pool, batch_id=batch_id, state=state, reason=reason)


async def apply_responses(connection: Connection, responses: Sequence[CommandResponse]) -> Sequence[AlarmChange]:
    """Words of meters and links within the caller's transaction: the pipeline's commit, so that a word counts exactly once.
    Returns alarms that were written, to be announced."""
    answers = [response for response in responses if not response.link]
    seen = [response.command_id for response in responses if response.link]
    rows: list[Row] = []
    if answers:
        rows += await SQL["lock_answered"].fetch(
            connection,
            meter_ids=[answer.meter_id for answer in answers],
            serials=[answer.serial for answer in answers],
        )
    if seen:
        rows += await SQL["lock"].fetch(connection, command_ids=seen)
    moves = step_responses(_held(rows), responses)
    await _write(connection, moves)
    return moves.alarms


async def _write(connection: Connection, moves: Moves) -> None:
    """One statement a table."""
    if moves.moves:
        rows = [moves.moves[command_id] for command_id in sorted(moves.moves)]
        await SQL["move"].execute(
            connection,
            command_ids=[row.command_id for row in rows],
            states=[row.state for row in rows],
            sends=[row.sends for row in rows],
            frames=[row.frame for row in rows],
            counters=[row.counter for row in rows],
            results=[row.result for row in rows],
            answers=[None if row.answer is None else _json(row.answer) for row in rows],
            reasons=[row.reason for row in rows],
            sent_us=[row.sent_us for row in rows],
            delivered_us=[row.delivered_us for row in rows],
            ended_us=[row.ended_us for row in rows],
        )
    if waiting := sorted(moves.waiting, key=lambda move: move.command_id):
        await SQL["move_waiting"].execute(
            connection,
            command_ids=[row.command_id for row in waiting],
            states=[row.state for row in waiting],
            sends=[row.sends for row in waiting],
            due_at=[row.due_at for row in waiting],
        )
    if moves.closings or moves.alarms:
        await _write_closings(connection, moves)
    if notes := moves.notes:
        await write_notes(connection, notes)
    if reports := list(moves.reports.values()):
        await SQL["report"].execute(
            connection,
            meter_ids=[report.meter_id for report in reports],
            said=[_json(report.values) for report in reports],
            at_us=[report.at_us for report in reports],
        )
        await _note_modes(connection, reports)


async def _note_modes(connection: Connection, reports: Sequence[ShadowReport]) -> None:
    """How often a meter says it reports is when its days are due."""
    said = [(report, mode) for report in reports if (mode := mode_of_settings(report.values)) is not None]
    if said:
        await SQL["note_modes"].execute(
            connection,
            meter_ids=[report.meter_id for report, _ in said],
            modes=[mode for _, mode in said],
            at_us=[report.at_us for report, _ in said],
        )


async def _write_closings(connection: Connection, moves: Moves) -> None:
    """Standing closings and their alarms, each step after the other: there are few, and their order matters."""
    for closing in moves.closings:
        query = {
            ClosingEvent.ORDERED: SQL["order_closing"],
            ClosingEvent.CLOSED: SQL["closing_done"],
            ClosingEvent.FAILED: SQL["closing_failed"],
        }[closing.event]
        await query.execute(connection, command_id=closing.command_id, at_us=closing.at_us)
    for alarm in moves.alarms:
        if alarm.action == "cleared":
            await SQL["clear_closing_alarm"].execute(
                connection, meter_id=alarm.meter_id, event=alarm.event, at_us=alarm.received_us
            )
            continue
        await SQL["raise_closing_alarm"].execute(
            connection, tenant_id=alarm.tenant_id, meter_id=alarm.meter_id, event=alarm.event, severity=alarm.severity,
            raised_at=alarm.raised_at, at_us=alarm.received_us,
        )  # fmt: skip


async def write_notes(connection: Connection, notes: Sequence[Note]) -> None:
    """Lines of histories, in their order."""
    await SQL["note"].execute(
        connection,
        tenant_ids=[note.tenant_id for note in notes],
        command_ids=[note.command_id for note in notes],
        at_us=[note.at_us for note in notes],
        events=[note.event for note in notes],
        states=[note.state for note in notes],
        actors=[note.actor for note in notes],
        details=[note.detail for note in notes],
    )


def _waiting(row: Row) -> Waiting:
    return Waiting(
        row["command_id"], row["serial"], Kind(row["kind"]), Lane(row["lane"]), Priority(row["priority"]),
        State(row["state"]), row["due_at"], row["not_after"], row["attempts"], row["cell"],
        row["capacity_per_min"],
    )  # fmt: skip


def _held(rows: Iterable[Row]) -> dict[CommandId, HeldCommand]:
    return {
        row["command_id"]: HeldCommand(
            row["command_id"], row["tenant_id"], row["meter_id"], row["serial"], Kind(row["kind"]), row["params"],
            State(row["state"]),
        )
        for row in rows
    }  # fmt: skip


def _open(row: Row) -> OpenCommand:
    return OpenCommand(
        command_id=row["command_id"],
        tenant_id=row["tenant_id"],
        meter_id=row["meter_id"],
        serial=row["serial"],
        kind=Kind(row["kind"]),
        params=row["params"],
        state=State(row["state"]),
        unique_key=row["unique_key"],
        driver=row["driver"],
        channel=Channel(row["channel"]),
        not_after=row["not_after"],
        attempts=row["attempts"],
        frame=row["frame"],
        product_id=row["product_id"],
        imei=row["imei"],
        misfits=row["misfits"],
        concentrator=row["concentrator"],
        is_carried=row["is_carried"],
    )


def _typed(row: Row) -> dict[str, Any]:
    """The columns by name, kind and state as what they are."""
    return dict(row) | {"kind": Kind(row["kind"]), "state": State(row["state"])}


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
