# SPDX-License-Identifier: Apache-2.0
"""The table ``job`` as ``JobQueue`` (``app/job/ports.py``), for a pool of the pipeline's role."""

from collections.abc import Mapping
from typing import Any

from openmains.app.job.ports import LEASE_S, ClaimedJob
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class PostgresJobs:
    """All instants are seconds since 1970."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def enqueue(
        self, tenant_id: TenantId, kind: str, params: Mapping[str, Any], *, now: float, unique_key: str | None = None,
        file_path: str = "", created_by: int | None = None,
    ) -> int | None:  # fmt: skip
        found = await _QUERIES["enqueue"].fetchval(
            self._pool,
            tenant_id=tenant_id,
            kind=kind,
            params=dict(params),
            unique_key=unique_key,
            file_path=file_path,
            created_by=created_by,
            now=now,
        )
        return None if found is None else int(found)

    async def claim(self, kinds: list[str], now: float) -> ClaimedJob | None:
        row = await _QUERIES["claim"].fetchrow(self._pool, kinds=kinds, now=now, lease_s=LEASE_S)
        if row is None:
            return None
        return ClaimedJob(row["job_id"], row["tenant_id"], row["kind"], row["params"], row["file_path"], now)

    async def beat(self, job: ClaimedJob, done: int, total: int, now: float) -> bool:
        return bool(
            await _QUERIES["beat"].fetchval(
                self._pool, job_id=job.job_id, claim=job.claim, done=done, total=total, now=now
            )
        )

    async def finish(
        self, job: ClaimedJob, status: str, result: Mapping[str, Any] | None, error: str, now: float
    ) -> bool:
        stored = dict(result) if result is not None else None
        return bool(
            await _QUERIES["finish"].fetchval(
                self._pool,
                job_id=job.job_id,
                claim=job.claim,
                status=status,
                result=stored,
                error=error[:2000],
                now=now,
            )
        )

    async def cancel(self, tenant_id: TenantId, job_id: int) -> bool:
        """Ask a job to end; False where it has ended or is not this tenant's."""
        return bool(await _QUERIES["ask_to_end"].fetchval(self._pool, job_id=job_id, tenant_id=tenant_id))

    async def status(self, job_id: int) -> tuple[str, int, int, Any, str]:
        """(status, done, total, result, error); raises ``LookupError``."""
        row = await _QUERIES["job_status"].fetchrow(self._pool, job_id=job_id)
        if row is None:
            raise LookupError(f"there is no job {job_id}")
        return row["status"], row["done"], row["total"], row["result"], row["error"]
