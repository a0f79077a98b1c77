# SPDX-License-Identifier: Apache-2.0
"""``ReadingStore`` and ``Dimensions`` on ClickHouse.

The tables replace rows by key and version when they merge; ``FINAL`` does the same at reading time. Every query names
tenant and meter, the head of each table's order, so that FINAL reads a handful of granules.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from openmains.app.fleet.model import Dimension
from openmains.app.readings.model import StoredCause, StoredDay, StoredFrame, StoredRegister, StoredSignal
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import date_to_day, day_to_date
from openmains.domain.readings.versions import VersionCause
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import put_dimensions
from openmains.edges.clickhouse.queries import QUERIES

NOT_SENT = -2147483648

_LAST_S = 4_102_444_800  # 2100-01-01, beyond every instant accepted
_LAST_64 = 2**63 - 1


class ClickHouseReadings:
    """Both ports; stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def days(self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> list[StoredDay]:
        rows = await self._clickhouse.query(*QUERIES["days"](**_days(tenant_id, meter_id, first_day, last_day)))
        return [
            StoredDay(date_to_day(day), base, interval_s, list(increments), list(quality), *more)
            for day, base, interval_s, increments, quality, *more in rows
        ]

    async def superseded(
        self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int
    ) -> list[StoredDay]:
        rows = await self._clickhouse.query(
            *QUERIES["superseded_days"](**_days(tenant_id, meter_id, first_day, last_day))
        )
        return [
            StoredDay(date_to_day(day), base, interval_s, list(increments), list(quality), total, flags, at, version)
            for day, version, base, interval_s, increments, quality, total, flags, at in rows
        ]

    async def causes(self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> list[StoredCause]:
        rows = await self._clickhouse.query(*QUERIES["day_causes"](**_days(tenant_id, meter_id, first_day, last_day)))
        return [
            StoredCause(date_to_day(day), version, VersionCause(cause), *more) for day, version, cause, *more in rows
        ]

    async def registers(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        from_s: int,
        to_s: int,
        limit: int,
        before: tuple[int, int, int] | None,
    ) -> list[StoredRegister]:
        at, version, position = before or (_LAST_S, _LAST_64, 65_535)
        rows = await self._clickhouse.query(
            *QUERIES["registers"](
                tenant=tenant_id,
                meter=meter_id,
                left=from_s,
                right=min(to_s, _LAST_S),
                at=max(0, min(at, _LAST_S)),
                version=max(0, version),
                position=max(0, min(position, 65_535)),
                limit=limit,
            )
        )
        return [StoredRegister(_utc(at), *more) for at, *more in rows]

    async def frames(
        self, tenant_id: TenantId, meter_id: MeterId, limit: int, before: tuple[int, int] | None, direction: str = ""
    ) -> list[StoredFrame]:
        keys = _keys(tenant_id, meter_id, limit, before)
        rows = await self._clickhouse.query(*QUERIES["frames"](**keys, direction=direction))
        return [
            StoredFrame(us, version, direction, channel, path, outcome, bytes.fromhex(payload))
            for us, version, direction, channel, path, outcome, payload in rows
        ]

    async def signals(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        from_us: int,
        to_us: int,
        limit: int,
        before: tuple[int, int] | None,
    ) -> list[StoredSignal]:
        keys = _keys(tenant_id, meter_id, limit, before) | {"left": from_us, "right": to_us}
        rows = await self._clickhouse.query(*QUERIES["signals"](**keys))
        return [
            StoredSignal(at_us, version, *(None if value == NOT_SENT else value for value in values))
            for at_us, version, *values in rows
        ]

    async def known(
        self, tenant_id: TenantId, places: Sequence[tuple[MeterId, int]]
    ) -> dict[tuple[int, int], set[int]]:
        """``KnownRegisters``."""
        if not places:
            return {}
        instants = [at for _, at in places]
        rows = await self._clickhouse.query(
            *QUERIES["known_registers"](
                tenant=tenant_id,
                meters=sorted({meter_id for meter_id, _ in places}),
                left=min(instants),
                right=max(instants),
                places=list(places),
            )
        )
        found: dict[tuple[int, int], set[int]] = {}
        for meter_id, at, register in rows:
            found.setdefault((meter_id, at), set()).add(register)
        return found

    async def put(self, rows: Sequence[Dimension]) -> None:
        await put_dimensions(self._clickhouse, rows)


def _days(tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> dict[str, Any]:
    first, last = max(0, first_day), min(65_535, max(0, last_day))
    return {"tenant": tenant_id, "meter": meter_id, "first": day_to_date(first), "last": day_to_date(last)}


def _keys(tenant_id: TenantId, meter_id: MeterId, limit: int, before: tuple[int, int] | None) -> dict[str, Any]:
    us, version = before or (_LAST_64, _LAST_64)
    return {"tenant": tenant_id, "meter": meter_id, "limit": limit, "us": max(0, us), "version": max(0, version)}


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
