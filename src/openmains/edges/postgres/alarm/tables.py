# SPDX-License-Identifier: Apache-2.0
"""Alarms as the API lists and handles them; the pipeline raises them (``pipeline_store``)."""

from datetime import UTC, datetime

from openmains.app.alarm.model import Alarm, AlarmStatus, Severity
from openmains.domain.ids import AlarmId, AreaId, MeterId, TenantId, UserId
from openmains.edges.postgres.db import Connection, Row

_COLUMNS = """
  SELECT l.alarm_id, l.meter_id, m.number, m.area_id, l.event, l.severity, l.raised_at, l.received_us, l.shown_us,
         l.occurrences, l.last_us, l.cleared_us, l.acknowledged_by, l.acknowledged_at
    FROM alarm l JOIN meter m USING (meter_id)
"""
_STATUS = {
    "open": "l.cleared_us IS NULL AND l.acknowledged_at IS NULL",
    "acknowledged": "l.cleared_us IS NULL AND l.acknowledged_at IS NOT NULL",
    "cleared": "l.cleared_us IS NOT NULL",
}


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)


def _alarm(row: Row) -> Alarm:
    return Alarm(
        alarm_id=row["alarm_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        area_id=row["area_id"],
        event=row["event"],
        severity=row["severity"],
        raised_at=datetime.fromtimestamp(row["raised_at"], UTC),
        received_at=_at(row["received_us"]),
        delay_ms=max(0, (row["shown_us"] - row["received_us"]) // 1000),
        occurrences=row["occurrences"],
        last_at=_at(row["last_us"]),
        cleared_at=None if row["cleared_us"] is None else _at(row["cleared_us"]),
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
    )


class Alarms:
    """``AlarmStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> list[Alarm]:
        state = "true" if status is None else _STATUS[status]
        rows = await self._connection.fetch(
            f"{_COLUMNS} WHERE l.tenant_id = $1 AND {state} AND ($2::bigint IS NULL OR l.alarm_id < $2)"
            " AND ($3::text IS NULL OR l.severity = $3) AND ($4::text IS NULL OR l.event = $4)"
            " AND ($5::bigint IS NULL OR l.meter_id = $5) AND ($6::int IS NULL OR m.area_id = $6)"
            " ORDER BY l.alarm_id DESC LIMIT $7",
            self._tenant_id,
            after,
            severity,
            event,
            meter_id,
            area_id,
            limit,
        )
        return [_alarm(row) for row in rows]

    async def get(self, alarm_id: AlarmId) -> Alarm | None:
        row = await self._connection.fetchrow(
            f"{_COLUMNS} WHERE l.tenant_id = $1 AND l.alarm_id = $2 FOR UPDATE OF l", self._tenant_id, alarm_id
        )
        return None if row is None else _alarm(row)

    async def acknowledge(self, alarm_id: AlarmId, user_id: UserId) -> None:
        await self._connection.execute(
            "UPDATE alarm SET acknowledged_by = $3, acknowledged_at = now() WHERE tenant_id = $1 AND alarm_id = $2",
            self._tenant_id,
            alarm_id,
            user_id,
        )

    async def clear(self, alarm_id: AlarmId, now_us: int) -> None:
        await self._connection.execute(
            "UPDATE alarm SET cleared_us = $3 WHERE tenant_id = $1 AND alarm_id = $2",
            self._tenant_id,
            alarm_id,
            now_us,
        )
