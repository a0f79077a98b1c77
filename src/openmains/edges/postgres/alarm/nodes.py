# SPDX-License-Identifier: Apache-2.0
"""Faults of gateways and relays become alarms, and their ends end them: looked at as they stand, in one transaction, by ``domain.alarm.nodes``.
Role openmains_pipeline."""

from openmains.domain.alarm.nodes import (
    DOUBLE_S,
    HUSHED_S,
    LATE_S,
    NODE_EVENTS,
    SILENT_S,
    WELL_AGAIN_MS,
    ClockReports,
    NodeFault,
    NodeKey,
    OpenNodeAlarm,
    decide,
)
from openmains.edges.postgres.db import Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "nodes.sql")
_S = 1_000_000


class PostgresNodeFaults:
    """Of all utilities."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._clocks = pool, ClockReports()

    async def look(self, now_us: int) -> tuple[int, int]:
        """How many alarms were raised, and how many are over."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await _QUERIES["node_faults"].fetch(
                connection,
                silent_us=now_us - SILENT_S * _S,
                late_us=[now_us - late_s * _S for late_s in LATE_S],
                double_us=now_us - DOUBLE_S * _S,
                off_ms=WELL_AGAIN_MS,
            )
            known = await _QUERIES["open_node_alarms"].fetch(connection)
            if not rows and not known:
                return 0, 0
            hushed = await _QUERIES["hushed_nodes"].fetch(connection, since_us=now_us - HUSHED_S * _S)
            faults = [NodeFault(_key(row), row["number"], row["since_us"], row["off_ms"]) for row in rows]
            unsure = self._clocks.unsure(faults)
            raised, over = decide(
                faults,
                [OpenNodeAlarm(row["alarm_id"], _key(row)) for row in known],
                unsure | {_key(row) for row in hushed},
            )
            if over:
                await _QUERIES["clear_node_alarms"].execute(connection, alarm_ids=over, now_us=now_us)
            if raised:
                await _QUERIES["raise_node_alarms"].execute(
                    connection,
                    now_us=now_us,
                    tenant_ids=[each.key.tenant_id for each in raised],
                    concentrator_ids=[each.key.concentrator_id for each in raised],
                    relays=[each.key.relay for each in raised],
                    nodes=[each.node for each in raised],
                    events=[each.key.event for each in raised],
                    severities=[NODE_EVENTS[each.key.event][0] for each in raised],
                    since_us=[each.since_us for each in raised],
                )
        return len(raised), len(over)


def _key(row: Row) -> NodeKey:
    return NodeKey(row["event"], row["tenant_id"], row["concentrator_id"], row["relay"])
