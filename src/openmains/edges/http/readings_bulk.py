# SPDX-License-Identifier: Apache-2.0
"""Readings of very many meters: registers at an instant, and values of quantities as files that follow one another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, get
from litestar.background_tasks import BackgroundTask
from litestar.params import QueryParameter
from litestar.response import File, Stream
from msgspec import Struct

from openmains.app.fleet.choice import ChosenMeter, check_choice, chosen_pages
from openmains.app.paging import decode_cursor
from openmains.app.readings.bulk import export
from openmains.app.readings.bulk.files import write_sheets
from openmains.app.readings.bulk.ports import Form
from openmains.app.readings.bulk.registers import (
    REGISTER_HEADS,
    RegisterAt,
    RegisterPage,
    check_instant,
    fingerprint,
    note_registers,
    register_csv,
    register_lines,
    register_pages,
    register_told,
    registers_at,
)
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import zone
from openmains.edges.http.bulk_inputs import CHOICE, CSV, XLSX, Chosen, bulk_of
from openmains.edges.http.deps import Connection, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Key, Limit, Page, page, seconds
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import From, To, exponents_of, period_of

MEDIA: dict[Form, str] = {
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "csv": CSV,
}
ENDINGS: dict[Form, str] = {"arrow": "arrows", "parquet": "parquet", "csv": "csv"}
At = Annotated[datetime, QueryParameter(description="RFC 3339 instant with offset, not in the future.")]


class RegistersPage(Struct, frozen=True):
    """Registers at an instant of a page of meters, by id; ``next`` is the cursor of the page after it, null on the last."""

    at: datetime
    zone: str
    items: list[RegisterAt]
    next: str | None


@get(
    "/bulk/registers",
    operation_id="list_registers_at",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
    dependencies=CHOICE,
)
async def list_registers_at(
    request: Request[Any, Any, Any], meters: Chosen, at: At, limit: Limit = 100, cursor: Cursor = None
) -> RegistersPage:
    """Registers at one instant of all meters of a filter: exact where known, else on the line between its neighbours and marked
    estimated, null where nothing around it says."""
    deps, actor = deps_of(request), actor_of(request)
    at_s = seconds(at, "at")
    check_instant(at_s, deps.now_s())
    await check_choice(deps.store, actor.tenant_id, meters)
    scope = f"registers at {at_s} {fingerprint(meters)}"
    after = MeterId(decode_cursor(scope, cursor, Key) or 0)
    rows: list[ChosenMeter] = []
    async for found in chosen_pages(deps.store, actor.tenant_id, meters, after, deps.now_us(), limit + 1):
        rows = found
        break
    shown: Page[ChosenMeter] = page(scope, rows, limit, lambda meter: meter.meter_id)
    known = await registers_at(
        bulk_of(deps), actor.tenant_id, [meter.meter_id for meter in shown.items], at_s, zone(actor.zone)
    )
    exponents = exponents_of(deps)
    items = [register_told(meter, known.get(meter.meter_id), exponents(meter.driver)) for meter in shown.items]
    return RegistersPage(at, actor.zone, items, shown.next)


@get(
    "/bulk/registers.csv",
    operation_id="download_registers_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
    dependencies=CHOICE,
)
async def download_registers_csv(request: Request[Any, Any, Any], meters: Chosen, at: At) -> Stream:
    """The same of all meters of the filter as CSV (UTF-8 with byte order mark), as a stream."""
    pages = await _file_pages(request, meters, at, "csv")
    lines = register_csv(pages, _when(request, at), exponents_of(deps_of(request)), language_of(request))
    return Stream(lines, media_type=CSV, headers=_named("registers.csv"))


@get(
    "/bulk/registers.xlsx",
    operation_id="download_registers_xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
    dependencies=CHOICE,
)
async def download_registers_xlsx(request: Request[Any, Any, Any], meters: Chosen, at: At) -> File:
    """The same as a workbook; a further sheet after a million meters."""
    pages = await _file_pages(request, meters, at, "xlsx")
    lines = register_lines(pages, _when(request, at), exponents_of(deps_of(request)), language_of(request))
    return await sheets("registers.xlsx", REGISTER_HEADS[language_of(request)], lines)


@get(
    "/bulk/values",
    operation_id="export_values",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
    dependencies=CHOICE,
    media_type="application/octet-stream",
)
async def export_values(
    request: Request[Any, Any, Any],
    meters: Chosen,
    points: Annotated[
        list[str],
        QueryParameter(
            min_items=1,
            max_items=export.MOST_QUANTITIES,
            description="Quantities: increments, register, pressure …; see /meters/{id}/quantities.",
        ),
    ],
    start: From,
    end: To,
    form: Annotated[
        Form | None,
        QueryParameter(description="Without it what Accept names: Arrow IPC stream, Parquet or CSV; else CSV."),
    ] = None,
    rows: Annotated[
        int,
        QueryParameter(ge=1, le=1_000_000_000, description="Values a part holds at most; a meter is never divided."),
    ] = 1_000_000,
    cursor: Cursor = None,
) -> Stream:
    """Values of quantities of all meters of a filter over a period, as one part of whole meters. Where meters follow, the header
    ``Link`` (rel=next) names the next part and ``Next-Cursor`` its cursor, which holds however often the server is restarted."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = period_of(start, end)
    await check_choice(deps.store, actor.tenant_id, meters)
    wanted = export.wanted_values(points, left, right, actor.zone)
    chosen = form or _accepted(request)
    part = await export.plan_part(
        deps.store, bulk_of(deps), actor, meters, wanted, chosen, rows, cursor, exponents_of(deps), deps.now_us()
    )
    headers = _named(f"values.{ENDINGS[chosen]}")
    if part.following is not None:
        said = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        following = urlencode([*said, ("cursor", part.following)])
        headers |= {"Next-Cursor": part.following, "Link": f'<{request.url.path}?{following}>; rel="next"'}
    return Stream(
        export.part_bytes(bulk_of(deps), actor, wanted, chosen, part), media_type=MEDIA[chosen], headers=headers
    )


def _accepted(connection: Connection) -> Form:
    said = connection.headers.get("accept", "")
    return next((form for form, media in MEDIA.items() if media.split(";")[0] in said), "csv")


async def sheets(name: str, head: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]]) -> File:
    """A workbook that is deleted when it has been sent."""
    with NamedTemporaryFile(prefix="openmains-bulk-", suffix=".xlsx", delete=False) as made:
        path = Path(made.name)
    try:
        await write_sheets(path, head, pages)
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return _sent_once(path, name, XLSX)


async def kept_file(name: str, media_type: str, chunks: AsyncIterator[bytes]) -> File:
    """A file that is written whole before it is sent, and deleted then."""
    with NamedTemporaryFile(prefix="openmains-bulk-", delete=False) as made:
        path = Path(made.name)
        try:
            async for chunk in chunks:
                made.write(chunk)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
    return _sent_once(path, name, media_type)


def _sent_once(path: Path, name: str, media_type: str) -> File:
    return File(
        path,
        filename=name,
        media_type=media_type,
        content_disposition_type="attachment",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


async def _file_pages(
    request: Request[Any, Any, Any], meters: Chosen, at: datetime, form: str
) -> AsyncIterator[RegisterPage]:
    """What the file is made of, a page of meters at a time; what is wrong with the question is said before the first."""
    deps, actor = deps_of(request), actor_of(request)
    at_s = seconds(at, "at")
    check_instant(at_s, deps.now_s())
    await check_choice(deps.store, actor.tenant_id, meters)
    await note_registers(deps.store, actor, meters, at_s, form)
    return register_pages(deps.store, bulk_of(deps), actor.tenant_id, meters, at_s, zone(actor.zone), deps.now_us())


def _when(request: Request[Any, Any, Any], at: datetime) -> str:
    return zone(actor_of(request).zone).iso(seconds(at, "at"))


HANDLERS: list[Any] = [
    list_registers_at,
    download_registers_csv,
    download_registers_xlsx,
    export_values,
]
