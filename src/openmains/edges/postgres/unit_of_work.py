# SPDX-License-Identifier: Apache-2.0
"""``Store`` of the API: a pool that works as ``openmains_api``, and all its tables in one tenant's transaction."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import asyncpg

from openmains.app.fleet.wording import Wording
from openmains.app.problems import Problem
from openmains.app.reach import limits_now
from openmains.domain.ids import TenantId
from openmains.edges.postgres.adapters import Make, joined
from openmains.edges.postgres.alarm import adapters as alarm
from openmains.edges.postgres.arrears import adapters as arrears
from openmains.edges.postgres.billing import adapters as billing
from openmains.edges.postgres.command import adapters as command
from openmains.edges.postgres.db import Connection, Pool, tenant_transaction
from openmains.edges.postgres.field import adapters as field
from openmains.edges.postgres.fleet import adapters as fleet
from openmains.edges.postgres.home import adapters as home
from openmains.edges.postgres.identity import adapters as identity
from openmains.edges.postgres.ingest import adapters as ingest
from openmains.edges.postgres.job import adapters as job
from openmains.edges.postgres.ledger import adapters as ledger
from openmains.edges.postgres.network import adapters as network
from openmains.edges.postgres.notice import adapters as notice
from openmains.edges.postgres.party import adapters as party
from openmains.edges.postgres.payment import adapters as payment
from openmains.edges.postgres.portal import adapters as portal
from openmains.edges.postgres.readings import adapters as readings
from openmains.edges.postgres.rule import adapters as rule
from openmains.edges.postgres.security import adapters as security
from openmains.edges.postgres.tariff import adapters as tariff
from openmains.edges.postgres.work_order import adapters as work_order

Port = TypeVar("Port")

CONTEXTS = (
    identity, job, party, readings, network, security, alarm, command, field, tariff, ledger, billing, payment, notice, rule, arrears,
    work_order, portal, ingest,
    home,
)  # fmt: skip
"""Contexts whose adapters need nothing but the transaction; the fleet's are told how values are worded."""


class TenantWork:
    """``Work``: the tables within one transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId, adapters: Mapping[type[Any], Make]) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._adapters = adapters

    def __getitem__(self, port: type[Port], /) -> Port:
        """The adapter of a port; it keeps nothing of its own, so it is made anew each time."""
        make = self._adapters.get(port)
        if make is None:
            raise LookupError(f"no adapter for {port.__name__}")
        return cast(Port, make(self._connection, self._tenant_id))


class PostgresStore:
    """``Store``. ``pool`` must work as ``API_ROLE``: row-level security is what keeps tenants apart."""

    def __init__(self, pool: Pool, wording: Wording | None = None) -> None:
        self._pool = pool
        self._adapters = joined([*(context.ADAPTERS for context in CONTEXTS), fleet.adapters(wording or Wording())])

    @asynccontextmanager
    async def tenant(self, tenant_id: TenantId) -> AsyncIterator[TenantWork]:
        try:
            async with tenant_transaction(self._pool, tenant_id) as connection:
                yield TenantWork(connection, tenant_id, self._adapters)
        except asyncpg.InsufficientPrivilegeError as error:
            if limits_now().reach.is_whole:
                raise
            raise Problem("out-of-reach") from error  # a row that would lie outside, or a table that is closed

    @property
    def ports(self) -> frozenset[type[Any]]:
        """What can be asked of a transaction."""
        return frozenset(self._adapters)

    async def reachable(self) -> bool:
        try:
            await self._pool.fetchval("SELECT 1", timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True
