# SPDX-License-Identifier: Apache-2.0
"""Alarms as the API lists and handles them; the pipeline raises them (``pipeline_store``)."""

from openmains.app.alarm.model import Alarm, AlarmAges, AlarmCounts, AlarmStatus, Severity
from openmains.domain.ids import AlarmId, AreaId, MeterId, TenantId, UserId
from openmains.domain.period import utc, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_TARGET_MS = 20_000  # R7.1
_STATUS: dict[AlarmStatus | None, tuple[bool | None, bool | None]] = {  # (is cleared, is acknowledged)
    None: (None, None),
    "open": (False, None),
    "unacknowledged": (False, False),
    "acknowledged": (False, True),
    "cleared": (True, None),
}


def _alarm(row: Row) -> Alarm:
    return Alarm(
        alarm_id=row["alarm_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        area_id=row["area_id"],
        event=row["event"],
        severity=row["severity"],
        raised_at=utc(row["raised_at"]),
        received_at=utc_of_us(row["received_us"]),
        delay_ms=max(0, (row["shown_us"] - row["received_us"]) // 1000),
        occurrences=row["occurrences"],
        last_at=utc_of_us(row["last_us"]),
        cleared_at=None if row["cleared_us"] is None else utc_of_us(row["cleared_us"]),
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        quantity=row["quantity"],
        value=row["value"],
        bound=row["bound"],
        unit=row["unit"],
        exponent=row["exponent"],
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
        is_cleared, is_acknowledged = _STATUS[status]
        rows = await _QUERIES["alarms"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            is_cleared=is_cleared,
            is_acknowledged=is_acknowledged,
            severity=severity,
            event=event,
            meter_id=meter_id,
            area_id=area_id,
            most=limit,
        )
        return [_alarm(row) for row in rows]

    async def counts(
        self,
        now_us: int,
        *,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> AlarmCounts:
        row = await _QUERIES["alarm_counts"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            target_ms=_TARGET_MS,
            severity=severity,
            event=event,
            meter_id=meter_id,
            area_id=area_id,
        )
        assert row is not None  # noqa: S101 an aggregate has its row
        found = dict(row)
        ages = AlarmAges(found.pop("hour"), found.pop("day"), found.pop("week"), found.pop("older"))
        return AlarmCounts(ages=ages, target_ms=_TARGET_MS, **found)

    async def get(self, alarm_id: AlarmId) -> Alarm | None:
        row = await _QUERIES["lock_alarm"].fetchrow(self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id)
        return None if row is None else _alarm(row)

    async def acknowledge(self, alarm_id: AlarmId, user_id: UserId) -> None:
        await _QUERIES["acknowledge_alarm"].execute(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, user_id=user_id
        )

    async def clear(self, alarm_id: AlarmId, now_us: int) -> None:
        await _QUERIES["clear_alarm"].execute(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, now_us=now_us
        )
