# SPDX-License-Identifier: Apache-2.0
"""Concentrators and DTUs: the book, how they stand, and the meters behind them."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, delete, get, patch, post
from litestar.datastructures import UploadFile
from litestar.params import JSONBody, MultipartBody, QueryParameter
from litestar.response import Stream
from msgspec import structs

from openmains.app.fleet import change_concentrators as use
from openmains.app.fleet.concentrators import (
    ConcentratorChange,
    ConcentratorDetail,
    ConcentratorImport,
    ConcentratorMeter,
    ConcentratorMetersChange,
    NewConcentrator,
    RegisteredConcentrator,
)
from openmains.app.fleet.ports import ConcentratorStore
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, WhyQuery, after_id, changes, page
from openmains.edges.http.permissions import may

LARGEST_FILE = 8 * 1024 * 1024  # 100,000 lines
Search = Annotated[str | None, QueryParameter(min_length=1, max_length=64, description="A part of number or name.")]


@get("/concentrators", operation_id="list_concentrators", tags=["fleet"], opt=may(Permission.SEE_METERS))
async def list_concentrators(
    request: Request[Any, Any, Any],
    q: Search = None,
    is_connected: Annotated[bool | None, QueryParameter(description="Only those that are, or are not.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RegisteredConcentrator]:
    """Concentrators and DTUs by number, with how they stand."""
    after = decode_cursor("concentrators", cursor, str) or ""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ConcentratorStore].page(limit + 1, after, q=q, is_connected=is_connected)
    return page("concentrators", rows, limit, lambda row: row.number)


@get(
    "/concentrators/file",
    operation_id="download_concentrators",
    media_type="text/csv",
    tags=["fleet"],
    opt=may(Permission.EXPORT_METERS),
)
async def download_concentrators(request: Request[Any, Any, Any]) -> Stream:
    """All of them with the meters behind each, as a CSV, as a stream. The import takes it back, in files of at most 100,000 lines."""
    return Stream(
        _lines(use.file_pages(deps_of(request).store, actor_of(request))),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="concentrators.csv"'},
    )


async def _lines(pages: AsyncIterator[list[tuple[str, str, int, str]]]) -> AsyncIterator[bytes]:
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(use.COLUMNS)
    mark = "\ufeff"
    async for lines in pages:
        writer.writerows(lines)
        yield (mark + made.getvalue()).encode()
        made.seek(0)
        made.truncate()
        mark = ""


@post(
    "/concentrators/import",
    operation_id="import_concentrators",
    tags=["fleet"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
    request_max_body_size=LARGEST_FILE + 10_000,
)
async def import_concentrators(request: Request[Any, Any, Any], data: MultipartBody[UploadFile]) -> ConcentratorImport:
    """Register concentrators and put meters behind them from a CSV, all or nothing; what it does not name stays. At most 100,000
    lines; a longer file is divided anywhere."""
    raw = await data.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise Problem("too-large")
    return await use.import_concentrators(deps_of(request).store, actor_of(request), raw)


@get(
    "/concentrators/{concentrator_id:int}",
    operation_id="read_concentrator",
    tags=["fleet"],
    opt=may(Permission.SEE_METERS),
)
async def read_concentrator(request: Request[Any, Any, Any], concentrator_id: Id) -> ConcentratorDetail:
    """One with its newest frames and what was refused."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ConcentratorStore].get(concentrator_id)
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/concentrators/{concentrator_id:int}/meters",
    operation_id="list_behind",
    tags=["fleet"],
    opt=may(Permission.SEE_METERS),
)
async def list_behind(
    request: Request[Any, Any, Any], concentrator_id: Id, limit: Limit = 100, cursor: Cursor = None
) -> Page[ConcentratorMeter]:
    """The meters in use behind it; where they are, not to a maker's people."""
    deps, actor = deps_of(request), actor_of(request)
    after = after_id("behind", cursor) or 0
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[ConcentratorStore].meters(concentrator_id, limit + 1, after)

    def is_asked(name: str) -> bool:
        driver = None if deps.command_drivers is None else deps.command_drivers.command_driver(name)
        return driver is not None and driver.is_asked

    shown = [structs.replace(row, is_asked=is_asked(row.driver)) for row in rows]
    if actor.reach.products:
        shown = [structs.replace(row, address="") for row in shown]
    return page("behind", shown, limit, lambda row: row.meter_id)


@post("/concentrators", operation_id="add_concentrator", tags=["fleet"], opt=may(Permission.MANAGE_CONCENTRATORS))
async def add_concentrator(request: Request[Any, Any, Any], data: JSONBody[NewConcentrator]) -> ConcentratorDetail:
    """Register one, with the meters that it may speak for."""
    return await use.add_concentrator(deps_of(request).store, actor_of(request), data)


@patch(
    "/concentrators/{concentrator_id:int}",
    operation_id="change_concentrator",
    tags=["fleet"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def change_concentrator(
    request: Request[Any, Any, Any], concentrator_id: Id, data: JSONBody[ConcentratorChange]
) -> ConcentratorDetail:
    """Another name or pace."""
    return await use.change_concentrator(deps_of(request).store, actor_of(request), concentrator_id, changes(data))


@post(
    "/concentrators/{concentrator_id:int}/meters",
    operation_id="change_behind",
    tags=["fleet"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def change_behind(
    request: Request[Any, Any, Any], concentrator_id: Id, data: JSONBody[ConcentratorMetersChange]
) -> ConcentratorDetail:
    """Put meters behind it and take others away, all or nothing."""
    return await use.change_behind(deps_of(request).store, actor_of(request), concentrator_id, data)


@delete(
    "/concentrators/{concentrator_id:int}",
    operation_id="remove_concentrator",
    tags=["fleet"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def remove_concentrator(request: Request[Any, Any, Any], concentrator_id: Id, reason: WhyQuery = "") -> None:
    """It may connect no more, and its meters are behind none."""
    await use.remove_concentrator(deps_of(request).store, actor_of(request), concentrator_id, reason)


HANDLERS = (
    list_concentrators,
    download_concentrators,
    import_concentrators,
    read_concentrator,
    list_behind,
    add_concentrator,
    change_concentrator,
    change_behind,
    remove_concentrator,
)
