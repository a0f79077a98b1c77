# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests.

``engines``      one set of real engines for the whole run, both databases migrated; do not stop it, use your own tenant
``own_engines``  a set for one test, without schema, to kill and stop at will
"""

from collections.abc import AsyncIterator

import pytest

from openmains.run.engines import Engines
from tests.support.engines import migrate_clickhouse, migrate_postgres, running_engines


@pytest.fixture(scope="session")
async def engines() -> AsyncIterator[Engines]:
    """Running engines; ``engines.urls`` tells where. ClickHouse's directory belongs to this process."""
    async with running_engines() as running:
        await migrate_postgres(running.urls)
        migrate_clickhouse(running.urls)
        yield running


@pytest.fixture
async def own_engines() -> AsyncIterator[Engines]:
    """Engines for one test alone."""
    async with running_engines() as running:
        yield running
