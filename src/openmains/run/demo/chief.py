# SPDX-License-Identifier: Apache-2.0
"""The demo utility's administrator, in whose name the demo acts."""

import asyncpg

from openmains.app.identity.model import Actor
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


async def chief_of(owner: asyncpg.Pool, tenant_id: TenantId) -> Actor | None:
    """None where the utility has none."""
    row = await _QUERIES["first_person"].fetchrow(owner, tenant_id=tenant_id)
    if row is None:
        return None
    return Actor(
        tenant_id, UserId(row["user_id"]), row["login"], row["name"], Role.ADMINISTRATOR, "zh", row["zone"], "session"
    )
