# SPDX-License-Identifier: Apache-2.0
"""The table ``job`` as ``JobQueue`` (``app/job/ports.py``), for a pool of the pipeline's role."""

from collections.abc import Mapping
from typing import Any

from openmains.app.job.ports import LEASE_S, ClaimedJob
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool

_ENQUEUE = """
INSERT INTO job (tenant_id, kind, params, unique_key, file_path, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7)) ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING job_id
"""
# started_at is the mark of the claim: it changes when another runner takes the job over.
_CLAIM = """
UPDATE job SET status = 'running', started_at = to_timestamp($2), heartbeat_at = to_timestamp($2), done = 0
 WHERE job_id = (SELECT job_id FROM job WHERE kind = ANY ($1::text[]) AND (status = 'queued'
                    OR (status = 'running' AND heartbeat_at < to_timestamp($2::float8 - $3::float8)))
                  ORDER BY job_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING job_id, tenant_id, kind, params, file_path
"""
_BEAT = """
UPDATE job SET done = $3, total = $4, heartbeat_at = to_timestamp($5)
 WHERE job_id = $1 AND started_at = to_timestamp($2) AND status = 'running' RETURNING true
"""
_FINISH = """
UPDATE job SET status = $3, result = $4, error = $5, finished_at = to_timestamp($6),
       done = CASE WHEN $3 = 'done' THEN greatest(done, total) ELSE done END
 WHERE job_id = $1 AND started_at = to_timestamp($2) AND (status = 'running' OR (status = 'cancelled' AND finished_at IS NULL))
RETURNING true
"""


class PostgresJobs:
    """All instants are seconds since 1970."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def enqueue(
        self, tenant_id: TenantId, kind: str, params: Mapping[str, Any], *, now: float, unique_key: str | None = None,
        file_path: str = "", created_by: int | None = None,
    ) -> int | None:  # fmt: skip
        found = await self._pool.fetchval(
            _ENQUEUE, tenant_id, kind, dict(params), unique_key, file_path, created_by, now
        )
        return None if found is None else int(found)

    async def claim(self, kinds: list[str], now: float) -> ClaimedJob | None:
        row = await self._pool.fetchrow(_CLAIM, kinds, now, LEASE_S)
        return ClaimedJob(row[0], row[1], row[2], row[3], row[4], now) if row else None

    async def beat(self, job: ClaimedJob, done: int, total: int, now: float) -> bool:
        return bool(await self._pool.fetchval(_BEAT, job.job_id, job.claim, done, total, now))

    async def finish(
        self, job: ClaimedJob, status: str, result: Mapping[str, Any] | None, error: str, now: float
    ) -> bool:
        stored = dict(result) if result is not None else None
        return bool(await self._pool.fetchval(_FINISH, job.job_id, job.claim, status, stored, error[:2000], now))

    async def cancel(self, tenant_id: TenantId, job_id: int) -> bool:
        """Ask a job to end; False where it has ended or is not this tenant's."""
        return bool(
            await self._pool.fetchval(
                "UPDATE job SET status = 'cancelled' WHERE job_id = $1 AND tenant_id = $2 "
                "AND status IN ('queued', 'running') RETURNING true",
                job_id,
                tenant_id,
            )
        )

    async def status(self, job_id: int) -> tuple[str, int, int, Any, str]:
        """(status, done, total, result, error); raises ``LookupError``."""
        row = await self._pool.fetchrow("SELECT status, done, total, result, error FROM job WHERE job_id = $1", job_id)
        if row is None:
            raise LookupError(f"there is no job {job_id}")
        return row[0], row[1], row[2], row[3], row[4]
