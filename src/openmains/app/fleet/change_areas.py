# SPDX-License-Identifier: Apache-2.0
"""Add, change and move areas; kinds of areas."""

from typing import Any

from msgspec import structs

from openmains.app.fleet.areas import Area, AreaKind, AreaMove, NewArea, NewAreaKind
from openmains.app.fleet.ports import AreaStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.area_rows import MOST_DEPTH
from openmains.domain.ids import AreaId, AreaKindId


async def add_area(store: Store, actor: Actor, wanted: NewArea) -> Area:
    """Raises ``invalid-input`` for an unknown parent or kind, or one too deep; ``code-taken``."""
    async with store.tenant(actor.tenant_id) as work:
        if wanted.parent_id is not None:
            above = await work[AreaStore].get(wanted.parent_id)
            if above is None:
                raise _wrong("parent_id", "unknown-reference")
            if above.depth >= MOST_DEPTH:
                raise _wrong("parent_id", "too-deep")
        await _check_kind(work, wanted.kind_id)
        area = await work[AreaStore].add(wanted.code, wanted.name, wanted.parent_id, wanted.kind_id)
        if area is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_area", "area", area.area_id, None, area)
    return area


async def change_area(store: Store, actor: Actor, area_id: AreaId, values: dict[str, Any]) -> Area:
    """Another ``parent_id`` moves the branch. Raises ``not-found``; ``reason-needed`` for a move without one; ``invalid-input`` for an
    unknown parent or kind, a parent that would close a loop, a tree that would be too deep."""
    reason, values = values.get("reason", ""), {name: value for name, value in values.items() if name != "reason"}
    async with store.tenant(actor.tenant_id) as work:
        if "parent_id" in values:
            await work[AreaStore].hold_tree()  # what is asked below stays so until this is done
        before = await work[AreaStore].get(area_id)
        if before is None:
            raise Problem("not-found")
        if not values:
            return before
        await _check_kind(work, values.get("kind_id"))
        moves = values.get("parent_id", before.parent_id) != before.parent_id
        if moves:
            reason = stated(reason)
            await _check_move(work, before, values["parent_id"])
        after = await work[AreaStore].change(area_id, values)
        assert after is not None  # noqa: S101 read in this transaction
        if moves:
            sums = await work[AreaStore].sums(area_id)
            told = AreaMove(**{**structs.asdict(after), "meters": sums.meters}, areas=1 + sums.areas_below)
            await work[AuditTrail].record(actor, "move_area", "area", area_id, before, told, reason=reason)
        else:
            await work[AuditTrail].record(actor, "change_area", "area", area_id, before, after)
    return after


async def _check_move(work: Work, area: Area, parent_id: AreaId | None) -> None:
    if parent_id is None:
        return
    above = await work[AreaStore].get(parent_id)
    if above is None:
        raise _wrong("parent_id", "unknown-reference")
    if await work[AreaStore].is_below(parent_id, area.area_id):
        raise _wrong("parent_id", "would-loop")
    if above.depth + await work[AreaStore].levels(area.area_id) > MOST_DEPTH:
        raise _wrong("parent_id", "too-deep")


async def _check_kind(work: Work, kind_id: AreaKindId | None) -> None:
    if kind_id is not None and await work[AreaStore].kind(kind_id) is None:
        raise _wrong("kind_id", "unknown-reference")


def _wrong(field: str, code: str) -> Problem:
    return Problem("invalid-input", fields=((f"/{field}", code),))


async def add_kind(store: Store, actor: Actor, wanted: NewAreaKind) -> AreaKind:
    """Raises ``code-taken``."""
    async with store.tenant(actor.tenant_id) as work:
        made = await work[AreaStore].add_kind(wanted)
        if made is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_area_kind", "area_kind", made.kind_id, None, made)
    return made


async def change_kind(store: Store, actor: Actor, kind_id: AreaKindId, values: dict[str, Any]) -> AreaKind:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[AreaStore].kind(kind_id)
        if before is None:
            raise Problem("not-found")
        if not values:
            return before
        after = await work[AreaStore].change_kind(kind_id, values)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "change_area_kind", "area_kind", kind_id, before, after)
    return after
