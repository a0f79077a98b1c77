# SPDX-License-Identifier: Apache-2.0
"""Follows the terminals' steps for an edge, reads SIM bindings, notes unknown terminals. Role openmains_pipeline.

Changes are read by transaction id, as in ``identities.py``. A meter that changed its module counts as a change too: a step
belongs to the pair of IMEI and meter.
"""

from collections.abc import Sequence

from openmains.app.security.access_cache import AccessBook
from openmains.app.security.unknown import Unknown
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import STATES, State
from openmains.edges.postgres.db import Pool

MOST_UNPROVEN = 10_000  # open entries of terminals that showed no key: a stranger must not fill the disk
_ALL = """
SELECT t.imei, t.state FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei AND m.removed_on IS NULL
 WHERE t.state <> 'allowed'
"""
_CHANGED = """
WITH told AS (SELECT c.imei FROM terminal_change c WHERE c.xid >= $1::text::xid8 AND c.xid < $2::text::xid8
              UNION
              SELECT t.imei FROM identity_change c JOIN terminal t USING (meter_id)
               WHERE c.xid >= $1::text::xid8 AND c.xid < $2::text::xid8)
SELECT told.imei, coalesce((SELECT t.state FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei
                             WHERE t.imei = told.imei AND m.removed_on IS NULL), 'allowed')
  FROM told
"""
_SIMS = "SELECT imei, imsi, iccid FROM meter WHERE imei = ANY ($1::bigint[]) AND removed_on IS NULL"
_CELLS = """
SELECT m.imei, s.cell FROM meter m JOIN meter_state s USING (meter_id)
 WHERE m.imei = ANY ($1::bigint[]) AND m.removed_on IS NULL AND s.cell IS NOT NULL
"""
# Whose is it? The one tenant's that has a key for it, else the only tenant's, else nobody's (0).
_NOTE = """
INSERT INTO onboarding AS o (imei, tenant_id, first_us, last_us, attempts, address, proven)
SELECT u.imei,
       coalesce((SELECT min(k.tenant_id) FROM device_key k WHERE k.imei = u.imei HAVING count(*) = 1),
                (SELECT min(t.tenant_id) FROM tenant t HAVING count(*) = 1), 0),
       u.first_us, u.last_us, u.attempts, u.address, u.proven
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[])
       AS u(imei, first_us, last_us, attempts, address, proven)
 WHERE NOT EXISTS (SELECT FROM meter m WHERE m.imei = u.imei AND m.removed_on IS NULL)
   AND (u.proven OR EXISTS (SELECT FROM onboarding k WHERE k.imei = u.imei)
        OR (SELECT count(*) FROM onboarding k WHERE k.status = 'open' AND NOT k.proven) < $7)
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET last_us = greatest(o.last_us, excluded.last_us), attempts = o.attempts + excluded.attempts,
       address = excluded.address, proven = o.proven OR excluded.proven,
       status = CASE WHEN o.status = 'accepted' THEN 'open' ELSE o.status END
"""


class AccessFollower:
    """Keeps an ``AccessBook`` true. Call ``load`` once, then ``follow`` every second or so."""

    def __init__(self, pool: Pool, book: AccessBook) -> None:
        self._pool = pool
        self._book = book
        self._seen = "0"

    async def load(self) -> None:
        """Read everything anew."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            rows = await connection.fetch(_ALL)
        self._book.load({row[0]: STATES[row[1]] for row in rows})
        self._seen = horizon

    async def follow(self) -> list[tuple[int, State]]:
        """Apply what changed since the last call; returns it, so that an edge can close sessions of the blocked."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            rows = await connection.fetch(_CHANGED, self._seen, horizon)
        self._seen = horizon
        changed = []
        for imei, word in rows:
            state = STATES[word]
            if self._book.state(imei) is not state:
                self._book.change(imei, state)
                changed.append((imei, state))
        return changed

    async def bindings(self, imeis: Sequence[int]) -> dict[int, Sim]:
        """The registered SIM of each meter in use; one query for all."""
        return {row[0]: Sim(row[1], row[2]) for row in await self._pool.fetch(_SIMS, imeis)}

    async def cells(self, imeis: Sequence[int]) -> dict[int, int]:
        """The cell that each meter's last report came from, where known."""
        return {row[0]: row[1] for row in await self._pool.fetch(_CELLS, imeis)}

    async def note_unknown(self, found: Sequence[Unknown]) -> None:
        """Write what ``UnknownTerminals`` gathered; a repeat only counts."""
        if found:
            await self._pool.execute(
                _NOTE, [item.imei for item in found], [item.first_us for item in found],
                [item.last_us for item in found], [item.attempts for item in found],
                [item.address[:64] for item in found], [item.proven for item in found], MOST_UNPROVEN,
            )  # fmt: skip
