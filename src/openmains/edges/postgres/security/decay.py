# SPDX-License-Identifier: Apache-2.0
"""Timed care of what is kept about terminals: observed ones that have calmed down, and what is too old to be of use."""

from openmains.domain.security.findings import EVENTS, State
from openmains.domain.security.ladder import Standing, Thresholds, faded
from openmains.edges.postgres.db import Pool

FINDINGS_KEPT_S = 400 * 86_400
STRANGERS_KEPT_S = 30 * 86_400
CHANGES_KEPT_S = 30 * 86_400
BATCH = 5_000


async def calm_down(pool: Pool, thresholds: Thresholds, now_s: int) -> int:
    """Observed terminals whose score has worn off are allowed again and their alarms over; how many."""
    calmed = 0
    after = 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT meter_id, score, score_at FROM terminal WHERE state = 'observe' AND NOT held AND meter_id > $1"
                " ORDER BY meter_id LIMIT $2 FOR UPDATE",
                after, BATCH,
            )  # fmt: skip
            if not rows:
                return calmed
            after = rows[-1][0]
            later = {row[0]: faded(Standing(State.OBSERVE, row[1], row[2]), now_s, thresholds) for row in rows}
            free = {meter: standing for meter, standing in later.items() if standing.state is State.ALLOWED}
            if free:
                await connection.execute(
                    "UPDATE terminal t SET state = 'allowed', score = u.score, score_at = u.at, state_at = now(),"
                    " reasons = '{}', state_by = NULL, note = '' FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS u(meter_id, score, at)"
                    " WHERE t.meter_id = u.meter_id AND t.state = 'observe' AND NOT t.held",
                    list(free), [standing.score for standing in free.values()],
                    [standing.at for standing in free.values()],
                )  # fmt: skip
                await connection.execute(
                    "UPDATE alarm SET cleared_us = $3 WHERE cleared_us IS NULL AND event = ANY ($2::text[])"
                    " AND meter_id = ANY ($1::bigint[])",
                    list(free), EVENTS, now_s * 1_000_000,
                )  # fmt: skip
                calmed += len(free)


async def forget_old(pool: Pool, now_s: int) -> None:
    """Old findings, strangers that did not come again, changes that every edge has seen."""
    await pool.execute("DELETE FROM terminal_finding WHERE at_us < $1", (now_s - FINDINGS_KEPT_S) * 1_000_000)
    await pool.execute(
        "DELETE FROM onboarding WHERE last_us < $1 AND NOT proven AND status <> 'accepted'",
        (now_s - STRANGERS_KEPT_S) * 1_000_000,
    )
    await pool.execute("DELETE FROM terminal_change WHERE at < to_timestamp($1)", now_s - CHANGES_KEPT_S)
