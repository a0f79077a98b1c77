# SPDX-License-Identifier: Apache-2.0
"""What waits for a person: alarms, exceptions of readings, dead letters, jobs."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody
from litestar.response import File
from msgspec import Meta, Struct

from openmains.app.alarm import handle as alarms
from openmains.app.alarm.model import Alarm, AlarmStatus, Severity
from openmains.app.alarm.ports import AlarmStore
from openmains.app.ingest import dead_letters
from openmains.app.ingest.model import DeadLetter, DeadLetterStatus
from openmains.app.ingest.ports import DeadLetterStore
from openmains.app.job import request as jobs
from openmains.app.job.model import Job, JobStatus
from openmains.app.job.ports import JobStore
from openmains.app.problems import Problem
from openmains.app.readings.model import ExceptionStatus, ReadingException
from openmains.app.readings.ports import ExceptionStore
from openmains.app.readings.resolve import Correction, Verdict, edit_reading
from openmains.app.readings.resolve import judge_exception as judge
from openmains.domain.ids import AlarmId, AreaId, ExceptionId, MeterId, ProductId
from openmains.domain.readings.edit import MOST_VOLUME
from openmains.domain.readings.quality import Rule
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    Word,
    after_id,
    optional,
    page,
    seconds,
)
from openmains.edges.http.permissions import OPERATOR, VIEWER
from openmains.edges.http.problems import language_of


class Judgement(Struct, frozen=True, forbid_unknown_fields=True):
    """``accept``: the value is right; ``keep_estimate``: it is not, the estimate stays; ``edit``: ``volume`` is right.

    An edit needs a reason. ``volume`` is in the product's unit and passed in [``start``, ``end``): whole slots of the
    finding's day, all of it unless told otherwise.
    """

    verdict: Verdict
    reason: Annotated[str, Meta(max_length=1000)] = ""
    volume: Annotated[int, Meta(ge=0, le=MOST_VOLUME)] | None = None
    start: datetime | None = None
    end: datetime | None = None


class DeadLetterIds(Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead letters."""

    ids: Annotated[list[Annotated[int, Meta(ge=1, le=2**63 - 1)]], Meta(min_length=1, max_length=500)]


class Handled(Struct, frozen=True):
    """Those that were open and are handled now."""

    ids: list[int]


@get("/alarms", operation_id="list_alarms", tags=["alarms"], opt=VIEWER)
async def list_alarms(
    request: Request[Any, Any, Any],
    status: FromQuery[AlarmStatus | None] = None,
    severity: FromQuery[Severity | None] = None,
    event: Word = None,
    meter_id: OptionalId = None,
    area_id: OptionalId32 = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Alarm]:
    """Alarms, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AlarmStore].page(
            limit + 1,
            after_id("alarms", cursor),
            status=status,
            severity=severity,
            event=event,
            meter_id=optional(MeterId, meter_id),
            area_id=optional(AreaId, area_id),
        )
    return page("alarms", rows, limit, lambda alarm: alarm.alarm_id)


@get("/alarms/{alarm_id:int}", operation_id="read_alarm", tags=["alarms"], opt=VIEWER)
async def read_alarm(request: Request[Any, Any, Any], alarm_id: Id) -> Alarm:
    """One alarm."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AlarmStore].get(AlarmId(alarm_id))
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/alarms/{alarm_id:int}/acknowledge",
    operation_id="acknowledge_alarm",
    status_code=200,
    tags=["alarms"],
    opt=OPERATOR,
)
async def acknowledge_alarm(request: Request[Any, Any, Any], alarm_id: Id) -> Alarm:
    """Somebody looks after it."""
    return await alarms.acknowledge_alarm(deps_of(request).store, actor_of(request), AlarmId(alarm_id))


@post("/alarms/{alarm_id:int}/clear", operation_id="clear_alarm", status_code=200, tags=["alarms"], opt=OPERATOR)
async def clear_alarm(request: Request[Any, Any, Any], alarm_id: Id) -> Alarm:
    """It is over although the meter has not said so; it is raised again when the meter says so again."""
    deps = deps_of(request)
    return await alarms.clear_alarm(deps.store, actor_of(request), AlarmId(alarm_id), deps.now_us())


@get("/exceptions", operation_id="list_exceptions", tags=["readings"], opt=VIEWER)
async def list_exceptions(
    request: Request[Any, Any, Any],
    status: FromQuery[ExceptionStatus | None] = None,
    rule: Word = None,
    meter_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReadingException]:
    """Findings of validation, newest first."""
    number = None
    if rule is not None:
        number = next((r.value for r in Rule if r.name.lower() == rule), None)
        if number is None:
            raise Problem("invalid-input", fields=(("/rule", "not-accepted"),))
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ExceptionStore].page(
            limit + 1, after_id("exceptions", cursor), status=status, rule=number, meter_id=optional(MeterId, meter_id)
        )
    return page("exceptions", rows, limit, lambda found: found.exception_id)


@get("/exceptions/{exception_id:int}", operation_id="read_exception", tags=["readings"], opt=VIEWER)
async def read_exception(request: Request[Any, Any, Any], exception_id: Id) -> ReadingException:
    """One finding."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ExceptionStore].get(ExceptionId(exception_id))
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/exceptions/{exception_id:int}/judge",
    operation_id="judge_exception",
    status_code=200,
    tags=["readings"],
    opt=OPERATOR,
)
async def judge_exception(
    request: Request[Any, Any, Any], exception_id: Id, data: JSONBody[Judgement]
) -> ReadingException:
    """Accept the value, keep the estimate, or set another value."""
    deps, actor = deps_of(request), actor_of(request)
    if data.verdict != "edit":
        return await judge(deps.store, actor, ExceptionId(exception_id), data.verdict, data.reason)
    if deps.replay is None or deps.readings is None:
        raise Problem("not-offered")
    if data.volume is None:
        raise Problem("invalid-input", fields=(("/volume", "required"),))
    correction = Correction(
        data.volume,
        None if data.start is None else seconds(data.start, "start"),
        None if data.end is None else seconds(data.end, "end"),
    )
    return await edit_reading(
        deps.store,
        deps.readings,
        deps.replay,
        actor,
        ExceptionId(exception_id),
        correction,
        data.reason,
        deps.now_us(),
    )


@get("/dead-letters", operation_id="list_dead_letters", tags=["dead letters"], opt=VIEWER)
async def list_dead_letters(
    request: Request[Any, Any, Any],
    status: FromQuery[DeadLetterStatus | None] = None,
    reason: Word = None,
    meter_id: OptionalId = None,
    product_id: OptionalId32 = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeadLetter]:
    """Messages that could not be used, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[DeadLetterStore].page(
            limit + 1,
            after_id("dead_letters", cursor),
            status=status,
            reason=reason,
            meter_id=optional(MeterId, meter_id),
            product_id=optional(ProductId, product_id),
        )
    return page("dead_letters", rows, limit, lambda letter: letter.dead_letter_id)


@post("/dead-letters/replay", operation_id="replay_dead_letters", status_code=200, tags=["dead letters"], opt=OPERATOR)
async def replay_dead_letters(request: Request[Any, Any, Any], data: JSONBody[DeadLetterIds]) -> Handled:
    """Put them into the stream once more, after the driver was mended."""
    deps = deps_of(request)
    if deps.replay is None:
        raise Problem("not-offered")
    return Handled(await dead_letters.replay_dead_letters(deps.store, deps.replay, actor_of(request), data.ids))


@post(
    "/dead-letters/dismiss", operation_id="dismiss_dead_letters", status_code=200, tags=["dead letters"], opt=OPERATOR
)
async def dismiss_dead_letters(request: Request[Any, Any, Any], data: JSONBody[DeadLetterIds]) -> Handled:
    """They will not be used; they stay in the list of dismissed ones."""
    return Handled(await dead_letters.dismiss_dead_letters(deps_of(request).store, actor_of(request), data.ids))


@get("/jobs", operation_id="list_jobs", tags=["jobs"], opt=VIEWER)
async def list_jobs(
    request: Request[Any, Any, Any],
    status: FromQuery[JobStatus | None] = None,
    kind: Word = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Job]:
    """Long work, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[JobStore].page(limit + 1, after_id("jobs", cursor), status=status, kind=kind)
    return page("jobs", rows, limit, lambda job: job.job_id)


@get("/jobs/{job_id:int}", operation_id="read_job", tags=["jobs"], opt=VIEWER)
async def read_job(request: Request[Any, Any, Any], job_id: Id) -> Job:
    """One job: how far it is, what came out."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[JobStore].get(job_id)
    if found is None:
        raise Problem("not-found")
    return found


@get("/jobs/{job_id:int}/file", operation_id="download_job_file", tags=["jobs"], opt=OPERATOR)
async def download_job_file(
    request: Request[Any, Any, Any], job_id: Id, which: FromQuery[Literal["file", "errors"]] = "file"
) -> File:
    """What a job made: its file, or the list of rows and columns an import refused, in the caller's language."""
    key = "file" if which == "file" else f"error_file_{language_of(request)}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[JobStore].file_path(job_id, key)
    path = Path(found) if found else None
    if path is None or not await asyncio.to_thread(path.is_file):
        raise Problem("not-found")
    return File(path, filename=path.name, content_disposition_type="attachment")


@post("/jobs/{job_id:int}/cancel", operation_id="cancel_job", status_code=200, tags=["jobs"], opt=OPERATOR)
async def cancel_job(request: Request[Any, Any, Any], job_id: Id) -> Job:
    """Call it off; a running one stops at its next step."""
    return await jobs.cancel_job(deps_of(request).store, actor_of(request), job_id)


HANDLERS: list[Any] = [
    list_alarms,
    read_alarm,
    acknowledge_alarm,
    clear_alarm,
    list_exceptions,
    read_exception,
    judge_exception,
    list_dead_letters,
    replay_dead_letters,
    dismiss_dead_letters,
    list_jobs,
    read_job,
    download_job_file,
    cancel_job,
]
