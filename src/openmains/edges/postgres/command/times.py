# SPDX-License-Identifier: Apache-2.0
"""Times of kinds that tenants and products set, as ``domain.command.kinds.rule_for`` takes them."""

from collections.abc import Mapping

from openmains.domain.command.kinds import Times
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

SQL = load(__package__)


async def read_times(on: Connection | Pool) -> Mapping[tuple[int, int, str], Times]:
    """By (tenant, product or 0, kind)."""
    return {
        (row["tenant_id"], row["product_id"], row["kind"]): Times(row["validity_s"], row["attempts"], row["pause_s"])
        for row in await SQL["times"].fetch(on)
    }
