# SPDX-License-Identifier: Apache-2.0
"""What readings and the exceptions among them ask of the stores."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from openmains.app.readings.model import (
    EditFacts,
    EditState,
    ExceptionFilter,
    ExceptionGroup,
    ExceptionStatus,
    GroupBy,
    LoggedValues,
    NewEdit,
    ReadingEdit,
    ReadingException,
    StoredCause,
    StoredDay,
    StoredFrame,
    StoredRegister,
    StoredRun,
    StoredSignal,
)
from openmains.domain.ids import EditId, ExceptionId, MeterId, TenantId, UserId


class ExceptionStore(Protocol):
    async def page(self, limit: int, after: int | None, chosen: ExceptionFilter) -> list[ReadingException]: ...
    async def groups(self, by: GroupBy, rule: int | None, limit: int) -> list[ExceptionGroup]:
        """Of those that wait; the largest first, of days the newest."""

    async def get(self, exception_id: ExceptionId) -> ReadingException | None: ...
    async def lock(self, exception_id: ExceptionId) -> ReadingException | None:
        """It, until the transaction ends."""

    async def judge(self, exception_id: ExceptionId, status: ExceptionStatus, user_id: UserId, reason: str) -> None: ...
    async def reopen(self, exception_id: ExceptionId) -> None: ...
    async def settled_until(self, meter_id: MeterId) -> int | None:
        """Newest slot boundary whose register is known; a report of an earlier day is merged, never put in its place."""


class EditStore(Protocol):
    """What persons set and took back, newest first."""

    async def page(
        self, limit: int, after: int | None, *, state: EditState | None, meter_id: MeterId | None
    ) -> list[ReadingEdit]: ...
    async def of_day(self, meter_id: MeterId, day: int) -> list[ReadingEdit]: ...
    async def get(self, edit_id: EditId) -> ReadingEdit | None: ...
    async def lock(self, edit_id: EditId) -> ReadingEdit | None:
        """It, until the transaction ends."""

    async def lock_day(self, meter_id: MeterId, day: int) -> None:
        """Nobody else edits this day until the transaction ends."""

    async def facts(self, meter_id: MeterId) -> EditFacts | None: ...
    async def add(self, wanted: NewEdit, state: EditState) -> EditId: ...
    async def decide(self, edit_id: EditId, state: EditState, user_id: UserId, reason: str, now_us: int) -> None: ...
    async def names(self, user_ids: Sequence[int]) -> Mapping[int, str]: ...


class ReadingStore(Protocol):
    """Readings, frames and signals of one meter. Pages go from new to old; ``before``: key of the last row seen."""

    async def days(self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> list[StoredDay]:
        """The newest version of each stored day, in order, both ends included."""

    async def superseded(
        self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int
    ) -> list[StoredDay]:
        """Versions that others took the place of, as far as they are kept, by day and version."""

    async def causes(self, tenant_id: TenantId, meter_id: MeterId, first_day: int, last_day: int) -> list[StoredCause]:
        """What persons made of these days, by day and version."""

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


class QuantityStore(Protocol):
    """Other quantities than volume as messages brought them; whoever asks puts them together (``app/readings/quantities.py``)."""

    async def runs(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        points: Sequence[int],
        first_s: int,
        left_s: int,
        right_s: int,
        limit: int,
    ) -> list[StoredRun]:
        """Runs that begin from ``first_s`` on, before ``right_s``, and last until after ``left_s``; the newest ``limit``."""

    async def logged(
        self, tenant_id: TenantId, meter_id: MeterId, left_us: int, right_us: int, limit: int
    ) -> list[LoggedValues]:
        """What reports that came in [``left_us``, ``right_us``) said; the newest ``limit``."""

    async def latest_runs(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_s: int
    ) -> list[tuple[int, StoredRun]]:
        """By meter and point the last few runs."""

    async def recent_runs(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], first_s: int, left_s: int
    ) -> list[tuple[int, StoredRun]]:
        """By meter all runs that begin from ``first_s`` on and last until after ``left_s``."""

    async def latest_logged(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_us: int
    ) -> list[tuple[int, LoggedValues]]:
        """By meter the last few."""
