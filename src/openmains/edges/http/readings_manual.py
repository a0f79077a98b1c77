# SPDX-License-Identifier: Apache-2.0
"""Readings that persons take: entered one by one, as a file, and the list of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter
from litestar.response import File
from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.fleet.export import MEDIA
from openmains.app.job.model import Job
from openmains.app.job.request import ask_for_job
from openmains.app.problems import Problem
from openmains.app.readings.manual import export
from openmains.app.readings.manual.import_readings import IMPORT
from openmains.app.readings.manual.model import ManualReading, ManualSource, ManualState
from openmains.app.readings.manual.ports import ManualStore
from openmains.app.readings.manual.take import GivenReading, as_read_m3, exponents, take_reading
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import zone
from openmains.domain.readings.instants import time_of_day
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Limit, OptionalId, Page, after_id, optional, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponent_of
from openmains.edges.http.text_door import file_name
from openmains.edges.http.uploads import LARGEST_IMPORT, keep_upload, kind_of

State = Annotated[
    ManualState | None,
    QueryParameter(name="state", description="``waits``: not applied yet; ``booked``; ``kept``: not built upon."),
]


class NewReading(Struct, frozen=True, forbid_unknown_fields=True):
    """A register that a person read at a meter: by its id, number or bar code (number and bar code: both must be the meter's).

    ``read_at``: RFC 3339, or a date and time of the utility's zone. ``register_m3``: with the decimals that were read, as many
    as the meter shows at most.
    """

    read_at: Annotated[str, Meta(min_length=8, max_length=40, pattern=r"^[0-9年月日时点分秒 :.TZ/+-]+$")]
    register_m3: Annotated[str, Meta(pattern=r"^[0-9]{1,12}([.][0-9]{1,9})?$")]
    meter_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | UnsetType = UNSET
    number: Annotated[str, Meta(max_length=32)] = ""
    bar_code: Annotated[str, Meta(max_length=64)] = ""
    note: Annotated[str, Meta(max_length=400)] = ""


class TakenReading(Struct, frozen=True):
    """A register that a person read; ``register_m3`` with the decimals that were read, ``register`` in 10^``unit_exponent`` m³.

    ``state``: ``waits`` until the meter's own order has it; ``booked``: use is counted from it; ``kept``: it is not built upon, and
    ``rules`` says why. ``version``: of the days that it made. ``job_id``: of the import it came by.
    """

    reading_id: int
    meter_id: int
    number: str
    bar_code: str
    read_at: datetime
    register: int
    register_m3: str
    unit_exponent: int
    note: str
    source: ManualSource
    job_id: int | None
    author_id: int
    author: str
    made_at: datetime
    state: ManualState
    version: int | None
    rules: list[str]


def _taken(deps: ApiDeps, found: ManualReading) -> TakenReading:
    exponent = exponent_of(deps, found.driver)
    return TakenReading(
        found.reading_id, found.meter_id, found.number, found.bar_code, found.at, found.register,
        as_read_m3(found, {found.driver: exponent}), exponent, found.note, found.source, found.job_id, found.author_id,
        found.author, found.made_at, found.state, found.version, found.rules,
    )  # fmt: skip


@get("/manual-readings", operation_id="list_manual_readings", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_manual_readings(
    request: Request[Any, Any, Any],
    wanted: State = None,
    meter_id: OptionalId = None,
    job_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TakenReading]:
    """Registers that persons read, with who entered them and what became of each; the newest entry first."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ManualStore].page(
            limit + 1,
            after_id("manual", cursor),
            state=wanted,
            meter_id=optional(MeterId, meter_id),
            job_id=job_id,
        )
    return page("manual", [_taken(deps, row) for row in rows], limit, lambda row: row.reading_id)


@post(
    "/manual-readings",
    operation_id="take_reading",
    status_code=202,
    tags=["readings"],
    opt=may(Permission.TAKE_READINGS),
)
async def take(request: Request[Any, Any, Any], data: JSONBody[NewReading]) -> TakenReading:
    """Enter a register that a person read. It is judged as the meter's own are; the same reading again is the one that is there."""
    deps = deps_of(request)
    if deps.replay is None:
        raise Problem("not-offered")
    meter_id = None if data.meter_id is UNSET else MeterId(data.meter_id)
    if meter_id is None and not data.number and not data.bar_code:
        raise Problem("invalid-input", fields=(("/number", "required"),))
    wanted = GivenReading(meter_id, data.number, data.bar_code, data.read_at, data.register_m3, data.note.strip())
    found = await take_reading(deps.store, deps.replay, deps.drivers, actor_of(request), wanted, deps.now_us())
    return _taken(deps, found)


@post(
    "/manual-readings/import",
    operation_id="import_readings",
    status_code=202,
    tags=["readings"],
    request_max_body_size=LARGEST_IMPORT,
    opt=may(Permission.TAKE_READINGS, whole=True),
)
async def import_readings(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    partial: Annotated[
        bool, QueryParameter(description="Keep the good rows of a file with faults; otherwise all or nothing.")
    ] = False,
    preview: Annotated[
        bool, QueryParameter(description="Only say what would be taken and refused; change nothing.")
    ] = False,
    time: Annotated[
        str | None,
        QueryParameter(
            pattern=r"^[0-9]{1,2}:[0-9]{2}$",
            description="Time of day of dates that have none; without it they are refused.",
        ),
    ] = None,
) -> Job:
    """Readings from CSV or XLSX as a job; the same file again changes nothing."""
    deps, actor = deps_of(request), actor_of(request)
    if time is not None and time_of_day(time) is None:
        raise Problem("invalid-input", fields=(("/time", "wrong-format"),))
    kind = await kind_of(data)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    digest, path = await asyncio.to_thread(keep_upload, data, folder, kind)
    params = {
        "file_name": file_name(data), "format": kind, "partial": partial, "preview": preview, "time": time or "",
        "author_id": actor.user_id, "sha256": digest,
    }  # fmt: skip
    key = f"readings:{digest}:{int(partial)}{int(preview)}{time or ''}"
    return await ask_for_job(deps.store, actor, IMPORT, params, file_path=str(path), unique_key=key)


@get(
    "/manual-readings/file",
    operation_id="download_manual_readings",
    media_type="application/octet-stream",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
)
async def download_manual_readings(
    request: Request[Any, Any, Any],
    kind: FromQuery[Literal["csv", "xlsx"]] = "csv",
    wanted: State = None,
    meter_id: OptionalId = None,
    job_id: OptionalId = None,
) -> File:
    """The list as a file, every page of it. The import takes it back and changes nothing by it."""
    deps, actor = deps_of(request), actor_of(request)

    async def pages() -> AsyncIterator[list[ManualReading]]:
        after: int | None = None
        while True:
            async with deps.store.tenant(actor.tenant_id) as work:
                rows = await work[ManualStore].page(
                    export.PAGE, after, state=wanted, meter_id=optional(MeterId, meter_id), job_id=job_id
                )
            yield rows
            if len(rows) < export.PAGE:
                return
            after = rows[-1].reading_id

    with NamedTemporaryFile(prefix="openmains-readings-", suffix=f".{kind}", delete=False) as made:
        path = Path(made.name)
    try:
        await export.write(path, pages(), exponents(deps.drivers), zone(actor.zone), language_of(request), kind)
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return File(
        path,
        filename=f"readings.{kind}",
        media_type=MEDIA[kind],
        content_disposition_type="attachment",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


HANDLERS: list[Any] = [list_manual_readings, take, import_readings, download_manual_readings]
