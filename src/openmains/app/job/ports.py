# SPDX-License-Identifier: Apache-2.0
"""Long work as rows: a job is queued, claimed by one runner, reports progress, ends done, failed or cancelled.

A runner that dies leaves a running job with an old heartbeat; after ``LEASE_S`` another claims it and starts it again, so a
handler must be repeatable. ``Job.claim`` marks the claim: a runner that lost its job can neither report nor finish it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LEASE_S = 60
HEARTBEAT_S = 10


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job."""

    job_id: int
    tenant_id: int
    kind: str
    params: Mapping[str, Any]
    file_path: str
    claim: float  # instant of the claim, s


class JobStore(Protocol):
    """The table ``job``. ``now`` is an instant in s."""

    async def enqueue(
        self, tenant_id: int, kind: str, params: Mapping[str, Any], *, now: float, unique_key: str | None = None,
        file_path: str = "", created_by: int | None = None,
    ) -> int | None:  # fmt: skip
        """Queue a job; its id, or None where one with this key is there already."""

    async def claim(self, kinds: list[str], now: float) -> Job | None:
        """Take the oldest job that waits or whose runner is gone."""

    async def beat(self, job: Job, done: int, total: int, now: float) -> bool:
        """Sign of life and progress; False when the job was cancelled or taken over: stop."""

    async def finish(self, job: Job, status: str, result: Mapping[str, Any] | None, error: str, now: float) -> bool:
        """End it as done, failed or cancelled; False when it is not ours any more."""


class JobContext(Protocol):
    """What a handler sees of its runner."""

    job: Job

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is; costs nothing."""

    def should_stop(self) -> bool:
        """True when the job was cancelled, taken over, or the program ends."""


class JobCancelled(Exception):
    """Raised by a handler that stopped because ``should_stop`` said so."""


Handler = Callable[[JobContext], Awaitable[Mapping[str, Any]]]
"""Does the work, returns the result (JSON). Raises ``JobCancelled``; any other exception fails the job."""
