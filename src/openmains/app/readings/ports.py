# SPDX-License-Identifier: Apache-2.0
"""What readings and the exceptions among them ask of the stores."""

from typing import Protocol

from openmains.app.readings.model import (
    ExceptionStatus,
    ReadingException,
    StoredDay,
    StoredFrame,
    StoredRegister,
    StoredSignal,
)
from openmains.domain.ids import ExceptionId, MeterId, TenantId, UserId


class ExceptionStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: ExceptionStatus | None,
        rule: int | None,
        meter_id: MeterId | None,
    ) -> list[ReadingException]: ...
    async def get(self, exception_id: ExceptionId) -> ReadingException | None: ...
    async def judge(self, exception_id: ExceptionId, status: ExceptionStatus, user_id: UserId, reason: str) -> None: ...
    async def settled_until(self, meter_id: MeterId) -> int | None:
        """Newest slot boundary whose register is known; a report of an earlier day is merged, never put in its place."""


class ReadingStore(Protocol):
    """Readings, frames and signals of one meter. Pages go from new to old; ``before``: key of the last row seen."""

    async def days(self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> list[StoredDay]:
        """The newest version of each stored day, in order, both ends included."""

    async def registers(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        from_s: int,
        to_s: int,
        limit: int,
        before: tuple[int, int, int] | None,
    ) -> list[StoredRegister]:
        """``before``: (at s, version, position)."""

    async def frames(
        self, tenant_id: TenantId, meter_id: MeterId, limit: int, before: tuple[int, int] | None, direction: str = ""
    ) -> list[StoredFrame]:
        """``before``: (received µs, version); ``direction`` up, down or "": both."""

    async def signals(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        from_us: int,
        to_us: int,
        limit: int,
        before: tuple[int, int] | None,
    ) -> list[StoredSignal]:
        """``before``: (received µs, version)."""
