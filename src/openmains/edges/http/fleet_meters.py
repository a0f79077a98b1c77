# SPDX-License-Identifier: Apache-2.0
"""The registry of meters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal, TypeVar

from litestar import Request, Response, delete, get, patch, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.response import File
from msgspec import Meta, structs

from openmains.app.fleet import export, register
from openmains.app.fleet.model import (
    KindFilter,
    Meter,
    MeterChange,
    MeterDetail,
    MeterFilter,
    MeterSort,
    MeterStatus,
    NewMeter,
    RegisteredMeter,
)
from openmains.app.fleet.ports import Dimensions, MeterSearch, MeterStore
from openmains.app.identity.exports import note_meters_export
from openmains.app.identity.model import Actor
from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.party import customers
from openmains.app.party.ports import PersonalStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Work
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, MeterId, ProductId, TagId
from openmains.domain.party.personal import PersonalField
from openmains.domain.period import zone
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_of
from openmains.edges.http.inputs import (
    Counted,
    Cursor,
    Id,
    IfMatch,
    Key,
    Limit,
    OptionalId32,
    Page,
    WhyQuery,
    changes,
    optional,
    page,
    revision_of,
)
from openmains.edges.http.party import vault_of
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

MOST_COUNTED = 10_000  # of a list
Kinds = Annotated[
    KindFilter,
    QueryParameter(description="Which devices: meters, monitors (all or of one kind), or any."),
]


def dimensions_of(deps: ApiDeps) -> Dimensions:
    """Raises ``not-offered`` where the deployment keeps no readings."""
    if deps.dimensions is None:
        raise Problem("not-offered")
    return deps.dimensions


_AnyMeter = TypeVar("_AnyMeter", bound=Meter)


def _shown(actor: Actor, meter: _AnyMeter) -> _AnyMeter:
    """Whose it is, only to who may see customers; where it is, not to a maker's people."""
    if actor.reach.products:
        meter = structs.replace(meter, address="")
    if actor.may(Permission.SEE_CUSTOMERS):
        return meter
    bare = structs.replace(meter, customer_id=None, customer_code=None, customer_name=None)
    return structs.replace(bare, customer=None) if isinstance(bare, MeterDetail) else bare


def is_found_by_itself(meter: Meter, q: str) -> bool:
    """Every word occurs in what the meter itself is called or where it is: not in whose it is."""
    texts = " ".join(
        (meter.number, meter.bar_code, meter.imei or "", meter.address, meter.area_name, meter.product_code)
    ).casefold()
    return all(word in texts for word in q.casefold().split())


async def _answer(deps: ApiDeps, actor: Actor, meter: MeterDetail, status: int = 200) -> Response[MeterDetail]:
    """With the customer's phone masked (R13.2)."""
    meter = _shown(actor, meter)
    if meter.customer is not None:
        phone = await customers.phone_of(deps.store, vault_of(deps), actor, meter.customer.customer_id)
        meter = structs.replace(meter, customer=structs.replace(meter.customer, phone=phone))
    return Response(meter, status_code=status, headers={"ETag": f'"{meter.revision}"'})


@get("/meters", operation_id="list_meters", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_meters(
    request: Request[Any, Any, Any],
    q: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=64,
            description="Fuzzy search: every word occurs in a field or in the area's name; within the filters.",
        ),
    ] = None,
    area_id: OptionalId32 = None,
    product_id: OptionalId32 = None,
    status: FromQuery[MeterStatus | None] = None,
    tag_id: OptionalId32 = None,
    kind: Kinds = "meter",
    sort: FromQuery[MeterSort] = "number",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Meter]:
    """Meters by filter, or those a search finds; an area includes the areas below it."""
    deps, actor = deps_of(request), actor_of(request)
    scope = f"meters {sort}"
    after = decode_cursor(scope, cursor, tuple[str, Key, int]) if q is None else None
    chosen = MeterFilter(
        optional(AreaId, area_id),
        optional(ProductId, product_id),
        status,
        sort,
        limit + 1,
        None if after is None else after[:2],
        deps.now_us(),
        kind,
        tag_id=optional(TagId, tag_id),
    )
    if q is not None:
        return await _search(deps, actor, q, min(limit, 200), cursor, chosen)
    before = 0 if after is None else after[2]
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = [_shown(actor, meter) for meter in await work[MeterStore].page(chosen)]
        seen = await _note_names(work, actor, before, rows[:limit], {"area_id": area_id, "product_id": product_id})
    return page(scope, rows, limit, lambda meter: (meter.number, meter.meter_id, seen))


@get("/meters/count", operation_id="count_meters", tags=["meters"], opt=may(Permission.SEE_METERS))
async def count_meters(
    request: Request[Any, Any, Any],
    area_id: OptionalId32 = None,
    product_id: OptionalId32 = None,
    status: FromQuery[MeterStatus | None] = None,
    tag_id: OptionalId32 = None,
    kind: Kinds = "meter",
) -> Counted:
    """How many meters the filters of the list take, counted up to ten thousand; null where a status is asked for among very many.
    A search has no total."""
    deps, actor = deps_of(request), actor_of(request)
    chosen = MeterFilter(
        optional(AreaId, area_id),
        optional(ProductId, product_id),
        status,
        limit=MOST_COUNTED,
        now_us=deps.now_us(),
        kind=kind,
        tag_id=optional(TagId, tag_id),
    )
    async with deps.store.tenant(actor.tenant_id) as work:
        return Counted(await work[MeterStore].count(chosen), MOST_COUNTED)


async def _note_names(work: Work, actor: Actor, before: int, told: Sequence[Meter], chosen: dict[str, Any]) -> int:
    """How many customers' names this list has told so far; many of them are in the trail (R13.5)."""
    names = sum(meter.customer_name is not None for meter in told)
    if names:
        await customers.note_seen(work, actor, "meter", before, names, chosen)
    return before + names


async def _search(
    deps: ApiDeps, actor: Actor, q: str, limit: int, cursor: str | None, within: MeterFilter
) -> Page[Meter]:
    sees_customers = actor.may(Permission.SEE_CUSTOMERS)
    phone = await customers.phone_blind(vault_of(deps), actor, q) if sees_customers else None
    async with deps.store.tenant(actor.tenant_id) as work:
        after = decode_cursor("search", cursor, tuple[str, int])
        found, following = await hits_of(work, phone, q, limit, after and after[0], within)
        shown = [_shown(actor, meter) for meter in await work[MeterStore].by_ids(found)]
        told = [meter for meter in shown if sees_customers or is_found_by_itself(meter, q)]
        seen = await _note_names(work, actor, after[1] if after else 0, told, {"q": q})
    return Page(items=told, next=encode_cursor("search", (following, seen)) if following is not None else None)


async def hits_of(
    work: Work, phone: bytes | None, q: str, limit: int, after: str | None, within: MeterFilter
) -> tuple[list[MeterId], str | None]:
    """Who was found, and where what follows begins. A whole phone is looked up by its blind index; its meters come first."""
    try:
        hits = await work[MeterSearch].search(q, limit, after, within)
    except ValueError as error:
        raise Problem("invalid-input", fields=(("/q", "wrong-format"),)) from error
    more = len(hits) == limit
    found = [hit.meter_id for hit in hits]
    owners = await work[PersonalStore].find({PersonalField.PHONE: phone}) if phone and after is None else []
    if owners:
        chosen = structs.replace(within, sort="number", after=None, limit=200, customer_ids=tuple(owners))
        theirs = [meter.meter_id for meter in await work[MeterStore].page(chosen)]
        found = list(dict.fromkeys([*theirs, *found]))
    return found, hits[-1].cursor if more else None


@get(
    "/meters/file",
    operation_id="download_meters",
    media_type="application/octet-stream",
    tags=["meters"],
    opt=may(Permission.EXPORT_METERS),
)
async def download_meters(
    request: Request[Any, Any, Any],
    kind: FromQuery[Literal["csv", "xlsx"]] = "xlsx",
    q: Annotated[str | None, QueryParameter(min_length=1, max_length=64, description="As in the list.")] = None,
    area_id: OptionalId32 = None,
    product_id: OptionalId32 = None,
    status: FromQuery[MeterStatus | None] = None,
    tag_id: OptionalId32 = None,
    devices: Kinds = "meter",
    sort: FromQuery[MeterSort] = "number",
    columns: Annotated[
        str,
        QueryParameter(
            max_length=400, pattern=r"^[a-z_,0-9]*$", description="Names with commas between; all without it."
        ),
    ] = "",
    only: Annotated[
        list[Annotated[int, Meta(ge=1, le=2**63 - 1)]] | None,
        QueryParameter(
            name="meter_id", max_items=500, description="Only these meters; the filters are not asked then."
        ),
    ] = None,
) -> File:
    """The list as a file: the same filters and order, every page of it; of a search the best 10,000 hits."""
    deps, actor = deps_of(request), actor_of(request)
    chosen = tuple(columns.split(",")) if columns else tuple(export.COLUMNS)
    if unknown := [name for name in chosen if name not in export.COLUMNS]:
        raise Problem("invalid-input", fields=tuple(("/columns", "not-accepted") for _ in unknown))

    told = 0

    sees_customers = actor.may(Permission.SEE_CUSTOMERS)

    async def counted() -> AsyncIterator[list[RegisteredMeter]]:
        nonlocal told
        async for rows in pages():
            shown = [_shown(actor, row) for row in rows]
            kept = [row for row in shown if sees_customers or not q or is_found_by_itself(row, q)]
            told += len(kept)
            yield kept

    async def pages() -> AsyncIterator[list[RegisteredMeter]]:
        if only:
            async with deps.store.tenant(actor.tenant_id) as work:
                yield await work[MeterStore].registered_by_ids([MeterId(each) for each in dict.fromkeys(only)])
            return
        cursor, after, hits = None, None, 0
        phone = await customers.phone_blind(vault_of(deps), actor, q) if q is not None and sees_customers else None
        while True:
            wanted = MeterFilter(
                optional(AreaId, area_id),
                optional(ProductId, product_id),
                status,
                sort,
                export.PAGE,
                after,
                deps.now_us(),
                devices,
                tag_id=optional(TagId, tag_id),
            )
            if q is not None:
                async with deps.store.tenant(actor.tenant_id) as work:
                    found, cursor = await hits_of(work, phone, q, 200, cursor, wanted)
                    rows = await work[MeterStore].registered_by_ids(found)
                hits += len(found)
                yield rows
                if cursor is None or hits >= export.MOST_HITS:
                    return
                continue
            async with deps.store.tenant(actor.tenant_id) as work:
                rows = await work[MeterStore].registered(wanted)
            yield rows
            if len(rows) < export.PAGE:
                return
            after = (rows[-1].number, rows[-1].meter_id)

    with NamedTemporaryFile(prefix="openmains-meters-", suffix=f".{kind}", delete=False) as made:
        path = Path(made.name)
    write = export.write_xlsx if kind == "xlsx" else export.write_csv
    try:
        await write(path, counted(), chosen, zone(actor.zone), language_of(request))
        asked = {
            "q": q,
            "area_id": area_id,
            "product_id": product_id,
            "status": status,
            "tag_id": tag_id,
            "kind": kind,
            "columns": columns,
        }
        await note_meters_export(deps.store, actor, told, asked)
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return File(
        path,
        filename=f"meters.{kind}",
        media_type=export.MEDIA[kind],
        content_disposition_type="attachment",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


@get("/meters/{meter_id:int}", operation_id="read_meter", tags=["meters"], opt=may(Permission.SEE_METERS))
async def read_meter(request: Request[Any, Any, Any], meter_id: Id) -> Response[MeterDetail]:
    """One meter with its customer and last state; the ETag is for the next change."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        found = await work[MeterStore].get(MeterId(meter_id))
    if found is None:
        raise Problem("not-found")
    return await _answer(deps, actor, found)


@post("/meters", operation_id="add_meter", tags=["meters"], opt=may(Permission.MANAGE_METERS))
async def add_meter(request: Request[Any, Any, Any], data: JSONBody[NewMeter]) -> Response[MeterDetail]:
    """Add a meter; its messages are accepted within seconds."""
    deps, actor = deps_of(request), actor_of(request)
    made = await register.add_meter(deps.store, dimensions_of(deps), actor, data, today_of(deps, actor))
    return await _answer(deps, actor, made, 201)


@patch("/meters/{meter_id:int}", operation_id="change_meter", tags=["meters"], opt=may(Permission.MANAGE_METERS))
async def change_meter(
    request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[MeterChange], if_match: IfMatch = None
) -> Response[MeterDetail]:
    """Change what is known of a meter."""
    deps, actor = deps_of(request), actor_of(request)
    revision = revision_of(if_match)
    found = await register.change_meter(
        deps.store, dimensions_of(deps), actor, MeterId(meter_id), revision, changes(data), today_of(deps, actor)
    )
    return await _answer(deps, actor, found)


@delete(
    "/meters/{meter_id:int}",
    operation_id="remove_meter",
    status_code=200,
    tags=["meters"],
    opt=may(Permission.MANAGE_METERS),
)
async def remove_meter(
    request: Request[Any, Any, Any],
    meter_id: Id,
    on: Annotated[date | None, QueryParameter(name="date", description="Day of removal; today without it.")] = None,
    if_match: IfMatch = None,
    reason: WhyQuery = "",
) -> Response[MeterDetail]:
    """Take a meter out of use; its readings stay, its IMEI is free again."""
    deps, actor = deps_of(request), actor_of(request)
    revision = revision_of(if_match)
    today = today_of(deps, actor)
    found = await register.remove_meter(
        deps.store, dimensions_of(deps), actor, MeterId(meter_id), revision, on or today, today, reason
    )
    return await _answer(deps, actor, found)


HANDLERS: list[Any] = [list_meters, count_meters, download_meters, read_meter, add_meter, change_meter, remove_meter]
