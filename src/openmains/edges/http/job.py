# SPDX-License-Identifier: Apache-2.0
"""Long work: how far it is, what came out."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.params import FromQuery, QueryParameter
from litestar.response import File

from openmains.app.billing.bill_files import BILL_FILES
from openmains.app.fleet.imports.jobs import TREE_IMPORT
from openmains.app.fleet.imports.undo import IMPORT, UNDO
from openmains.app.job import request as jobs
from openmains.app.job.model import Job, JobStatus
from openmains.app.job.ports import JobStore
from openmains.app.problems import Problem
from openmains.app.readings.manual.import_readings import IMPORT as READING_IMPORT
from openmains.app.readings.report.jobs import REPORT_FILE
from openmains.app.security.keys.jobs import KEY_GENERATE, KEY_IMPORT
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Word, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of


@get("/jobs", operation_id="list_jobs", tags=["jobs"], opt=may(Permission.SEE_JOBS))
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


@get("/jobs/{job_id:int}", operation_id="read_job", tags=["jobs"], opt=may(Permission.SEE_JOBS))
async def read_job(request: Request[Any, Any, Any], job_id: Id) -> Job:
    """One job: how far it is, what came out."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[JobStore].get(job_id)
    if found is None:
        raise Problem("not-found")
    return found


_FILES_OF: Mapping[str, tuple[Permission, ...]] = {
    IMPORT: (Permission.MANAGE_METERS,),
    UNDO: (Permission.MANAGE_METERS,),
    TREE_IMPORT: (Permission.MANAGE_PLACES,),
    READING_IMPORT: (Permission.TAKE_READINGS,),
    REPORT_FILE: (Permission.EXPORT_READINGS,),
    BILL_FILES: (Permission.RUN_BILLING, Permission.SEE_CUSTOMERS),
    KEY_IMPORT: (Permission.MANAGE_KEYS,),
    KEY_GENERATE: (Permission.MANAGE_KEYS,),
}
"""Whose files a job of this kind has: what its maker had to hold. Of other kinds only the maker sees them, and who manages people."""


@get(
    "/jobs/{job_id:int}/file",
    operation_id="download_job_file",
    media_type="application/octet-stream",
    tags=["jobs"],
    opt=may(Permission.MANAGE_JOBS),
)
async def download_job_file(
    request: Request[Any, Any, Any],
    job_id: Id,
    which: FromQuery[Literal["file", "errors"]] = "file",
    piece: Annotated[int | None, QueryParameter(ge=1, le=99_999, description="Of a job whose files are many.")] = None,
) -> File:
    """What a job made: its file, or the list of rows and columns an import refused, in the caller's language. One's own, or with the
    permission that making it takes. Who took it is in the audit trail."""
    actor, key = actor_of(request), "file" if which == "file" else f"error_file_{language_of(request)}"
    if which == "file" and piece is not None:
        key = f"file_{piece}"
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        job = await work[JobStore].get(job_id)
        found = await work[JobStore].file_path(job_id, key)
    if job is not None and job.created_by != actor.user_id:
        for needed in _FILES_OF.get(job.kind, (Permission.MANAGE_USERS,)):
            if not actor.may(needed):
                words = PERMISSIONS[needed]
                raise Problem("not-allowed", needed=(words.zh, words.en))
    path = Path(found) if found else None
    if job is None or path is None or not await asyncio.to_thread(path.is_file):
        raise Problem("not-found")
    await jobs.note_download(deps_of(request).store, actor, job, path.name)
    return File(path, filename=path.name, content_disposition_type="attachment")


@post(
    "/jobs/{job_id:int}/cancel",
    operation_id="cancel_job",
    status_code=200,
    tags=["jobs"],
    opt=may(Permission.MANAGE_JOBS),
)
async def cancel_job(request: Request[Any, Any, Any], job_id: Id) -> Job:
    """Call it off; a running one stops at its next step."""
    return await jobs.cancel_job(deps_of(request).store, actor_of(request), job_id)


HANDLERS: list[Any] = [list_jobs, read_job, download_job_file, cancel_job]
