# SPDX-License-Identifier: Apache-2.0
"""What persons' readings ask of the stores."""

from collections.abc import Sequence
from typing import Protocol

from openmains.app.readings.manual.model import ManualReading, ManualState, NewManualReading, ReadMeter, SentReading
from openmains.domain.ids import MeterId, TenantId, UserId


class ManualStore(Protocol):
    """The ledger of one tenant, newest first, as its people see it."""

    async def page(
        self, limit: int, after: int | None, *, state: ManualState | None, meter_id: MeterId | None, job_id: int | None
    ) -> list[ManualReading]: ...
    async def get(self, reading_id: int) -> ManualReading | None: ...
    async def at(self, meter_id: MeterId, at_s: int) -> ManualReading | None: ...
    async def meters(self, number: str, bar_code: str) -> list[ReadMeter]:
        """The meter of this number, or without one those of this bar code; at most two."""

    async def meter(self, meter_id: MeterId) -> ReadMeter | None: ...
    async def add(self, wanted: NewManualReading) -> int | None:
        """Its number; None where a reading of this meter and instant is there already."""

    async def sent(self, reading_id: int, now_us: int) -> None:
        """It is in the stream."""


class ManualImport(Protocol):
    """One import's transaction; nobody sees anything of it before ``commit``."""

    async def begin(self, tenant_id: TenantId, author_id: UserId, job_id: int, now_us: int) -> None:
        """Open it; waits for another import of this tenant."""

    async def meters(self, numbers: Sequence[str], bar_codes: Sequence[str]) -> list[ReadMeter]:
        """Those of these numbers and bar codes."""

    async def add(self, rows: Sequence[NewManualReading]) -> list[tuple[MeterId, int, int, int | None]]:
        """(meter, instant, register, job) as they stand in the ledger now, those that stood there before as they were."""

    async def commit(self) -> None: ...
    async def rollback(self) -> None: ...
    async def waiting(self, job_id: int, limit: int) -> list[SentReading]:
        """Committed readings of a job that were not sent yet, by meter and instant."""

    async def sent(self, reading_ids: Sequence[int], now_us: int) -> None:
        """They are in the stream."""

    async def unapplied(self, job_id: int) -> int:
        """How many of a job were sent and wait in the stream."""


class KnownRegisters(Protocol):
    """Registers that are stored, whoever said them."""

    async def known(
        self, tenant_id: TenantId, places: Sequence[tuple[MeterId, int]]
    ) -> dict[tuple[int, int], set[int]]:
        """By (meter, instant in s) of these the registers that are kept."""
