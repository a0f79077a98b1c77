# SPDX-License-Identifier: Apache-2.0
"""Ask for long work and call it off."""

from typing import Any

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.job.model import Job
from openmains.app.job.ports import JobStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store


async def ask_for_job(
    store: Store,
    actor: Actor,
    kind: str,
    params: dict[str, Any],
    *,
    file_path: str = "",
    unique_key: str | None = None,
    reason: str = "",
) -> Job:
    """The job as queued, or the one with the same key that still waits or runs."""
    async with store.tenant(actor.tenant_id) as work:
        if unique_key is not None:
            await work[JobStore].release_key(unique_key)
        job = await work[JobStore].add(kind, params, file_path=file_path, unique_key=unique_key, user_id=actor.user_id)
        asked = {"kind": kind, "params": params}
        await work[AuditTrail].record(actor, "ask_for_job", "job", job.job_id, None, asked, reason=reason)
    return job


async def note_download(store: Store, actor: Actor, job: Job, file_name: str) -> None:
    """Files of jobs hold many rows, and names among them: who takes one is in the trail before it goes out (R13.5)."""
    async with store.tenant(actor.tenant_id) as work:
        said = {"kind": job.kind, "file_name": file_name}
        await work[AuditTrail].record(actor, "download_job_file", "job", job.job_id, None, said)


async def cancel_job(store: Store, actor: Actor, job_id: int) -> Job:
    """Raises ``not-found`` or ``already-done``; a running job stops at its next step."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[JobStore].get(job_id)
        if before is None:
            raise Problem("not-found")
        if not await work[JobStore].cancel(job_id):
            raise Problem("already-done", state=before.status)
        after = await work[JobStore].get(job_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(
            actor, "cancel_job", "job", job_id, {"status": before.status}, {"status": after.status}
        )
    return after
