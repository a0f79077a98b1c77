# SPDX-License-Identifier: Apache-2.0
"""Gaps and their re-reads for the worker: all tenants, a pool of the pipeline's role."""

from collections.abc import Sequence

import msgspec

from openmains.app.command.ports import Change
from openmains.app.command.reread_ports import DraftedReread, GapMeter
from openmains.app.command.rereads import params_of
from openmains.app.readings.report.collection import Piece
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.life import Event
from openmains.domain.ids import CommandId, MeterId, TenantId
from openmains.domain.period import DAY_S, date_to_day, day_to_date, zone
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.manual import BELIEVED, KEPT
from openmains.domain.readings.rereads import Gap, GapEvent, GapMove, GapState, Visit
from openmains.edges.postgres.command.flow import PostgresCommandFlow
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

SQL = load(__package__, "rereads.sql")
MONTH_S = 30 * DAY_S


class Rereads:
    """``RereadStore`` and ``GapCommands``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._flow = PostgresCommandFlow(pool)

    async def unscanned(self, tenant_id: TenantId, first_day: int) -> list[Piece]:
        rows = await SQL["unscanned"].fetch(self._pool, tenant_id=tenant_id, first=day_to_date(first_day))
        return [Piece(date_to_day(row["day"]), Mode(row["mode"])) for row in rows]

    async def add_gaps(
        self, tenant_id: TenantId, piece: Piece, due_s: int, meters: Sequence[MeterId], now_s: int, *, is_last: bool
    ) -> int:
        of_piece = {"tenant_id": tenant_id, "day": day_to_date(piece.day), "mode": piece.mode, "now_s": now_s}
        async with self._pool.acquire() as connection, connection.transaction():
            new = await SQL["add_gaps"].fetchval(connection, meters=list(meters), due_s=due_s, **of_piece)
            if is_last:
                await SQL["scanned"].execute(connection, **of_piece)
        return int(new)

    async def meters(self, after: int, limit: int, now_s: int) -> list[GapMeter]:
        rows = await SQL["meters"].fetch(
            self._pool, after=after, most=limit, now_s=now_s, month_s=now_s - MONTH_S, kept=KEPT, believed=BELIEVED
        )
        found = {
            row["meter_id"]: GapMeter(
                meter_id=row["meter_id"],
                tenant_id=row["tenant_id"],
                area_id=row["area_id"],
                product_id=row["product_id"],
                driver=row["driver"],
                channel=row["channel"],
                own_mode=None if row["own_mode"] is None else Mode(row["own_mode"]),
                product_mode=Mode(row["product_mode"]),
                is_removed=row["is_removed"],
                is_held_back=row["is_held_back"],
                last_seen_s=row["last_seen_s"],
                known_s=row["known_s"],
                asked_this_month=row["asked_this_month"],
                cell=row["cell"],
                freeze_s=row["freeze_s"],
                read_s=row["read_s"],
            )
            for row in rows
        }
        for row in await SQL["gaps"].fetch(self._pool, meter_ids=list(found)):
            place, day = zone(row["zone"]), date_to_day(row["day"])
            found[row["meter_id"]].gaps.append(
                Gap(
                    row["meter_id"],
                    day,
                    place.start_of(day),
                    place.start_of(day + 1),
                    row["due_s"],
                    GapState(row["state"]),
                    row["tries"],
                    row["command_id"],
                    row["command_ended_s"],
                    row["changed_s"],
                    None if row["visit"] is None else Visit(row["visit"]),
                )
            )
        return list(found.values())

    async def cells(self, since_s: int) -> dict[int, int]:
        return {row["cell"]: row["given"] for row in await SQL["cells"].fetch(self._pool, since_s=since_s)}

    async def write(
        self, looked: Sequence[GapMeter], moves: Sequence[GapMove], asks: Sequence[DraftedReread], now_us: int
    ) -> int:
        meter_ids, now_s = [meter.meter_id for meter in looked], now_us // 1_000_000
        async with self._pool.acquire() as connection, connection.transaction():
            await SQL["lock"].execute(connection, meter_ids=meter_ids)
            made = await _draft(connection, asks, now_us) if asks else {}
            if moves:
                await _move(connection, moves, asks, made, now_s)
            await SQL["looked"].execute(
                connection, meter_ids=meter_ids, seen=[meter.last_seen_s for meter in looked], now_s=now_s
            )
        return len(made)

    async def cancel(self, command_ids: Sequence[CommandId], now_us: int) -> None:
        changes = [Change(command_id, Event.CANCEL, now_us, "reread", "arrived") for command_id in command_ids]
        await self._flow.apply(changes)


async def _draft(connection: Connection, asks: Sequence[DraftedReread], now_us: int) -> dict[str, int]:
    """Commands by key; those another worker drafted are not among them."""
    rule = RULES[Kind.READ_INTERVALS]
    rows = await SQL["draft"].fetch(
        connection,
        kind=Kind.READ_INTERVALS,
        lane=int(rule.lane),
        priority=int(rule.priority),
        now_us=now_us,
        tenant_ids=[ask.meter.tenant_id for ask in asks],
        meter_ids=[ask.meter.meter_id for ask in asks],
        params=[msgspec.json.encode(params_of(ask.asked)).decode() for ask in asks],
        channels=[ask.meter.channel for ask in asks],
        unique_keys=[ask.unique_key for ask in asks],
        contents=[ask.content for ask in asks],
        ends=[ask.asked.not_after_s for ask in asks],
    )
    made: dict[str, int] = {row["unique_key"]: row["command_id"] for row in rows}
    own = [ask for ask in asks if ask.unique_key in made]
    await SQL["note_asks"].execute(
        connection,
        now_s=now_us // 1_000_000,
        command_ids=[made[ask.unique_key] for ask in own],
        tenant_ids=[ask.meter.tenant_id for ask in own],
        meter_ids=[ask.meter.meter_id for ask in own],
        cells=[ask.meter.cell for ask in own],
        days=[len(ask.asked.days) for ask in own],
    )
    return made


async def _move(
    connection: Connection, moves: Sequence[GapMove], asks: Sequence[DraftedReread], made: dict[str, int], now_s: int
) -> None:
    """Several moves of one gap are one step of the store, from the state it was seen in to the last."""
    commands: dict[tuple[int, int], int] = {
        (ask.meter.meter_id, day): made[ask.unique_key]
        for ask in asks
        if ask.unique_key in made
        for day in ask.asked.days
    }
    of_gap: dict[tuple[int, int], list[GapMove]] = {}
    for move in moves:
        of_gap.setdefault((move.gap.meter_id, move.gap.day), []).append(move)
    last = [steps[-1] for steps in of_gap.values()]
    await SQL["move"].execute(
        connection,
        now_s=now_s,
        meter_ids=[move.gap.meter_id for move in last],
        days=[day_to_date(move.gap.day) for move in last],
        befores=[steps[0].gap.state for steps in of_gap.values()],
        states=[move.state for move in last],
        bys=[move.by for move in last],
        whys=[move.why for move in last],
        command_ids=[commands.get(key) for key in of_gap],
        losses=[sum(move.event is GapEvent.LOSE for move in steps) for steps in of_gap.values()],
    )
