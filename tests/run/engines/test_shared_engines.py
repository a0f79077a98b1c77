# SPDX-License-Identifier: Apache-2.0
"""The fixtures other tests rest on: migrated stores, isolation by role."""

import asyncpg
import pytest

from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.engines.engines import Engines


async def test_postgres_is_migrated_and_isolated(engines: Engines) -> None:
    api = await asyncpg.connect(engines.urls.postgres_api)
    try:
        assert await api.fetchval("SELECT count(*) FROM meter") == 0  # no tenant chosen: nothing is visible
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute("CREATE TABLE mine (x int)")
    finally:
        await api.close()


async def test_clickhouse_is_migrated(clickhouse: ClickHouse) -> None:
    tables = {row[0] for row in await clickhouse.query("SHOW TABLES")}
    assert "schema_migration" in tables
    assert len(tables) > 1
