# SPDX-License-Identifier: Apache-2.0
"""Batches of commands as the API makes, shows and steers them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.command.model import Batch, BatchLine, BatchMeter, NewBatch
from openmains.app.problems import Problem
from openmains.domain.command.batch import BatchState
from openmains.domain.command.life import State
from openmains.edges.postgres.db import Connection, Row

_BATCH = """
SELECT b.batch_id, b.name, b.kind, b.params, b.state, b.reason, b.total, b.released, b.groups, b.hold_s, b.failure_limit_ppm,
       b.inverse_of, b.created_by, b.created_at,
       coalesce((SELECT jsonb_object_agg(k.state, k.n) FROM
         (SELECT c.state, count(*) AS n FROM command c WHERE c.batch_id = b.batch_id GROUP BY c.state) k), '{}') AS states
  FROM command_batch b
"""


def _batch(row: Row) -> Batch:
    values = dict(row)
    values["state"], values["groups"] = BatchState(values["state"]), list(values["groups"])
    return Batch(**values)


class BatchTables:
    """The part of ``CommandStore`` that speaks of batches."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def choose(self, batch: NewBatch) -> tuple[list[BatchMeter], list[str]]:
        chosen = batch.chosen
        if chosen.numbers is not None:
            rows = await self._connection.fetch(
                "SELECT u.number, m.meter_id FROM unnest($2::text[]) WITH ORDINALITY AS u(number, place)"
                " LEFT JOIN meter m ON m.tenant_id = $1 AND m.number = u.number AND m.removed_on IS NULL ORDER BY u.place",
                self._tenant_id,
                list(dict.fromkeys(chosen.numbers)),
            )
            return [BatchMeter(row[1]) for row in rows if row[1] is not None], [
                row[0] for row in rows if row[1] is None
            ]
        # a canary must be typical: the order is a hash of the meter, not its age
        rows = await self._connection.fetch(
            "WITH RECURSIVE part AS (SELECT area_id FROM area WHERE tenant_id = $1 AND ($2::int IS NULL OR area_id = $2)"
            " UNION SELECT a.area_id FROM area a JOIN part ON a.parent_id = part.area_id WHERE a.tenant_id = $1)"
            " SELECT meter_id FROM meter WHERE tenant_id = $1 AND removed_on IS NULL AND area_id IN (SELECT area_id FROM part)"
            " AND ($3::int IS NULL OR product_id = $3) ORDER BY hashint8(meter_id), meter_id",
            self._tenant_id,
            chosen.area_id,
            chosen.product_id,
        )
        return [BatchMeter(row[0]) for row in rows], []

    async def add_batch(
        self, batch: NewBatch, validity_s: int, meters: Sequence[BatchMeter], user_id: int, inverse_of: int | None
    ) -> tuple[int, bool]:
        batch_id = await self._connection.fetchval(
            "INSERT INTO command_batch (tenant_id, name, kind, params, unique_key, validity_s, groups, hold_s,"
            " failure_limit_ppm, inverse_of, total, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING batch_id",
            self._tenant_id,
            batch.name,
            batch.kind,
            batch.params,
            batch.unique_key,
            validity_s,
            batch.groups,
            batch.hold_s,
            batch.failure_limit_ppm,
            inverse_of,
            len(meters),
            user_id,
        )
        if batch_id is None:
            row = await self._connection.fetchrow(
                "SELECT batch_id, kind, params FROM command_batch WHERE tenant_id = $1 AND unique_key = $2",
                self._tenant_id,
                batch.unique_key,
            )
            if row is None or (row["kind"], row["params"]) != (batch.kind.value, batch.params):
                raise Problem("key-used", fields=(("/unique_key", "not-accepted"),))
            return row["batch_id"], False
        await self._connection.execute(
            "INSERT INTO command_batch_meter (batch_id, place, tenant_id, meter_id, params)"
            " SELECT $1, u.place, $2, u.meter_id, u.params::jsonb"
            " FROM unnest($3::int[], $4::bigint[], $5::text[]) AS u(place, meter_id, params)",
            batch_id,
            self._tenant_id,
            list(range(len(meters))),
            [meter.meter_id for meter in meters],
            [None if meter.params is None else msgspec.json.encode(meter.params).decode() for meter in meters],
        )
        return batch_id, True

    async def batch(self, batch_id: int) -> Batch | None:
        row = await self._connection.fetchrow(
            f"{_BATCH} WHERE b.tenant_id = $1 AND b.batch_id = $2", self._tenant_id, batch_id
        )
        return None if row is None else _batch(row)

    async def batches(self, limit: int, after: int | None) -> list[Batch]:
        rows = await self._connection.fetch(
            f"{_BATCH} WHERE b.tenant_id = $1 AND ($2::bigint IS NULL OR b.batch_id < $2) ORDER BY b.batch_id DESC LIMIT $3",
            self._tenant_id,
            after,
            limit,
        )
        return [_batch(row) for row in rows]

    async def batch_lines(self, batch_id: int, limit: int, after: int) -> list[BatchLine]:
        rows = await self._connection.fetch(
            "SELECT x.place, x.meter_id, m.number, c.command_id, coalesce(c.state, 'waiting'), coalesce(c.reason, '')"
            " FROM command_batch_meter x JOIN meter m USING (meter_id)"
            " LEFT JOIN command c ON c.batch_id = x.batch_id AND c.place = x.place"
            " WHERE x.tenant_id = $1 AND x.batch_id = $2 AND x.place > $3 ORDER BY x.place LIMIT $4",
            self._tenant_id,
            batch_id,
            after,
            limit,
        )
        return [BatchLine(*row) for row in rows]

    async def batch_keys(self, batch_id: int) -> list[tuple[str, int, dict[str, Any], int]]:
        """(unique key, meter, parameters, end of validity in s) of a batch's commands, made or to be made."""
        rows = await self._connection.fetch(
            "SELECT 'batch:' || b.unique_key || ':' || x.place, x.meter_id, coalesce(x.params, b.params),"
            " extract(epoch FROM b.created_at)::bigint + b.validity_s"
            " FROM command_batch b JOIN command_batch_meter x USING (batch_id)"
            " WHERE b.tenant_id = $1 AND b.batch_id = $2 ORDER BY x.place",
            self._tenant_id,
            batch_id,
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    async def set_batch_state(self, batch_id: int, before: BatchState, after: BatchState, reason: str) -> bool:
        # who resumes a stopped batch has seen its failures: only later ones count
        resumed = before is BatchState.STOPPED and after is BatchState.RUNNING
        done: str = await self._connection.execute(
            "UPDATE command_batch SET state = $4, reason = $5, judge_from = CASE WHEN $6 THEN released ELSE judge_from END"
            " WHERE tenant_id = $1 AND batch_id = $2 AND state = $3",
            self._tenant_id,
            batch_id,
            before,
            after,
            reason,
            resumed,
        )
        return done == "UPDATE 1"

    async def cancel_batch_commands(self, batch_id: int, actor: str, now_us: int) -> int:
        rows = await self._connection.fetch(
            "UPDATE command SET state = 'cancelled', reason = 'batch_cancelled', ended_us = $3"
            " WHERE tenant_id = $1 AND batch_id = $2 AND state IN ('drafted', 'quarantined', 'approved', 'queued')"
            " RETURNING command_id",
            self._tenant_id,
            batch_id,
            now_us,
        )
        for row in rows:
            await self._note(row["command_id"], now_us, "cancel", State.CANCELLED, actor, "batch_cancelled")
        return len(rows)

    async def inverse_meters(self, batch_id: int) -> list[BatchMeter]:
        rows = await self._connection.fetch(
            "SELECT meter_id, before FROM command_batch_meter WHERE tenant_id = $1 AND batch_id = $2"
            " AND before IS NOT NULL AND before <> '{}'::jsonb ORDER BY place",
            self._tenant_id,
            batch_id,
        )
        return [BatchMeter(row[0], {"values": row[1]}) for row in rows]

    async def _note(self, command_id: int, at_us: int, event: str, state: State, actor: str, detail: str) -> None:
        await self._connection.execute(
            "INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self._tenant_id,
            command_id,
            at_us,
            event,
            state.value,
            actor,
            detail,
        )
