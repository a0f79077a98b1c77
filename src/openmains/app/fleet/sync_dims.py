# SPDX-License-Identifier: Apache-2.0
"""Bring ``meter_dim`` in ClickHouse to the registry's state.

The position is a transaction number: everything written by transactions below it is copied. It is kept in ClickHouse and
written after the rows, and rows are idempotent by revision, so a crash anywhere only repeats work. Without a position, or
with one from another database (PostgreSQL restored), all meters are copied.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from openmains.domain.ids import MeterId

PAGE = 50_000


class ChangeSource(Protocol):
    """The registry's side (PostgreSQL)."""

    async def horizon(self) -> int:
        """Every transaction below this number has ended."""

    async def changed(self, since: int, before: int, after_seq: int, limit: int) -> list[tuple[int, MeterId]]:
        """(seq, meter id) of changes by transactions since ≤ number < before, by seq."""

    async def meters(self, meter_ids: Sequence[MeterId]) -> list[tuple[Any, ...]]:
        """Dimension rows of these meters."""

    async def all_meters(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Dimension rows by meter id."""


class DimStore(Protocol):
    """The copy's side (ClickHouse)."""

    async def position(self) -> int | None:
        """Where the last run ended."""

    async def set_position(self, position: int) -> None:
        """Remember it; only ever after the rows are stored."""

    async def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store dimension rows."""


async def sync_dims(source: ChangeSource, store: DimStore) -> int:
    """Copy what changed; returns how many rows were written. One at a time; to be called after imports and every few seconds."""
    horizon = await source.horizon()
    since = await store.position()
    written = 0
    if since is None or since > horizon:
        after = 0
        while rows := await source.all_meters(after, PAGE):
            await store.put(rows)
            after = rows[-1][1]
            written += len(rows)
    elif since < horizon:
        after = 0
        while changes := await source.changed(since, horizon, after, PAGE):
            rows = await source.meters(sorted({meter_id for _, meter_id in changes}))
            await store.put(rows)
            after = changes[-1][0]
            written += len(rows)
    if since != horizon and (written or since is None or since > horizon):
        await store.set_position(horizon)
    return written
