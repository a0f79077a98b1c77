# SPDX-License-Identifier: Apache-2.0
"""Values of any quantity inserted in bulk: the files of ``GET /bulk/values`` the other way."""

import asyncio
from typing import Annotated, Any, Literal

from litestar import Request, post
from litestar.datastructures import UploadFile
from litestar.params import MultipartBody, QueryParameter

from openmains.app.job.model import Job
from openmains.app.job.request import ask_for_job
from openmains.app.problems import Problem
from openmains.app.readings.bulk.insert.insert import INSERT
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.permissions import may
from openmains.edges.http.text_door import file_name
from openmains.edges.http.uploads import LARGEST_IMPORT, keep_upload


@post(
    "/bulk/values",
    operation_id="insert_values",
    status_code=202,
    tags=["readings"],
    request_max_body_size=LARGEST_IMPORT,
    opt=may(Permission.INSERT_READINGS),
)
async def insert_values(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    partial: Annotated[
        bool, QueryParameter(description="Insert the good rows of a file with faults; otherwise all or nothing.")
    ] = False,
    preview: Annotated[
        bool, QueryParameter(description="Only say what would be inserted and refused; change nothing.")
    ] = False,
) -> Job:
    """Values of any quantities and period out of an Arrow IPC stream, a Parquet or a CSV file with the columns of ``GET /bulk/values``, as a
    job. It adds what is not known: where another value is known that one stays and the row is refused; the same file again, or what this
    system exports, changes nothing. The job's files tell each row that is refused and why."""
    deps, actor = deps_of(request), actor_of(request)
    if deps.replay is None or deps.bulk is None:
        raise Problem("not-offered")
    kind = await _kind_of(data)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    digest, path = await asyncio.to_thread(keep_upload, data, folder, kind)
    params = {
        "file_name": file_name(data), "format": kind, "partial": partial, "preview": preview, "author_id": actor.user_id, "sha256": digest,
    }  # fmt: skip
    key = f"values:{digest}:{int(partial)}{int(preview)}"
    return await ask_for_job(deps.store, actor, INSERT, params, file_path=str(path), unique_key=key)


async def _kind_of(upload: UploadFile) -> Literal["arrows", "parquet", "csv"]:
    """By its first bytes, not the name. Raises ``invalid-input``."""
    head = await upload.read(4096)
    await upload.seek(0)
    if head[:4] == b"\xff\xff\xff\xff":
        return "arrows"
    if head[:4] == b"PAR1":
        return "parquet"
    if head and b"\x00" not in head and not head.startswith(b"PK"):
        return "csv"
    raise Problem("invalid-input", fields=(("/data", "not-values"),))


HANDLERS: list[Any] = [insert_values]
