# SPDX-License-Identifier: Apache-2.0
"""Follows the terminals' steps for an edge, reads SIM bindings, notes unknown terminals. Role openmains_pipeline.

Changes are read by transaction id, as in ``identities.py``. A meter that changed its module counts as a change too: a step
belongs to the pair of IMEI and meter.
"""

from collections.abc import Sequence

from openmains.app.security.access_cache import AccessCache
from openmains.app.security.refusals import Refusal
from openmains.app.security.unknown import Unknown
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import STATES, State
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

MOST_UNPROVEN = 10_000  # open entries of terminals that showed no key: a stranger must not fill the disk
MOST_REFUSALS = 10_000  # of names that are nobody's meter, for the same reason
_QUERIES = load(__package__)


class AccessFollower:
    """Keeps an ``AccessCache`` true. Call ``load`` once, then ``follow`` every second or so."""

    def __init__(self, pool: Pool, cache: AccessCache) -> None:
        self._pool = pool
        self._cache = cache
        self._seen = "0"

    async def load(self) -> None:
        """Read everything anew."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _QUERIES["snapshot_horizon"].fetchval(connection)
            rows = await _QUERIES["terminals_not_allowed"].fetch(connection)
        self._cache.load({row["imei"]: STATES[row["state"]] for row in rows})
        self._seen = horizon

    async def follow(self) -> list[tuple[int, State]]:
        """Apply what changed since the last call; returns it, so that an edge can close sessions of the blocked."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _QUERIES["snapshot_horizon"].fetchval(connection)
            rows = await _QUERIES["changed_terminals"].fetch(connection, since=self._seen, before=horizon)
        self._seen = horizon
        changed = []
        for row in rows:
            imei, state = row["imei"], STATES[row["state"]]
            if self._cache.state(imei) is not state:
                self._cache.change(imei, state)
                changed.append((imei, state))
        return changed

    async def bindings(self, imeis: Sequence[int]) -> dict[int, Sim]:
        """The registered SIM of each meter in use; one query for all."""
        rows = await _QUERIES["sims_of"].fetch(self._pool, imeis=imeis)
        return {row["imei"]: Sim(row["imsi"], row["iccid"]) for row in rows}

    async def cells(self, imeis: Sequence[int]) -> dict[int, int]:
        """The cell that each meter's last report came from, where known."""
        return {row["imei"]: row["cell"] for row in await _QUERIES["cells_of"].fetch(self._pool, imeis=imeis)}

    async def note_unknown(self, found: Sequence[Unknown]) -> None:
        """Write what ``UnknownTerminals`` gathered; a repeat only counts."""
        if found:
            await _QUERIES["note_unknown"].execute(
                self._pool,
                imei=[item.imei for item in found],
                first_us=[item.first_us for item in found],
                last_us=[item.last_us for item in found],
                attempts=[item.attempts for item in found],
                address=[item.address[:64] for item in found],
                proven=[item.proven for item in found],
                most_unproven=MOST_UNPROVEN,
            )

    async def note_refusals(self, found: Sequence[Refusal]) -> None:
        """Write what ``Refusals`` gathered; a repeat only counts."""
        if found:
            await _QUERIES["note_refusals"].execute(
                self._pool,
                name=[item.name for item in found],
                imei=[item.imei for item in found],
                stage=[item.stage.value for item in found],
                reason=[item.reason[:64] for item in found],
                detail=[item.detail[:200].replace("\0", "\\0") for item in found],
                address=[item.address[:64] for item in found],
                first_us=[item.first_us for item in found],
                last_us=[item.last_us for item in found],
                attempts=[item.attempts for item in found],
                tenant_ids=[item.tenant_id for item in found],
                most_nobodys=MOST_REFUSALS,
            )
