# SPDX-License-Identifier: Apache-2.0
"""Files that name customers are in the trail before they go out (R13.6): who took which list, and how long it was."""

from collections.abc import Mapping
from typing import Any

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Store


async def note_meters_export(store: Store, actor: Actor, rows: int, chosen: Mapping[str, Any]) -> None:
    """``chosen``: filters, form and columns of the list of meters; what is None is left out."""
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_meters", "meter", "list", None, _said(rows, chosen))


async def note_visits_export(store: Store, actor: Actor, rows: int, chosen: Mapping[str, Any]) -> None:
    """Of meters to go to."""
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_visits", "meter", "visits", None, _said(rows, chosen))


def _said(rows: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {"rows": rows} | {name: value for name, value in chosen.items() if value is not None}
