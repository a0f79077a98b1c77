# SPDX-License-Identifier: Apache-2.0
"""``HomeStore`` on one tenant's transaction."""

from collections.abc import Collection, Mapping

from openmains.app.home.model import MeterEvent, MeterTotals, Queue, WorkWaiting
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.domain.readings.quality import Rule
from openmains.drivers.points import vocabulary
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.fleet.meters import SILENT_DAYS
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
_WAITING: Mapping[Queue, Query] = {
    "approvals": _QUERIES["waiting_approvals"],
    "edits": _QUERIES["waiting_edits"],
    "ledger_acts": _QUERIES["waiting_ledger_acts"],
    "plans": _QUERIES["waiting_plans"],
    "exceptions": _QUERIES["waiting_exceptions"],
    "batches_stopped": _QUERIES["waiting_batches_stopped"],
    "visits": _QUERIES["waiting_visits"],
    "own_orders": _QUERIES["waiting_own_orders"],
    "orders_to_assign": _QUERIES["waiting_orders_to_assign"],
    "orders_to_check": _QUERIES["waiting_orders_to_check"],
    "unknown_terminals": _QUERIES["waiting_unknown_terminals"],
    "dead_letters": _QUERIES["waiting_dead_letters"],
}
_LOW_BATTERY = vocabulary().event_mask(["low_battery"])


class Home:
    """Reads of every context."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def meters(self, now_us: int) -> list[MeterTotals]:
        rows = await _QUERIES["meter_totals"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            modes=list(SILENT_DAYS),
            silent_days=list(SILENT_DAYS.values()),
            low_battery=_LOW_BATTERY,
        )
        return [
            MeterTotals(
                medium=row["medium"],
                active=row["active"],
                online=row["active"] - row["never_seen"] - row["silent"],
                silent=row["silent"],
                never_seen=row["never_seen"],
                low_battery=row["low_battery"],
                valves_closed=row["valves_closed"],
                valves_faulty=row["valves_faulty"],
            )
            for row in rows
        ]

    async def waiting(self, user_id: UserId, queues: Collection[Queue], most: int) -> list[WorkWaiting]:
        found = []
        for queue in queues:
            count = await _WAITING[queue].fetchval(
                self._connection, tenant_id=self._tenant_id, user_id=user_id, most=most
            )
            if count > 0:
                found.append(WorkWaiting(queue, count))
        return found

    async def timeline(
        self, meter_id: MeterId, before: tuple[int, str, int] | None, limit: int, *, has_trail: bool
    ) -> list[MeterEvent]:
        rows = await _QUERIES["timeline"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            meter_id=meter_id,
            before_us=None if before is None else before[0],
            before_kind=None if before is None else before[1],
            before_reference=None if before is None else before[2],
            has_trail=has_trail,
            most=limit,
        )
        return [
            MeterEvent(
                at=utc_of_us(row["at_us"]),
                kind=row["kind"],
                code=Rule(int(row["code"])).name.lower() if row["kind"] == "finding" else row["code"],
                outcome=row["outcome"],
                who=row["who"],
                reason=row["reason"],
                reference=row["reference"],
            )
            for row in rows
        ]

    async def closed_for_safety(self) -> int:
        count: int = await _QUERIES["closed_for_safety"].fetchval(self._connection, tenant_id=self._tenant_id)
        return count
