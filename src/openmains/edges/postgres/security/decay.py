# SPDX-License-Identifier: Apache-2.0
"""Timed care of what is kept about terminals: observed ones that have calmed down, and what is too old to be of use."""

from openmains.domain.period import DAY_S
from openmains.domain.security.findings import EVENTS, State
from openmains.domain.security.ladder import Standing, Thresholds, faded
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

FINDINGS_KEPT_S = 400 * DAY_S
UNKNOWN_KEPT_S = 30 * DAY_S
CHANGES_KEPT_S = 30 * DAY_S
BATCH = 5_000
_QUERIES = load(__package__)


async def decay(pool: Pool, thresholds: Thresholds, now_s: int) -> int:
    """Observed terminals whose score has worn off are allowed again and their alarms over; how many."""
    calmed = 0
    after = 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            rows = await _QUERIES["lock_observed"].fetch(connection, after=after, most=BATCH)
            if not rows:
                return calmed
            after = rows[-1]["meter_id"]
            later = {
                row["meter_id"]: faded(Standing(State.OBSERVE, row["score"], row["score_at"]), now_s, thresholds)
                for row in rows
            }
            free = {meter: standing for meter, standing in later.items() if standing.state is State.ALLOWED}
            if free:
                await _QUERIES["allow_again"].execute(
                    connection,
                    meter_ids=list(free),
                    scores=[standing.score for standing in free.values()],
                    instants=[standing.at for standing in free.values()],
                )
                await _QUERIES["clear_alarms_of"].execute(
                    connection, meter_ids=list(free), events=EVENTS, now_us=now_s * 1_000_000
                )
                calmed += len(free)


async def forget_old(pool: Pool, now_s: int) -> None:
    """Old findings, strangers and refusals that did not come again, changes that every edge has seen."""
    await _QUERIES["forget_findings"].execute(pool, before_us=(now_s - FINDINGS_KEPT_S) * 1_000_000)
    await _QUERIES["forget_strangers"].execute(pool, before_us=(now_s - UNKNOWN_KEPT_S) * 1_000_000)
    await _QUERIES["forget_refusals"].execute(pool, before_us=(now_s - UNKNOWN_KEPT_S) * 1_000_000)
    await _QUERIES["forget_changes"].execute(pool, before_s=now_s - CHANGES_KEPT_S)
