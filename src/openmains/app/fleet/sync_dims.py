# SPDX-License-Identifier: Apache-2.0
"""Bring ``meter_dim`` in ClickHouse to the registry's state.

The position is a transaction number: everything written by transactions below it is copied. It is kept in ClickHouse and
written after the rows, and rows are idempotent by revision, so a crash anywhere only repeats work. Without a position, or
with one from another database (PostgreSQL restored), all meters are copied.

A row that ClickHouse can not hold is set aside and said (a log line, ``dimension_fault`` of the registry, the counter
``meters.set_aside``, the collection report): it stands in nobody else's way. It is copied when it has been corrected.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from openmains.app.fleet.model import Dimension
from openmains.domain.fleet.installation import is_copied
from openmains.domain.ids import MeterId, TenantId

PAGE = 20_000  # nobody else in this process has a turn while a page is looked through
_DATES = ("installed_on", "removed_on", "first_day", "own_since")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A meter that is not copied: the field that can not be, and what stands in it."""

    tenant_id: TenantId
    meter_id: MeterId
    field: str
    value: str


class ChangeSource(Protocol):
    """The registry's side (PostgreSQL)."""

    async def horizon(self) -> int:
        """Every transaction below this number has ended."""

    async def changed(self, since: int, before: int, after_seq: int, limit: int) -> list[tuple[int, MeterId]]:
        """(seq, meter id) of changes by transactions since ≤ number < before, by seq."""

    async def meters(self, meter_ids: Sequence[MeterId]) -> list[Dimension]:
        """Dimension rows of these meters."""

    async def all_meters(self, after: int, limit: int) -> list[Dimension]:
        """Dimension rows by meter id."""

    async def note_set_aside(self, looked_at: Sequence[MeterId], found: Sequence[SetAside]) -> list[SetAside]:
        """Keep which of these meters are set aside; returns those that were not before."""


class DimStore(Protocol):
    """The copy's side (ClickHouse)."""

    async def position(self) -> int | None:
        """Where the last run ended."""

    async def set_position(self, position: int) -> None:
        """Remember it; only ever after the rows are stored."""

    async def put(self, rows: Sequence[Dimension]) -> None:
        """Store dimension rows."""


def set_aside(row: Dimension) -> SetAside | None:
    """Why a row can not be copied; None where it can."""
    for field in _DATES:
        if not is_copied(getattr(row, field)):
            return SetAside(row.tenant_id, row.meter_id, field, getattr(row, field).isoformat())
    return None


async def sync_dims(source: ChangeSource, store: DimStore) -> int:
    """Copy what changed; returns how many rows were written. To be called after imports and every few seconds."""
    horizon = await source.horizon()
    since = await store.position()
    written = 0
    if since is None or since > horizon:
        after = 0
        while rows := await source.all_meters(after, PAGE):
            await _put(source, store, rows)
            after = rows[-1].meter_id
            written += len(rows)
    elif since < horizon:
        after = 0
        while changes := await source.changed(since, horizon, after, PAGE):
            rows = await source.meters(sorted({meter_id for _, meter_id in changes}))
            await _put(source, store, rows)
            after = changes[-1][0]
            written += len(rows)
    if since != horizon and (written or since is None or since > horizon):
        await store.set_position(horizon)
    return written


async def _put(source: ChangeSource, store: DimStore, rows: Sequence[Dimension]) -> None:
    found = {}
    if not all(is_copied(end(map(attrgetter(field), rows))) for field in _DATES for end in (min, max)):  # hardly ever
        found = {fault.meter_id: fault for row in rows if (fault := set_aside(row)) is not None}
    await store.put([row for row in rows if row.meter_id not in found] if found else rows)
    for new in await source.note_set_aside([row.meter_id for row in rows], list(found.values())):
        _log.error(
            "meter %d of tenant %d is in no collection report: %s %s is a date the readings' store can not hold; correct it",
            new.meter_id,
            new.tenant_id,
            new.field,
            new.value,
        )
