# SPDX-License-Identifier: Apache-2.0
"""``Store`` of the API: a pool that works as ``openmains_api``, and all its tables in one tenant's transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from openmains.app.fleet.search import MeterHit
from openmains.app.fleet.wording import Wording
from openmains.edges.postgres.alarm.tables import Alarms
from openmains.edges.postgres.command.tables import Commands
from openmains.edges.postgres.db import Connection, Pool, tenant_transaction
from openmains.edges.postgres.fleet import search
from openmains.edges.postgres.fleet.meters import Meters
from openmains.edges.postgres.fleet.tables import Areas, Products
from openmains.edges.postgres.identity.audit import Audit
from openmains.edges.postgres.identity.tables import Credentials, SignIn, Users
from openmains.edges.postgres.ingest.dead_letters import DeadLetters
from openmains.edges.postgres.job.tables import Jobs
from openmains.edges.postgres.readings.exceptions import Exceptions
from openmains.edges.postgres.security.terminals import Access


class Search:
    """``MeterSearch`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def search(self, q: str, limit: int, cursor: str | None) -> list[MeterHit]:
        return await search.search(self._connection, self._tenant_id, q, limit, cursor)


class TenantWork:
    """``Work``: the tables within one transaction."""

    def __init__(self, connection: Connection, tenant_id: int, wording: Wording) -> None:
        self.users = Users(connection, tenant_id)
        self.credentials = Credentials(connection, tenant_id)
        self.audit = Audit(connection, tenant_id)
        self.areas = Areas(connection, tenant_id)
        self.products = Products(connection, tenant_id)
        self.meters = Meters(connection, tenant_id, wording)
        self.search = Search(connection, tenant_id)
        self.alarms = Alarms(connection, tenant_id)
        self.exceptions = Exceptions(connection, tenant_id)
        self.dead_letters = DeadLetters(connection, tenant_id)
        self.jobs = Jobs(connection, tenant_id)
        self.access = Access(connection, tenant_id)
        self.commands = Commands(connection, tenant_id)


class PostgresStore:
    """``Store``. ``pool`` must work as ``API_ROLE``: row-level security is what keeps tenants apart."""

    def __init__(self, pool: Pool, wording: Wording | None = None) -> None:
        self._pool = pool
        self._wording = wording or Wording()
        self.sign_in = SignIn(pool)

    @asynccontextmanager
    async def tenant(self, tenant_id: int) -> AsyncIterator[TenantWork]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            yield TenantWork(connection, tenant_id, self._wording)

    async def reachable(self) -> bool:
        try:
            await self._pool.fetchval("SELECT 1", timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True
