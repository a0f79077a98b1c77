# SPDX-License-Identifier: Apache-2.0
"""Loads the identities of all meters for an edge and follows their changes.

The load is a binary COPY parsed as one array: 10 million meters in seconds. Changes are read by transaction id, not by
sequence number, because sequence numbers become visible out of order.
"""

import io

import numpy as np

from openmains.app.fleet.identities import Identities, Identity
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

HEADER = 11 + 4 + 4  # COPY BINARY: signature, flags, extension length
ROW = np.dtype(
    [
        ("fields", ">i2"), ("l1", ">i4"), ("imei", ">i8"), ("l2", ">i4"), ("meter", ">i8"),
        ("l3", ">i4"), ("tenant", ">i4"), ("l4", ">i4"), ("product", ">i4"),
    ]
)  # fmt: skip
RELOAD_AT = 200_000

_QUERIES = load(__package__)


class IdentityFollower:
    """Keeps an ``Identities`` true. Call ``load`` once, then ``follow`` every second or so."""

    def __init__(self, pool: Pool, identities: Identities) -> None:
        self._pool = pool
        self._identities = identities
        self._seen = "0"

    async def load(self) -> None:
        """Read everything anew."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _QUERIES["snapshot_horizon"].fetchval(connection)
            buffer = io.BytesIO()
            await connection.copy_from_query(_QUERIES["all_identities"].sql, output=buffer, format="binary")
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
            horizon = await _QUERIES["snapshot_horizon"].fetchval(connection)
            between = {"since": self._seen, "before": horizon}
            count = await _QUERIES["count_changed_identities"].fetchval(connection, **between)
            rows = []
            if 0 < count < RELOAD_AT:
                rows = await _QUERIES["changed_identities"].fetch(connection, **between)
        if count >= RELOAD_AT or self._identities.changes > RELOAD_AT:
            await self.load()
            return int(count)
        for row in rows:
            identity = Identity(row["meter_id"], row["tenant_id"], row["product_id"])
            self._identities.change(None if row["is_removed"] else row["imei"], identity)
        self._seen = horizon
        return int(count)
