# SPDX-License-Identifier: Apache-2.0
"""Batches of commands as the API makes, shows and steers them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.command.model import Batch, BatchLine, BatchMeter, NewBatch
from openmains.app.command.step import Note
from openmains.app.problems import Problem
from openmains.domain.command.batch import BatchState
from openmains.domain.command.life import State
from openmains.domain.ids import BatchId, CommandId, MeterId, TenantId, UserId
from openmains.edges.postgres.command.flow import write_notes
from openmains.edges.postgres.command.flow_batches import batch_key
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

SQL = load(__package__, "tenant.sql")


def _batch(row: Row) -> Batch:
    values = dict(row)
    values["state"], values["groups"] = BatchState(values["state"]), list(values["groups"])
    return Batch(**values)


class BatchTables:
    """The part of ``CommandStore`` that speaks of batches."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def choose(self, batch: NewBatch) -> tuple[list[BatchMeter], list[str]]:
        chosen = batch.chosen
        if chosen.numbers is not None:
            numbers = list(dict.fromkeys(chosen.numbers))
            rows = await SQL["choose_numbers"].fetch(self._connection, tenant_id=self._tenant_id, numbers=numbers)
            known = [BatchMeter(row["meter_id"]) for row in rows if row["meter_id"] is not None]
            return known, [row["number"] for row in rows if row["meter_id"] is None]
        rows = await SQL["choose_area"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            area_id=chosen.area_id,
            product_id=chosen.product_id,
            tag_id=chosen.tag_id,
        )
        return [BatchMeter(row["meter_id"]) for row in rows], []

    async def add_batch(
        self,
        batch: NewBatch,
        validity_s: int,
        meters: Sequence[BatchMeter],
        user_id: UserId,
        inverse_of: BatchId | None,
    ) -> tuple[BatchId, bool]:
        batch_id = await SQL["add_batch"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            name=batch.name,
            kind=batch.kind,
            params=batch.params,
            unique_key=batch.unique_key,
            validity_s=validity_s,
            groups=batch.groups,
            hold_s=batch.hold_s,
            failure_limit_ppm=batch.failure_limit_ppm,
            inverse_of=inverse_of,
            total=len(meters),
            created_by=user_id,
        )
        if batch_id is None:
            row = await SQL["batch_by_key"].fetchrow(
                self._connection, tenant_id=self._tenant_id, unique_key=batch.unique_key
            )
            if row is None or (row["kind"], row["params"]) != (batch.kind.value, batch.params):
                raise Problem("key-used", fields=(("/unique_key", "not-accepted"),))
            return row["batch_id"], False
        await SQL["add_batch_meters"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            batch_id=batch_id,
            places=list(range(len(meters))),
            meter_ids=[meter.meter_id for meter in meters],
            params=[None if meter.params is None else msgspec.json.encode(meter.params).decode() for meter in meters],
        )
        return batch_id, True

    async def batch(self, batch_id: BatchId) -> Batch | None:
        rows = await self._batches(1, None, batch_id)
        return rows[0] if rows else None

    async def batches(self, limit: int, after: int | None) -> list[Batch]:
        return await self._batches(limit, after, None)

    async def _batches(self, limit: int, after: int | None, only: BatchId | None) -> list[Batch]:
        rows = await SQL["batches"].fetch(
            self._connection, tenant_id=self._tenant_id, only=only, after=after, most=limit
        )
        return [_batch(row) for row in rows]

    async def batch_lines(self, batch_id: BatchId, limit: int, after: int) -> list[BatchLine]:
        rows = await SQL["batch_lines"].fetch(
            self._connection, tenant_id=self._tenant_id, batch_id=batch_id, after=after, most=limit
        )
        return [BatchLine(**row) for row in rows]

    async def batch_keys(self, batch_id: BatchId) -> list[tuple[str, MeterId, dict[str, Any], int]]:
        """(unique key, meter, parameters, end of validity in s) of a batch's commands, made or to be made."""
        rows = await SQL["batch_keys"].fetch(self._connection, tenant_id=self._tenant_id, batch_id=batch_id)
        return [
            (batch_key(row["unique_key"], row["place"]), row["meter_id"], row["params"], row["not_after"])
            for row in rows
        ]

    async def set_batch_state(self, batch_id: BatchId, before: BatchState, after: BatchState, reason: str) -> bool:
        done = await SQL["set_batch_state"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            batch_id=batch_id,
            before=before,
            after=after,
            reason=reason,
            # who resumes a stopped batch has seen its failures: only later ones count
            judge_anew=before is BatchState.STOPPED and after is BatchState.RUNNING,
        )
        return done == "UPDATE 1"

    async def cancel_batch_commands(self, batch_id: BatchId, actor: str, now_us: int) -> int:
        rows = await SQL["cancel_batch"].fetch(
            self._connection, tenant_id=self._tenant_id, batch_id=batch_id, now_us=now_us
        )
        called_off = sorted(row["command_id"] for row in rows)
        await self._note(called_off, now_us, "cancel", State.CANCELLED, actor, "batch_cancelled")
        return len(called_off)

    async def inverse_meters(self, batch_id: BatchId) -> list[BatchMeter]:
        rows = await SQL["inverse_meters"].fetch(self._connection, tenant_id=self._tenant_id, batch_id=batch_id)
        return [BatchMeter(row["meter_id"], {"values": row["before"]}) for row in rows]

    async def _note(
        self, command_ids: Sequence[CommandId], at_us: int, event: str, state: State, actor: str, detail: str
    ) -> None:
        if command_ids:
            await write_notes(
                self._connection,
                [Note(self._tenant_id, command_id, at_us, event, state, actor, detail) for command_id in command_ids],
            )
