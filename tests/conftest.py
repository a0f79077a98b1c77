# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests.

``engines``      one set of real engines for the whole run, PostgreSQL migrated; do not stop it, use your own tenant
``clickhouse``   its ClickHouse, owned by the test process, migrated; use meter ids of your own
``own_engines``  a set for one test, without schema, to kill and stop at will
"""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from openmains.edges.clickhouse import migrate as clickhouse_migrate
from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.engines.engines import Engines
from tests.support.engines import migrate_postgres, running_engines

# Hypothesis judges a test by the clock unless told otherwise; how fast this machine is today is not what is tested.
settings.register_profile("openmains", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("openmains")


@pytest.fixture(scope="session")
async def engines() -> AsyncIterator[Engines]:
    """Running engines; ``engines.urls`` tells where."""
    async with running_engines() as running:
        await migrate_postgres(running.urls)
        yield running


@pytest.fixture(scope="session")
async def clickhouse(engines: Engines) -> AsyncIterator[ClickHouse]:
    """The engine inside this process, with its tables."""
    client = ClickHouse(engines.urls.clickhouse)
    await clickhouse_migrate.migrate(client)
    yield client
    client.close()


@pytest.fixture
async def own_engines() -> AsyncIterator[Engines]:
    """Engines for one test alone."""
    async with running_engines() as running:
        yield running
