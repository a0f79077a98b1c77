# SPDX-License-Identifier: Apache-2.0
"""A tenant's gaps: what came of them, who has to be visited, what persons said."""

from openmains.app.command.reread_ports import EffectOfDay, MeterGap, VisitMeter
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.domain.period import day_to_date, utc
from openmains.domain.readings.rereads import GapState
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

SQL = load(__package__, "gaps.sql")


def _effect(row: Row) -> EffectOfDay:
    expected, received = row["expected"], row["received"]
    came = (
        received + row["filled_by_meter"] + row["filled_by_history"] + row["filled_by_reread"] + row["filled_by_person"]
    )
    rates = {
        "rate_before_ppm": received * 1_000_000 // expected,
        "rate_after_ppm": min(came, expected) * 1_000_000 // expected,
    }
    return EffectOfDay(**dict(row), **rates)


class Gaps:
    """``EffectStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def effect(self, first_day: int, last_day: int) -> list[EffectOfDay]:
        rows = await SQL["effect"].fetch(
            self._connection, tenant_id=self._tenant_id, first=day_to_date(first_day), last=day_to_date(last_day)
        )
        return [_effect(row) for row in rows]

    async def asks(self, since_s: int) -> tuple[int, int]:
        row = await SQL["asks"].fetchrow(self._connection, tenant_id=self._tenant_id, since_s=since_s)
        assert row is not None  # noqa: S101 of an aggregate
        return row["asks"], row["meters"]

    async def visits(self, limit: int, after: int | None, area_id: AreaId | None) -> list[VisitMeter]:
        rows = await SQL["visits"].fetch(
            self._connection, tenant_id=self._tenant_id, most=limit, after=after, area_id=area_id
        )
        return [_visit(row) for row in rows]

    async def gaps(self, meter_id: MeterId, limit: int) -> list[MeterGap]:
        rows = await SQL["gaps"].fetch(self._connection, tenant_id=self._tenant_id, meter_id=meter_id, most=limit)
        return [
            MeterGap(
                row["day"], row["state"], row["tries"], row["command_id"], row["filled_by"], row["visit"], utc(row["changed_s"]),
                row["reason"],
            )
            for row in rows
        ]  # fmt: skip

    async def close(self, meter_id: MeterId, reason: str, now_s: int) -> int:
        return await self._settle(meter_id, GapState.CLOSED, reason, now_s)

    async def again(self, meter_id: MeterId, reason: str, now_s: int) -> int:
        return await self._settle(meter_id, GapState.WANTED, reason, now_s)

    async def _settle(self, meter_id: MeterId, state: GapState, reason: str, now_s: int) -> int:
        told = await SQL["settle"].fetchval(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id, state=state, reason=reason, now_s=now_s
        )
        return int(told)


def _visit(row: Row) -> VisitMeter:
    own = dict(row)
    seen, since = own.pop("last_seen_s"), own.pop("since_s")
    return VisitMeter(**own, last_seen_at=None if seen is None else utc(seen), since=utc(since))
