# SPDX-License-Identifier: Apache-2.0
"""Long work as the API sees it: ask for it, look at it, call it off. The worker takes and runs it (``edges/jobs``)."""

from pathlib import Path
from typing import Any

from openmains.app.job.model import Job, JobStatus
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _job(row: Row) -> Job:
    values = dict(row)
    if isinstance(values["result"], dict):  # where the worker keeps its files is nobody's business
        values["result"] = {
            key: Path(str(value)).name if key.startswith(("file", "error_file")) else value
            for key, value in values["result"].items()
        }
    return Job(**values)


class Jobs:
    """``JobStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, *, status: JobStatus | None, kind: str | None) -> list[Job]:
        rows = await _QUERIES["jobs"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, status=status, kind=kind, most=limit
        )
        return [_job(row) for row in rows]

    async def get(self, job_id: int) -> Job | None:
        row = await _QUERIES["job"].fetchrow(self._connection, tenant_id=self._tenant_id, job_id=job_id)
        return None if row is None else _job(row)

    async def add(
        self, kind: str, params: dict[str, Any], *, file_path: str, unique_key: str | None, user_id: UserId
    ) -> Job:
        """The job; the one that exists already where ``unique_key`` was used before."""
        row = await _QUERIES["add_job"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            kind=kind,
            params=params,
            file_path=file_path,
            unique_key=unique_key,
            user_id=user_id,
        )
        assert row is not None  # noqa: S101 INSERT … RETURNING gives a row
        return _job(row)

    async def release_key(self, unique_key: str) -> None:
        await _QUERIES["release_key"].execute(self._connection, tenant_id=self._tenant_id, unique_key=unique_key)

    async def file_path(self, job_id: int, which: str) -> str | None:
        found: str | None = await _QUERIES["result_file"].fetchval(
            self._connection, tenant_id=self._tenant_id, job_id=job_id, which=which
        )
        return found

    async def cancel(self, job_id: int) -> bool:
        done = await _QUERIES["cancel"].execute(self._connection, tenant_id=self._tenant_id, job_id=job_id)
        return done == "UPDATE 1"
