# SPDX-License-Identifier: Apache-2.0
"""A network of 10,000 nodes over a bench's registry: 100 gateways with four relays and 95 meters each, as gateways would have said it."""

from typing import Any, Final

import asyncpg

GATEWAYS: Final = 100
RELAYS: Final = 4
METERS: Final = 95
FIRST: Final = 9_100_000_000_000_000

_BOOK: Final = """
INSERT INTO concentrator (tenant_id, number, name, poll_s)
SELECT $1::int, ($2::bigint + n)::text, 'G' || n, 3600 FROM generate_series(0, $3::int - 1) n
ON CONFLICT (number) DO NOTHING
"""
_STANDING: Final = """
INSERT INTO concentrator_state (concentrator_id, tenant_id, node, is_connected, is_proven, host, kind, wakes, firmware, connected_us, heard_us)
SELECT concentrator_id, tenant_id, 9, true, false, 'broker', 4, 0, 0, 1, 1 FROM concentrator
 WHERE tenant_id = $1 AND number BETWEEN $2::bigint::text AND ($2::bigint + $3::int - 1)::text
ON CONFLICT DO NOTHING
"""
_GATEWAYS: Final = """
INSERT INTO network_gateway (concentrator_id, tenant_id, reported_us, run, power, clock, version, network, slots_used, slots, waiting, dropped,
                             commands, relays, counters)
SELECT concentrator_id, tenant_id, 1, 'r', 'mains', 'platform', '1', 1, 95, 5040, 0, 0, 0, '{1,2,3,4}', '{}' FROM concentrator_state
 WHERE tenant_id = $1 AND node = 9 ON CONFLICT DO NOTHING
"""
_BEHIND: Final = """
INSERT INTO concentrator_meter (meter_id, concentrator_id, tenant_id)
SELECT m.meter_id, g.ids[1 + (m.place - 1) / $3::int], $1::int
  FROM (SELECT meter_id, row_number() OVER (ORDER BY meter_id) AS place FROM meter WHERE tenant_id = $1::int AND removed_on IS NULL
         ORDER BY meter_id LIMIT $2::int * $3::int) m,
       (SELECT array_agg(concentrator_id ORDER BY concentrator_id) AS ids FROM network_gateway WHERE tenant_id = $1::int) g
ON CONFLICT DO NOTHING
"""
_NODES: Final = """
INSERT INTO network_node (concentrator_id, relay, meter, tenant_id, meter_id, via, is_failed, joined_us, reported_us)
SELECT b.concentrator_id, 0, lpad(m.number, 16, '0'), b.tenant_id, b.meter_id, CASE WHEN b.meter_id % 3 = 0 THEN 1 + b.meter_id % 4 ELSE 0 END,
       false, 1, 1
  FROM concentrator_meter b JOIN meter m USING (meter_id) WHERE b.tenant_id = $1
UNION ALL
SELECT concentrator_id, relay, '', tenant_id, NULL, 0, false, 1, 1 FROM network_gateway, generate_series(1, $2::int) relay WHERE tenant_id = $1
ON CONFLICT DO NOTHING
"""


async def add_network(owner: "asyncpg.Connection[Any]", tenant_id: int) -> None:
    """A second time changes nothing. ``owner``: of the schema."""
    await owner.execute(_BOOK, tenant_id, FIRST, GATEWAYS)
    await owner.execute(_STANDING, tenant_id, FIRST, GATEWAYS)
    await owner.execute(_GATEWAYS, tenant_id)
    await owner.execute(_BEHIND, tenant_id, GATEWAYS, METERS)
    await owner.execute(_NODES, tenant_id, RELAYS)
    for table in ("concentrator", "concentrator_meter", "concentrator_state", "network_gateway", "network_node"):
        await owner.execute(f"ANALYZE {table}")
