# SPDX-License-Identifier: Apache-2.0
"""All days that changed since a cursor, in order: nothing missed and nothing twice while readings arrive (R14.7, ADR 0022).

The pipeline writes each batch's days under its shard and the stream position at which the batch began, and only then commits that
the shard stands after it. So below a committed position nothing is added any more. A cursor holds for each shard the place up to
which its changes were told; a request reads the positions first, and then tells what lies between.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import date_to_day

PAGE = 20_000
BEFORE_CURSORS = 2**32 - 1
"""Stands for a shard: what was stored before there were cursors."""
END = 2**63
MOST_NUMBERS = 500_000  # meter numbers kept in memory


class ChangePlace(NamedTuple):
    """Up to where the changes of a shard were told: those after this key come next."""

    seq: int = 0
    meter_id: int = 0
    day: int = 0
    version: int = 0


class DayChange(NamedTuple):
    """A version of a day as a batch left it. Volumes in the product's unit; ``grid`` slots, of them ``slots`` with a value."""

    seq: int
    meter_id: int
    day: date
    version: int
    product_id: int
    base: int
    total: int
    flags: int
    grid: int
    slots: int
    measured: int
    received_s: int


class ChangeStore(Protocol):
    """The days in the order in which they changed."""

    async def after(
        self, tenant_id: TenantId, shard: int, place: ChangePlace, until: int, limit: int
    ) -> list[DayChange]:
        """The next ones of a shard whose batch began before ``until``."""


class ChangeFacts(Protocol):
    """What PostgreSQL knows of them, for one tenant."""

    async def positions(self) -> dict[int, int]:
        """Committed stream position by shard."""

    async def numbers(self, meter_ids: Sequence[MeterId]) -> dict[int, str]: ...
    async def drivers(self) -> dict[int, str]:
        """Driver by product."""


@dataclass(slots=True)
class ChangeCursor:
    """By shard the place up to which its changes were told; one that is not in it was not begun."""

    places: dict[int, ChangePlace] = field(default_factory=dict)

    def told(self, shard: int, until: int) -> None:
        """All changes of the shard's batches that began before ``until``."""
        self.places[shard] = ChangePlace(until)

    @property
    def key(self) -> list[tuple[int, int, int, int, int]]:
        """As it is written into a cursor."""
        return [(shard, *place) for shard, place in sorted(self.places.items())]


def cursor_of(key: Sequence[tuple[int, int, int, int, int]] | None) -> ChangeCursor:
    """Of a written one; None: from the beginning."""
    return ChangeCursor({shard: ChangePlace(*place) for shard, *place in key or ()})


class Changes:
    """One request's way through them. ``positions`` were read before anything else."""

    def __init__(
        self,
        tenant_id: TenantId,
        store: ChangeStore,
        cursor: ChangeCursor,
        positions: Mapping[int, int],
        *,
        page: int = PAGE,
    ) -> None:
        self._tenant_id, self._store, self.cursor, self._page = tenant_id, store, cursor, page
        self._positions = dict(positions)
        self.is_over = False

    async def pages(self, most: int) -> AsyncIterator[list[DayChange]]:
        """Pages of changes; after each ``cursor`` is where to go on. ``is_over`` when all was told."""
        left = most
        ahead: asyncio.Task[list[DayChange]] | None = None  # the next page is on its way while this one is written
        try:
            for shard, until in sorted((self._positions | {BEFORE_CURSORS: END}).items()):
                while (place := self.cursor.places.get(shard, ChangePlace())).seq < until:
                    if left <= 0:
                        return
                    rows = await (ahead or self._next(shard, place, until, left))
                    ahead = None
                    left -= len(rows)
                    if len(rows) < self._page and left > 0:
                        self.cursor.told(shard, until)
                    elif rows:
                        last = rows[-1]
                        place = ChangePlace(last.seq, last.meter_id, date_to_day(last.day), last.version)
                        self.cursor.places[shard] = place
                        if left > 0:
                            ahead = asyncio.create_task(self._next(shard, place, until, left))
                    if rows:
                        yield rows
        finally:
            if ahead is not None:
                ahead.cancel()
        self.is_over = True

    async def _next(self, shard: int, place: ChangePlace, until: int, left: int) -> list[DayChange]:
        return await self._store.after(self._tenant_id, shard, place, until, min(self._page, left))


async def begin_export(
    store: Store, actor: Actor, cursor: ChangeCursor, most: int
) -> tuple[Mapping[int, int], Mapping[int, str]]:
    """Committed position by shard and driver by product, read before any change; who asked is in the trail."""
    async with store.tenant(actor.tenant_id) as work:
        positions, drivers = await work[ChangeFacts].positions(), await work[ChangeFacts].drivers()
        asked = {"since": [list(place) for place in cursor.key], "most": most}
        await work[AuditTrail].record(actor, "export_changes", "readings", "changes", None, asked)
    return positions, drivers
