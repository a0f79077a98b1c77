# SPDX-License-Identifier: Apache-2.0
"""Loads the identities of all meters for an edge and follows their changes.

The load is a binary COPY parsed as one array: 10 million meters in seconds. Changes are read by transaction id, not by
sequence number, because sequence numbers become visible out of order.
"""

import io

import asyncpg
import numpy as np

from openmains.app.fleet.identities import Identities, Identity

HEADER = 11 + 4 + 4  # COPY BINARY: signature, flags, extension length
ROW = np.dtype(
    [
        ("fields", ">i2"), ("l1", ">i4"), ("imei", ">i8"), ("l2", ">i4"), ("meter", ">i8"),
        ("l3", ">i4"), ("tenant", ">i4"), ("l4", ">i4"), ("product", ">i4"),
    ]
)  # fmt: skip
RELOAD_AT = 200_000

ALL = """SELECT imei, meter_id, tenant_id, product_id FROM meter
          WHERE imei IS NOT NULL AND removed_on IS NULL ORDER BY imei"""
CHANGED = """
SELECT m.imei, m.meter_id, m.tenant_id, m.product_id, m.removed_on IS NOT NULL AS removed
  FROM meter m
 WHERE m.meter_id IN (SELECT c.meter_id FROM identity_change c WHERE c.xid >= $1::text::xid8 AND c.xid < $2::text::xid8)
"""
COUNT = "SELECT count(*) FROM identity_change c WHERE c.xid >= $1::text::xid8 AND c.xid < $2::text::xid8"


class IdentityFollower:
    """Keeps an ``Identities`` true. Call ``load`` once, then ``follow`` every second or so."""

    def __init__(self, pool: asyncpg.Pool, identities: Identities) -> None:
        self._pool = pool
        self._identities = identities
        self._seen = "0"

    async def load(self) -> None:
        """Read everything anew."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            buffer = io.BytesIO()
            await connection.copy_from_query(ALL, output=buffer, format="binary")
        raw = buffer.getbuffer()
        rows = np.frombuffer(raw[HEADER : len(raw) - 2], dtype=ROW)  # the last two bytes are the end mark
        self._identities.load(
            rows["imei"].astype(np.int64), rows["meter"].astype(np.int64),
            rows["tenant"].astype(np.int32), rows["product"].astype(np.int32),
        )  # fmt: skip
        self._seen = horizon

    async def follow(self) -> int:
        """Apply what changed since the last call; returns how many meters."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            count = await connection.fetchval(COUNT, self._seen, horizon)
            rows = []
            if 0 < count < RELOAD_AT:
                rows = await connection.fetch(CHANGED, self._seen, horizon)
        if count >= RELOAD_AT or self._identities.changes > RELOAD_AT:
            await self.load()
            return int(count)
        for imei, meter_id, tenant_id, product_id, removed in rows:
            self._identities.change(None if removed else imei, Identity(meter_id, tenant_id, product_id))
        self._seen = horizon
        return int(count)
