# SPDX-License-Identifier: Apache-2.0
"""Add and change areas."""

from typing import Any

from openmains.app.fleet.model import Area, NewArea
from openmains.app.fleet.ports import AreaStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import AreaId


async def add_area(store: Store, actor: Actor, wanted: NewArea) -> Area:
    """Raises ``invalid-input`` for an unknown parent, ``code-taken``."""
    async with store.tenant(actor.tenant_id) as work:
        if wanted.parent_id is not None and await work[AreaStore].get(wanted.parent_id) is None:
            raise Problem("invalid-input", fields=(("/parent_id", "unknown-reference"),))
        area = await work[AreaStore].add(wanted.code, wanted.name, wanted.parent_id)
        if area is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_area", "area", area.area_id, None, area)
    return area


async def change_area(store: Store, actor: Actor, area_id: AreaId, values: dict[str, Any]) -> Area:
    """Raises ``not-found``; ``invalid-input`` for an unknown parent or one that would close a loop."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[AreaStore].get(area_id)
        if before is None:
            raise Problem("not-found")
        if not values:
            return before
        parent_id = values.get("parent_id")
        if parent_id is not None:
            if await work[AreaStore].get(parent_id) is None:
                raise Problem("invalid-input", fields=(("/parent_id", "unknown-reference"),))
            if await work[AreaStore].is_below(parent_id, area_id):
                raise Problem("invalid-input", fields=(("/parent_id", "would-loop"),))
        after = await work[AreaStore].change(area_id, values)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "change_area", "area", area_id, before, after)
    return after
