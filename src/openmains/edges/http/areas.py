# SPDX-License-Identifier: Apache-2.0
"""The tree of areas, its file, and premises (ADR 0025)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from litestar import Request, Response, get, patch, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter
from litestar.response import File
from msgspec import Struct, structs

from openmains.app.fleet import change_areas, change_premises, export
from openmains.app.fleet.area_file import write_areas
from openmains.app.fleet.areas import (
    Area,
    AreaChange,
    AreaDetail,
    AreaFilter,
    AreaKind,
    AreaKindChange,
    AreaRow,
    NewArea,
    NewAreaKind,
    NewPremises,
    Premises,
    PremisesChange,
    PremisesFilter,
)
from openmains.app.fleet.ports import AreaStore, PremisesStore
from openmains.app.job.model import Job
from openmains.app.job.request import ask_for_job
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.domain.fleet.coordinates import Datum
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, AreaKindId, PremisesId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Id32,
    IfMatch,
    Limit,
    OptionalId32,
    Page,
    after_id,
    changes,
    optional,
    page,
    revision_of,
)
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.text_door import file_name
from openmains.edges.http.uploads import LARGEST_IMPORT, keep_upload, kind_of

Search = Annotated[
    str | None,
    QueryParameter(min_length=1, max_length=64, description="Every word is a part of the code or the name."),
]
DatumQuery = Annotated[
    Datum,
    QueryParameter(description="Of the coordinates in the answer: WGS-84 as stored, or GCJ-02 for maps of China."),
]


class AreaKindList(Struct, frozen=True):
    """All kinds of areas, from the top of the tree down."""

    items: list[AreaKind]


@get("/area-kinds", operation_id="list_area_kinds", tags=["fleet"], opt=may(Permission.SEE_PLACES))
async def list_area_kinds(request: Request[Any, Any, Any]) -> AreaKindList:
    """What the utility calls the areas of its tree."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return AreaKindList(await work[AreaStore].kinds())


@post("/area-kinds", operation_id="add_area_kind", tags=["fleet"], opt=may(Permission.MANAGE_PLACES))
async def add_area_kind(request: Request[Any, Any, Any], data: JSONBody[NewAreaKind]) -> AreaKind:
    """Add a kind of areas."""
    return await change_areas.add_kind(deps_of(request).store, actor_of(request), data)


@patch("/area-kinds/{kind_id:int}", operation_id="change_area_kind", tags=["fleet"], opt=may(Permission.MANAGE_PLACES))
async def change_area_kind(request: Request[Any, Any, Any], kind_id: Id32, data: JSONBody[AreaKindChange]) -> AreaKind:
    """Rename a kind, or put it elsewhere in the order."""
    return await change_areas.change_kind(deps_of(request).store, actor_of(request), AreaKindId(kind_id), changes(data))


@get("/areas", operation_id="list_areas", tags=["fleet"], opt=may(Permission.SEE_PLACES))
async def list_areas(
    request: Request[Any, Any, Any],
    q: Search = None,
    parent_id: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1, description="Directly below it.")] = None,
    under: Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1, description="Anywhere below it.")] = None,
    roots: Annotated[bool, QueryParameter(description="Those below no other.")] = False,
    counts: Annotated[bool, QueryParameter(description="With the meters in use, here and below.")] = False,
    limit: Limit = 500,
    cursor: Cursor = None,
) -> Page[Area]:
    """Areas by code, page by page: a tree may have hundreds of thousands."""
    after = decode_cursor("areas", cursor, str)
    chosen = AreaFilter(
        optional(AreaId, parent_id), roots, optional(AreaId, under), q, limit + 1, after, is_counted=counts
    )
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AreaStore].page(chosen)
    return page("areas", rows, limit, lambda area: area.code)


@get(
    "/areas/file",
    operation_id="download_areas",
    media_type="application/octet-stream",
    tags=["fleet"],
    opt=may(Permission.SEE_PLACES),
)
async def download_areas(
    request: Request[Any, Any, Any],
    kind: FromQuery[Literal["csv", "xlsx"]] = "xlsx",
    under: OptionalId32 = None,
) -> File:
    """The tree, or an area with all below it, as a file that the import takes back."""
    deps, actor = deps_of(request), actor_of(request)

    async def pages() -> AsyncIterator[list[AreaRow]]:
        after = ""
        while True:
            async with deps.store.tenant(actor.tenant_id) as work:
                rows = await work[AreaStore].rows(export.PAGE, after, optional(AreaId, under))
            yield rows
            if len(rows) < export.PAGE:
                return
            after = rows[-1].path

    with NamedTemporaryFile(prefix="openmains-areas-", suffix=f".{kind}", delete=False) as made:
        path = Path(made.name)
    try:
        await write_areas(path, pages(), language_of(request))
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return File(
        path,
        filename=f"areas.{kind}",
        media_type=export.MEDIA[kind],
        content_disposition_type="attachment",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


@post(
    "/areas/import",
    operation_id="import_areas",
    status_code=202,
    tags=["fleet"],
    request_max_body_size=LARGEST_IMPORT,
    opt=may(Permission.MANAGE_PLACES),
)
async def import_areas(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    reason: Annotated[
        str,
        QueryParameter(
            max_length=400,
            description="Why areas move, where the file moves some; without one such a row is an error. Kept in the audit log.",
        ),
    ] = "",
) -> Job:
    """Import areas from CSV or XLSX as a job, all or nothing."""
    deps, actor = deps_of(request), actor_of(request)
    kind = await kind_of(data)
    name = file_name(data)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    digest, path = await asyncio.to_thread(keep_upload, data, folder, kind)
    params = {"file_name": name, "format": kind, "sha256": digest, "reason": reason}
    return await ask_for_job(
        deps.store, actor, "area_import", params, file_path=str(path), unique_key=f"areas:{digest}", reason=reason
    )


@get("/areas/{area_id:int}", operation_id="read_area", tags=["fleet"], opt=may(Permission.SEE_PLACES))
async def read_area(request: Request[Any, Any, Any], area_id: Id32) -> AreaDetail:
    """One area, the way to it, and what it holds with all below it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AreaStore].get(AreaId(area_id))
        if found is None:
            raise Problem("not-found")
        above = await work[AreaStore].above(found.area_id)
        sums = await work[AreaStore].sums(found.area_id)
    return AreaDetail(**{**structs.asdict(found), "meters": sums.meters}, above=above, sums=sums)


@post("/areas", operation_id="add_area", tags=["fleet"], opt=may(Permission.MANAGE_PLACES))
async def add_area(request: Request[Any, Any, Any], data: JSONBody[NewArea]) -> Area:
    """Add an area."""
    return await change_areas.add_area(deps_of(request).store, actor_of(request), data)


@patch("/areas/{area_id:int}", operation_id="change_area", tags=["fleet"], opt=may(Permission.MANAGE_PLACES))
async def change_area(request: Request[Any, Any, Any], area_id: Id32, data: JSONBody[AreaChange]) -> Area:
    """Rename an area, or move it with all below it: for another ``parent_id`` a reason is needed."""
    return await change_areas.change_area(deps_of(request).store, actor_of(request), AreaId(area_id), changes(data))


@get("/premises", operation_id="list_premises", tags=["fleet"], opt=may(Permission.SEE_PLACES))
async def list_premises(
    request: Request[Any, Any, Any],
    area_id: OptionalId32 = None,
    code: Annotated[str | None, QueryParameter(min_length=1, max_length=64, description="How the code begins.")] = None,
    datum: DatumQuery = "wgs84",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Premises]:
    """Premises; an area includes the areas below it."""
    chosen = PremisesFilter(optional(AreaId, area_id), code, limit + 1, after_id("premises", cursor))
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[PremisesStore].page(chosen)
    shown = [change_premises.shown_in(one, datum) for one in rows]
    return page("premises", shown, limit, lambda one: one.premises_id)


@get("/premises/{premises_id:int}", operation_id="read_premises", tags=["fleet"], opt=may(Permission.SEE_PLACES))
async def read_premises(
    request: Request[Any, Any, Any], premises_id: Id, datum: DatumQuery = "wgs84"
) -> Response[Premises]:
    """One of them; the ETag is for the next change."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[PremisesStore].get(PremisesId(premises_id))
    if found is None:
        raise Problem("not-found")
    return _told(change_premises.shown_in(found, datum))


@post("/premises", operation_id="add_premises", tags=["fleet"], opt=may(Permission.MANAGE_PREMISES))
async def add_premises(request: Request[Any, Any, Any], data: JSONBody[NewPremises]) -> Response[Premises]:
    """Add premises."""
    made = await change_premises.add_premises(deps_of(request).store, actor_of(request), data)
    return _told(change_premises.shown_in(made, data.datum), 201)


@patch(
    "/premises/{premises_id:int}", operation_id="change_premises", tags=["fleet"], opt=may(Permission.MANAGE_PREMISES)
)
async def change_premises_(
    request: Request[Any, Any, Any], premises_id: Id, data: JSONBody[PremisesChange], if_match: IfMatch = None
) -> Response[Premises]:
    """Change premises."""
    revision = revision_of(if_match)
    values = changes(data)
    made = await change_premises.change_premises(
        deps_of(request).store, actor_of(request), PremisesId(premises_id), revision, values
    )
    return _told(change_premises.shown_in(made, values.get("datum", "wgs84")))


def _told(premises: Premises, status: int = 200) -> Response[Premises]:
    return Response(premises, status_code=status, headers={"ETag": f'"{premises.revision}"'})


HANDLERS: list[Any] = [
    list_area_kinds,
    add_area_kind,
    change_area_kind,
    list_areas,
    download_areas,
    import_areas,
    read_area,
    add_area,
    change_area,
    list_premises,
    read_premises,
    add_premises,
    change_premises_,
]
