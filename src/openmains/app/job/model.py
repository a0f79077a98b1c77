# SPDX-License-Identifier: Apache-2.0
"""Long work as people see it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]


class Job(Struct, frozen=True):
    """Long work and how far it is."""

    job_id: int
    kind: str
    params: dict[str, object]
    status: JobStatus
    done: int
    total: int
    result: dict[str, object] | None
    error: str
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
