# SPDX-License-Identifier: Apache-2.0
"""``CommandStore`` on one tenant's transaction. The role behind it can draft and call off, and nothing else (migration 0006)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from openmains.app.command.model import (
    Command,
    CommandDetail,
    CommandEvent,
    CommandPolicy,
    SettingTimes,
    Shadow,
    ShadowEntry,
)
from openmains.app.command.ports import Draft, Target
from openmains.app.problems import Problem
from openmains.domain.command.kinds import Channel, Kind
from openmains.domain.command.life import State
from openmains.domain.command.log_pull import Pull
from openmains.edges.postgres.command import logs as command_logs
from openmains.edges.postgres.command.batches import BatchTables
from openmains.edges.postgres.db import Row

_COLUMNS = """
SELECT c.command_id, c.meter_id, m.number, c.kind, c.params, c.unique_key, c.state, c.reason, c.channel, c.priority, c.serial,
       c.batch_id, c.attempts, c.result, c.answer, c.created_by, c.created_us, c.not_after, c.sent_us, c.delivered_us,
       c.ended_us, coalesce((SELECT nullif(e.actor, '') FROM command_event e WHERE e.command_id = c.command_id
         ORDER BY e.event_id LIMIT 1), 'batch') AS given_by
  FROM command c JOIN meter m USING (meter_id)
"""


def _at(us: int | None) -> datetime | None:
    return None if us is None else datetime.fromtimestamp(us / 1_000_000, UTC)


def _values(row: Row) -> dict[str, Any]:
    values = dict(row)
    created, not_after = values.pop("created_us"), values.pop("not_after")
    values["state"], values["channel"] = State(values["state"]), Channel(values["channel"])
    for name in ("sent", "delivered", "ended"):
        values[f"{name}_at"] = _at(values.pop(f"{name}_us"))
    values["created_at"] = datetime.fromtimestamp(created / 1_000_000, UTC)
    values["not_after"] = datetime.fromtimestamp(not_after, UTC)
    return values


class Commands(BatchTables):
    """Drafts, lists, calling off, shadow, settings; batches are in ``command_tables``."""

    async def targets(self, meter_ids: Sequence[int]) -> list[Target]:
        rows = await self._connection.fetch(
            "SELECT m.meter_id, m.tenant_id, m.product_id, p.driver, coalesce(p.settings ->> 'channel', 'direct')"
            " FROM meter m JOIN product p USING (product_id)"
            " WHERE m.tenant_id = $1 AND m.meter_id = ANY($2::bigint[]) AND m.removed_on IS NULL",
            self._tenant_id,
            list(meter_ids),
        )
        return [Target(row[0], row[1], row[2], row[3], _channel(row[4])) for row in rows]

    async def times(self) -> list[SettingTimes]:
        rows = await self._connection.fetch(
            "SELECT kind, product_id, validity_s, attempts, pause_s FROM command_setting WHERE tenant_id = $1"
            " ORDER BY kind, product_id",
            self._tenant_id,
        )
        return [SettingTimes(Kind(row[0]), *tuple(row)[1:]) for row in rows]

    async def set_times(self, times: SettingTimes) -> None:
        await self._connection.execute(
            "INSERT INTO command_setting (tenant_id, product_id, kind, validity_s, attempts, pause_s)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, product_id, kind)"
            " DO UPDATE SET validity_s = $4, attempts = $5, pause_s = $6",
            self._tenant_id,
            times.product_id,
            times.kind,
            times.validity_s,
            times.attempts,
            times.pause_s,
        )

    async def policy(self) -> CommandPolicy:
        row = await self._connection.fetchrow(
            "SELECT daily_share_ppm, office_from, office_to, office_days FROM command_policy WHERE tenant_id = $1",
            self._tenant_id,
        )
        return CommandPolicy() if row is None else CommandPolicy(row[0], row[1], row[2], list(row[3]))

    async def set_policy(self, policy: CommandPolicy) -> None:
        await self._connection.execute(
            "INSERT INTO command_policy (tenant_id, daily_share_ppm, office_from, office_to, office_days)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id)"
            " DO UPDATE SET daily_share_ppm = $2, office_from = $3, office_to = $4, office_days = $5",
            self._tenant_id,
            policy.daily_share_ppm,
            policy.office_from,
            policy.office_to,
            sorted(set(policy.office_days)),
        )

    async def draft(self, draft: Draft, user_id: int, actor: str, now_us: int) -> tuple[int, bool]:
        command_id = await self._connection.fetchval(
            "INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content,"
            " not_after, batch_id, place, created_by, created_us)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
            " ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id",
            self._tenant_id,
            draft.meter_id,
            draft.kind,
            dict(draft.params),
            int(draft.rule.lane),
            int(draft.rule.priority),
            draft.slot,
            draft.channel,
            draft.unique_key,
            draft.content,
            draft.not_after,
            draft.batch_id,
            draft.place,
            user_id,
            now_us,
        )
        if command_id is not None:
            await self._note(command_id, now_us, "draft", State.DRAFTED, actor, "")
            return command_id, True
        row = await self._connection.fetchrow(
            "SELECT command_id, content FROM command WHERE tenant_id = $1 AND unique_key = $2",
            self._tenant_id,
            draft.unique_key,
        )
        if row is None or bytes(row["content"]) != draft.content:
            raise Problem("key-used", fields=(("/unique_key", "not-accepted"),))
        return row["command_id"], False

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        meter_id: int | None,
        state: State | None,
        kind: Kind | None,
        batch_id: int | None,
        is_open: bool,
    ) -> list[Command]:
        opened = "c.ended_us IS NULL" if is_open else "true"
        rows = await self._connection.fetch(
            f"{_COLUMNS} WHERE c.tenant_id = $1 AND {opened} AND ($2::bigint IS NULL OR c.command_id < $2)"
            " AND ($3::bigint IS NULL OR c.meter_id = $3) AND ($4::text IS NULL OR c.state = $4)"
            " AND ($5::text IS NULL OR c.kind = $5) AND ($6::bigint IS NULL OR c.batch_id = $6)"
            " ORDER BY c.command_id DESC LIMIT $7",
            self._tenant_id,
            after,
            meter_id,
            state,
            kind,
            batch_id,
            limit,
        )
        return [Command(**_values(row)) for row in rows]

    async def get(self, command_id: int) -> CommandDetail | None:
        row = await self._connection.fetchrow(
            f"{_COLUMNS} WHERE c.tenant_id = $1 AND c.command_id = $2", self._tenant_id, command_id
        )
        if row is None:
            return None
        events = await self._connection.fetch(
            "SELECT at_us, event, state, actor, detail FROM command_event WHERE tenant_id = $1 AND command_id = $2"
            " ORDER BY event_id",
            self._tenant_id,
            command_id,
        )
        history = [
            CommandEvent(datetime.fromtimestamp(event[0] / 1_000_000, UTC), *tuple(event)[1:]) for event in events
        ]
        # a signed frame is nobody's to see before it went out
        frame = await self._connection.fetchval(
            "SELECT encode(frame, 'hex') FROM command WHERE tenant_id = $1 AND command_id = $2 AND sent_us IS NOT NULL",
            self._tenant_id,
            command_id,
        )
        return CommandDetail(**_values(row), frame_hex=frame or "", history=history)

    async def log_pulls(self, command_id: int) -> list[Pull]:
        return await command_logs.pulls(self._connection, self._tenant_id, command_id)

    async def cancel(self, command_id: int, actor: str, reason: str, now_us: int) -> bool:
        done: str = await self._connection.execute(
            "UPDATE command SET state = 'cancelled', reason = $3, ended_us = $4 WHERE tenant_id = $1 AND command_id = $2"
            " AND state IN ('drafted', 'quarantined', 'approved', 'queued')",
            self._tenant_id,
            command_id,
            reason,
            now_us,
        )
        if done != "UPDATE 1":
            return False
        await self._note(command_id, now_us, "cancel", State.CANCELLED, actor, reason)
        return True

    async def shadow(self, meter_id: int) -> Shadow | None:
        row = await self._connection.fetchrow(
            "SELECT s.desired, s.reported, s.desired_us, s.reported_us FROM meter m LEFT JOIN meter_shadow s USING (meter_id)"
            " WHERE m.tenant_id = $1 AND m.meter_id = $2",
            self._tenant_id,
            meter_id,
        )
        if row is None:
            return None
        desired, reported = row["desired"] or {}, row["reported"] or {}
        entries = [
            ShadowEntry(
                name,
                desired.get(name),
                reported.get(name),
                name in desired and desired[name] != reported.get(name),
            )
            for name in sorted({*desired, *reported})
        ]
        return Shadow(meter_id, entries, _at(row["desired_us"]), _at(row["reported_us"]))

    async def cell_meters(self, area_id: int | None, product_id: int | None) -> list[tuple[int, int, int | None]]:
        rows = await self._connection.fetch(
            "WITH RECURSIVE part AS (SELECT area_id FROM area WHERE tenant_id = $1 AND ($2::int IS NULL OR area_id = $2)"
            " UNION SELECT a.area_id FROM area a JOIN part ON a.parent_id = part.area_id WHERE a.tenant_id = $1)"
            " SELECT s.cell, m.meter_id, s.last_seen_us FROM meter m JOIN meter_state s USING (meter_id)"
            " WHERE m.tenant_id = $1 AND m.removed_on IS NULL AND s.cell IS NOT NULL"
            " AND m.area_id IN (SELECT area_id FROM part) AND ($3::int IS NULL OR m.product_id = $3)"
            " ORDER BY s.cell, m.meter_id",
            self._tenant_id,
            area_id,
            product_id,
        )
        return [(row[0], row[1], None if row[2] is None else row[2] // 60_000_000) for row in rows]


def _channel(name: str) -> Channel:
    return Channel(name) if name in set(Channel) else Channel.DIRECT
