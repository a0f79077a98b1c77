# SPDX-License-Identifier: Apache-2.0
"""A utility's own tags of meters (ADR 0056)."""

from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody
from msgspec import Meta, Struct, structs, to_builtins

from openmains.app.fleet import tags
from openmains.app.fleet.export import MOST_HITS
from openmains.app.fleet.model import (
    AreaRef,
    KindFilter,
    MeterFilter,
    MeterRef,
    MeterStatus,
    MeterTag,
    ProductRef,
    TagRef,
)
from openmains.app.fleet.ports import MeterStore
from openmains.app.fleet.tags import MOST_TAGGED, NewTag, TagAct, TaggedMeters, TagStore
from openmains.app.party import customers
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId, TagId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.fleet_meters import hits_of, is_found_by_itself
from openmains.edges.http.inputs import Id32, WhyQuery
from openmains.edges.http.party import vault_of
from openmains.edges.http.permissions import may


class TagList(Struct, frozen=True):
    """All tags of the utility, by name."""

    items: list[MeterTag]


class TagFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """All meters that the list of meters shows with these filters, every page of it."""

    q: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    area_id: AreaRef | None = None
    product_id: ProductRef | None = None
    status: MeterStatus | None = None
    tag_id: TagRef | None = None
    kind: KindFilter = "meter"


class TagRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """``act``: put the tag on, or take it off. Of ``meter_ids`` and ``among`` one is given. ``preview``: count, and change nothing."""

    act: TagAct
    meter_ids: Annotated[list[MeterRef], Meta(min_length=1, max_length=1000)] | None = None
    among: TagFilter | None = None
    preview: bool = False


@get("/tags", operation_id="list_tags", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_tags(request: Request[Any, Any, Any]) -> TagList:
    """All tags that meters of the utility can have."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return TagList(await work[TagStore].all())


@post("/tags", operation_id="add_tag", tags=["meters"], opt=may(Permission.MANAGE_METERS, whole=True))
async def add_tag(request: Request[Any, Any, Any], data: JSONBody[NewTag]) -> MeterTag:
    """Add a tag; nothing has it yet."""
    return await tags.add_tag(deps_of(request).store, actor_of(request), data)


@put("/tags/{tag_id:int}", operation_id="change_tag", tags=["meters"], opt=may(Permission.MANAGE_METERS, whole=True))
async def change_tag(request: Request[Any, Any, Any], tag_id: Id32, data: JSONBody[NewTag]) -> MeterTag:
    """Give a tag another name or colour, on all meters that have it."""
    return await tags.change_tag(deps_of(request).store, actor_of(request), TagId(tag_id), data)


@delete(
    "/tags/{tag_id:int}",
    operation_id="remove_tag",
    status_code=204,
    tags=["meters"],
    opt=may(Permission.MANAGE_METERS, whole=True),
)
async def remove_tag(request: Request[Any, Any, Any], tag_id: Id32, reason: WhyQuery = "") -> None:
    """Remove a tag from the utility and from all meters that have it; there is no way back but to put it on them again."""
    await tags.remove_tag(deps_of(request).store, actor_of(request), TagId(tag_id), reason)


@post(
    "/tags/{tag_id:int}/meters",
    operation_id="tag_meters",
    status_code=200,
    tags=["meters"],
    opt=may(Permission.MANAGE_METERS),
)
async def tag_meters(request: Request[Any, Any, Any], tag_id: Id32, data: JSONBody[TagRequest]) -> TaggedMeters:
    """Put a tag on meters or take it off: on some by id, or on all that filters of the list take. A preview counts first."""
    deps, actor = deps_of(request), actor_of(request)
    if (data.meter_ids is None) == (data.among is None):
        raise Problem("invalid-input", fields=(("/meter_ids", "meters-or-among"),))
    chosen: MeterFilter | list[MeterId] = [MeterId(each) for each in data.meter_ids or ()]
    if data.among is not None:
        chosen = await _among(request, data.among)
    asked = {} if data.among is None else to_builtins(data.among)
    return await tags.tag_meters(
        deps.store, actor, TagId(tag_id), data.act, chosen, _given(asked), preview=data.preview
    )


def _given(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


async def _among(request: Request[Any, Any, Any], asked: TagFilter) -> MeterFilter | list[MeterId]:
    """The filter; with a search text the meters it finds, as the list shows them to this person. Raises ``too-many-tagged`` where a search
    finds more than a file of it would hold."""
    deps, actor = deps_of(request), actor_of(request)
    within = MeterFilter(
        asked.area_id,
        asked.product_id,
        asked.status,
        limit=MOST_TAGGED + 1,
        now_us=deps.now_us(),
        kind=asked.kind,
        tag_id=asked.tag_id,
    )
    if asked.q is None:
        return within
    sees_customers = actor.may(Permission.SEE_CUSTOMERS)
    phone = await customers.phone_blind(vault_of(deps), actor, asked.q) if sees_customers else None
    found: dict[MeterId, None] = {}
    cursor = None
    while True:
        async with deps.store.tenant(actor.tenant_id) as work:
            page, cursor = await hits_of(work, phone, asked.q, 200, cursor, structs.replace(within, limit=200))
            if not sees_customers:
                page = [row.meter_id for row in await work[MeterStore].by_ids(page) if is_found_by_itself(row, asked.q)]
        found.update(dict.fromkeys(page))
        if cursor is None:
            return list(found)
        if len(found) >= MOST_HITS:
            raise Problem("too-many-tagged", limit=MOST_HITS)


HANDLERS: list[Any] = [list_tags, add_tag, change_tag, remove_tag, tag_meters]
