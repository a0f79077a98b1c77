# SPDX-License-Identifier: Apache-2.0
"""Files that name customers are in the trail before they go out (R13.6): who took which list, and how long it was."""

import re
from collections.abc import Mapping
from typing import Any

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Store

_LONG = re.compile(r"(\d{3})[\d\s-]{2,}[\dXx](\d[\dXx])")  # a phone, a number of a card or of a person


async def note_meters_export(store: Store, actor: Actor, rows: int, chosen: Mapping[str, Any]) -> None:
    """``chosen``: filters, form and columns of the list of meters; what is None is left out."""
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_meters", "meter", "list", None, _said(rows, chosen))


async def note_visits_export(store: Store, actor: Actor, rows: int, chosen: Mapping[str, Any]) -> None:
    """Of meters to go to."""
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_visits", "meter", "visits", None, _said(rows, chosen))


def asked_for(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as the trail keeps them: without what is None, and of a search no whole phone or identity number."""
    said = {name: value for name, value in chosen.items() if value is not None}
    return said | {"q": _LONG.sub(r"\1****\2", said["q"])} if isinstance(said.get("q"), str) else said


def _said(rows: int, chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {"rows": rows} | asked_for(chosen)
