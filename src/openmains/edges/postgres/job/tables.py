# SPDX-License-Identifier: Apache-2.0
"""Long work as the API sees it: ask for it, look at it, call it off. The worker takes and runs it (``edges/jobs``)."""

# ruff: noqa: S608 – SQL is put together from column names written in this file only; values are always parameters

from pathlib import Path
from typing import Any

from openmains.app.job.model import Job, JobStatus
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection, Row

_JOB = "job_id, kind, params, status, done, total, result, error, created_by, created_at, started_at, finished_at"


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
        rows = await self._connection.fetch(
            f"SELECT {_JOB} FROM job WHERE tenant_id = $1 AND ($2::bigint IS NULL OR job_id < $2)"
            " AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR kind = $4) ORDER BY job_id DESC LIMIT $5",
            self._tenant_id,
            after,
            status,
            kind,
            limit,
        )
        return [_job(row) for row in rows]

    async def get(self, job_id: int) -> Job | None:
        row = await self._connection.fetchrow(
            f"SELECT {_JOB} FROM job WHERE tenant_id = $1 AND job_id = $2", self._tenant_id, job_id
        )
        return None if row is None else _job(row)

    async def add(
        self, kind: str, params: dict[str, Any], *, file_path: str, unique_key: str | None, user_id: UserId
    ) -> Job:
        """The job; the one that exists already where ``unique_key`` was used before."""
        row = await self._connection.fetchrow(
            "INSERT INTO job (tenant_id, kind, params, file_path, unique_key, created_by)"
            " VALUES ($1, $2, $3, $4, $5, $6)"
            f" ON CONFLICT (tenant_id, unique_key) DO UPDATE SET unique_key = excluded.unique_key RETURNING {_JOB}",
            self._tenant_id,
            kind,
            params,
            file_path,
            unique_key,
            user_id,
        )
        assert row is not None  # noqa: S101 INSERT … RETURNING gives a row
        return _job(row)

    async def release_key(self, unique_key: str) -> None:
        await self._connection.execute(
            "UPDATE job SET unique_key = NULL WHERE tenant_id = $1 AND unique_key = $2"
            " AND status NOT IN ('queued', 'running')",
            self._tenant_id,
            unique_key,
        )

    async def file_path(self, job_id: int, which: str) -> str | None:
        found: str | None = await self._connection.fetchval(
            "SELECT result ->> $3 FROM job WHERE tenant_id = $1 AND job_id = $2", self._tenant_id, job_id, which
        )
        return found

    async def cancel(self, job_id: int) -> bool:
        done: str = await self._connection.execute(
            "UPDATE job SET status = 'cancelled', finished_at = now() WHERE tenant_id = $1 AND job_id = $2"
            " AND status IN ('queued', 'running')",
            self._tenant_id,
            job_id,
        )
        return done == "UPDATE 1"
