# SPDX-License-Identifier: Apache-2.0
"""Meters that came by a door that knows no accounts – an import, a form – are given premises and an account: functions of migration 0138.
Use a pool of the pipeline's role."""

import logging
from collections.abc import Callable

import asyncpg

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "hang.sql")
_log = logging.getLogger(__name__)
AT_ONCE = 4000  # a batch is one transaction, of a second or two


async def hang_meters(pool: Pool, most: int = AT_ONCE) -> int:
    """A batch of those that wait longest; how many of them wait no more, hung or no longer to be hung."""
    async with pool.acquire() as connection, connection.transaction():
        return int(await _QUERIES["hang_meters"].fetchval(connection, most=most))


async def hang_brought(pool: Pool, tenant_id: TenantId, should_stop: Callable[[], bool]) -> int:
    """Batches until none waits; how many of the utility's meters still do. What was brought stays brought: where hanging fails, whoever comes
    by the clock tries again."""
    try:
        while not should_stop() and await hang_meters(pool):
            pass
    except (asyncpg.PostgresError, OSError) as error:
        _log.warning("meters to hang: %s: %s", type(error).__name__, error)
    return int(await _QUERIES["count_to_hang"].fetchval(pool, tenant_id=tenant_id))
