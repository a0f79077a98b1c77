# SPDX-License-Identifier: Apache-2.0
"""Which products a list of some kinds of devices is of: the kind is the product's, and products are few."""

from openmains.app.fleet.model import MeterFilter
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


async def products_of(connection: Connection, tenant_id: TenantId, chosen: MeterFilter) -> tuple[int, ...] | None:
    """The filter's products by id; None: all there are, which is so wherever there are no monitors and costs no list anything."""
    wanted = None if chosen.product_id is None else int(chosen.product_id)
    if not chosen.kinds:
        return None if wanted is None else (wanted,)
    rows = await _QUERIES["products_of_kinds"].fetch(
        connection, tenant_id=tenant_id, kinds=[kind.value for kind in chosen.kinds]
    )
    if wanted is None and all(row["is_wanted"] for row in rows):
        return None
    return tuple(row["product_id"] for row in rows if row["is_wanted"] and wanted in (None, row["product_id"]))
