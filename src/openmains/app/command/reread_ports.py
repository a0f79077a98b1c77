# SPDX-License-Identifier: Apache-2.0
"""What re-reads of gaps ask of the stores, and what passes between (ADR 0024)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from openmains.app.readings.report.collection import Piece
from openmains.domain.ids import AreaId, CommandId, MeterId, ProductId, TenantId
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.rereads import FilledBy, Gap, GapMove, GapState, RereadRequest, Slots, Visit


@dataclass(slots=True)
class GapMeter:
    """A meter with open gaps, as it is now. ``mode``: its own word, None where it says nothing; instants in s UTC;
    ``read_s``: of the newest reading of a person that was booked, 0: none."""

    meter_id: MeterId
    tenant_id: TenantId
    area_id: AreaId
    product_id: ProductId
    driver: str
    channel: str
    own_mode: Mode | None
    product_mode: Mode
    is_removed: bool
    is_held_back: bool
    last_seen_s: int
    known_s: int
    asked_this_month: int
    cell: int
    freeze_s: int
    read_s: int = 0
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DraftedReread:
    """A ``read_intervals`` on its way into the store. ``content`` as of any command: its key again must mean the same."""

    meter: GapMeter
    asked: RereadRequest
    unique_key: str
    content: bytes


class GapSlots(Protocol):
    """What is stored of days (ClickHouse)."""

    async def slots(self, tenant_id: TenantId, days: Sequence[tuple[MeterId, int]]) -> Mapping[tuple[int, int], Slots]:
        """By meter and day; those of which nothing is stored are left out."""


class RereadStore(Protocol):
    """Gaps of all tenants (PostgreSQL)."""

    async def unscanned(self, tenant_id: TenantId, first_day: int) -> list[Piece]:
        """Pieces of the report that were kept and whose gaps are not written down yet, from a day on, oldest first."""

    async def add_gaps(
        self, tenant_id: TenantId, piece: Piece, due_s: int, meters: Sequence[MeterId], now_s: int, *, is_last: bool
    ) -> int:
        """Write down those that are not there yet; ``is_last``: with them the piece is done. How many were new."""

    async def meters(self, after: int, limit: int, now_s: int) -> list[GapMeter]:
        """Meters with open gaps that spoke since somebody looked, or that nobody looked at for long, by id from ``after`` on."""

    async def cells(self, since_s: int) -> dict[int, int]:
        """Re-reads given since, by cell."""

    async def write(
        self, looked: Sequence[GapMeter], moves: Sequence[GapMove], asks: Sequence[DraftedReread], now_us: int
    ) -> int:
        """All in one transaction; a gap that is no longer as it was seen stays as it is. Returns how many commands were drafted."""


class GapCommands(Protocol):
    """Commands that are no longer needed."""

    async def cancel(self, command_ids: Sequence[CommandId], now_us: int) -> None:
        """Those that were never sent; others take their course."""


class VisitMeter(Struct, frozen=True):
    """A meter that somebody has to go to, for these days. ``since``: when its oldest gap came to it."""

    meter_id: MeterId
    number: str
    area_code: str
    area_name: str
    address: str
    customer_name: str
    why: Visit
    days: int
    first_day: date
    last_day: date
    last_seen_at: datetime | None
    since: datetime


class MeterGap(Struct, frozen=True):
    """One day that was due and not well, and what became of it."""

    day: date
    state: GapState
    tries: int
    command_id: CommandId | None
    by: FilledBy | None
    why: Visit | None
    changed_at: datetime
    reason: str


class EffectOfDay(Struct, frozen=True):
    """What re-reads made of a day. ``expected``, ``received``: as they stood when the day was due; ``rate_before_ppm`` from them.
    ``filled_…``: days of meters that came afterwards, by what brought them; ``open`` are still asked for, ``visits`` wait for
    somebody. ``rate_after_ppm``: with all that came, totals of the history among them only where the task wants no more."""

    day: date
    expected: int
    received: int
    filled_by_meter: int
    filled_by_history: int
    filled_by_reread: int
    filled_by_person: int
    open: int
    visits: int
    rate_before_ppm: int
    rate_after_ppm: int


class EffectStore(Protocol):
    """A tenant's gaps for the pages."""

    async def effect(self, first_day: int, last_day: int) -> list[EffectOfDay]:
        """By day, newest first; days of which nothing was due are left out."""

    async def asks(self, since_s: int) -> tuple[int, int]:
        """Re-reads given since, and of how many meters."""

    async def visits(self, limit: int, after: int | None, area_id: AreaId | None) -> list[VisitMeter]:
        """By meter; of an area with those below it."""

    async def gaps(self, meter_id: MeterId, limit: int) -> list[MeterGap]:
        """Of one meter, newest first."""

    async def close(self, meter_id: MeterId, reason: str, now_s: int) -> int:
        """Its gaps that wait for a visit are closed; how many."""

    async def again(self, meter_id: MeterId, reason: str, now_s: int) -> int:
        """They are wanted again; how many."""
