# SPDX-License-Identifier: Apache-2.0
"""Readings for subscriptions: the days that changed since a cursor (ADR 0022), some at a time."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from openmains.app.readings.changes import (
    BEFORE_CURSORS,
    END,
    ChangeCursor,
    ChangeFacts,
    Changes,
    ChangeStore,
    cursor_of,
)
from openmains.domain.ids import TenantId
from openmains.domain.quantity import LITRE_EXPONENT
from openmains.domain.readings.quality import rule_names


class ChangesFeed:
    """``ReadingFeed``. ``facts``: a transaction of a tenant; ``exponents``: of the unit of volume, by driver."""

    def __init__(
        self,
        store: ChangeStore,
        facts: Callable[[TenantId], AbstractAsyncContextManager[ChangeFacts]],
        exponents: Mapping[str, int],
    ) -> None:
        self._store, self._facts, self._exponents = store, facts, exponents

    async def now(self, tenant_id: TenantId) -> Any:
        async with self._facts(tenant_id) as facts:
            positions = await facts.positions()
        cursor = ChangeCursor()
        for shard, position in positions.items():
            cursor.told(shard, position)
        cursor.told(BEFORE_CURSORS, END)
        return cursor.key

    async def after(self, tenant_id: TenantId, cursor: Any, most: int) -> tuple[list[Mapping[str, Any]], Any]:
        async with self._facts(tenant_id) as facts:
            positions, drivers = await facts.positions(), await facts.drivers()
        changes = Changes(tenant_id, self._store, cursor_of(cursor), positions, page=most)
        days: list[Mapping[str, Any]] = []
        async for rows in changes.pages(most):
            days += [self._day(row, drivers) for row in rows]
        return days, changes.cursor.key

    def _day(self, row: Any, drivers: Mapping[int, str]) -> dict[str, Any]:
        _, meter_id, day, version, product_id, base, total, flags, grid, slots, measured, received_s = row
        return {
            "meter_id": meter_id,
            "day": day.isoformat(),
            "version": version,
            "base": base,
            "volume": total,
            "unit_exponent": self._exponents.get(drivers.get(product_id, ""), LITRE_EXPONENT),
            "slots": grid,
            "known": slots,
            "measured": measured,
            "rules": rule_names(flags),
            "received_s": received_s,
        }
