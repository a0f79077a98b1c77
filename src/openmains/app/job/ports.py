# SPDX-License-Identifier: Apache-2.0
"""Long work as rows: a job is queued, claimed by one runner, reports progress, ends done, failed or cancelled.

A runner that dies leaves a running job with an old heartbeat; after ``LEASE_S`` another claims it and starts it again, so a
handler must be repeatable. ``ClaimedJob.claim`` marks the claim: a runner that lost its job can neither report nor finish it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from openmains.app.job.model import Job, JobStatus
from openmains.domain.ids import TenantId, UserId

LEASE_S = 60
HEARTBEAT_S = 10


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A claimed job."""

    job_id: int
    tenant_id: TenantId
    kind: str
    params: Mapping[str, Any]
    file_path: str
    claim: float  # instant of the claim, s


class JobStore(Protocol):
    """The jobs of one tenant as its people see them."""

    async def page(self, limit: int, after: int | None, *, status: JobStatus | None, kind: str | None) -> list[Job]: ...
    async def get(self, job_id: int) -> Job | None: ...
    async def add(
        self, kind: str, params: dict[str, Any], *, file_path: str, unique_key: str | None, user_id: UserId
    ) -> Job: ...
    async def release_key(self, unique_key: str) -> None:
        """A finished job gives its key back, so that the same work can be asked for again."""

    async def file_path(self, job_id: int, which: str) -> str | None:
        """Where the worker put a file of the job's result; ``which`` is a key of the result."""

    async def cancel(self, job_id: int) -> bool: ...


class JobQueue(Protocol):
    """The table ``job`` as the worker sees it. ``now`` is an instant in s."""

    async def enqueue(
        self, tenant_id: TenantId, kind: str, params: Mapping[str, Any], *, now: float, unique_key: str | None = None,
        file_path: str = "", created_by: int | None = None,
    ) -> int | None:  # fmt: skip
        """Queue a job; its id, or None where one with this key is there already."""

    async def claim(self, kinds: list[str], now: float) -> ClaimedJob | None:
        """Take the oldest job that waits or whose runner is gone."""

    async def beat(self, job: ClaimedJob, done: int, total: int, now: float) -> bool:
        """Sign of life and progress; False when the job was cancelled or taken over: stop."""

    async def finish(
        self, job: ClaimedJob, status: str, result: Mapping[str, Any] | None, error: str, now: float
    ) -> bool:
        """End it as done, failed or cancelled; False when it is not ours any more."""


class JobContext(Protocol):
    """What a handler sees of its runner."""

    job: ClaimedJob

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is; costs nothing."""

    def should_stop(self) -> bool:
        """True when the job was cancelled, taken over, or the program ends."""


class JobCancelled(Exception):
    """Raised by a handler that stopped because ``should_stop`` said so."""


Handler = Callable[[JobContext], Awaitable[Mapping[str, Any]]]
"""Does the work, returns the result (JSON). Raises ``JobCancelled``; any other exception fails the job."""
