# SPDX-License-Identifier: Apache-2.0
"""Migrations: idempotent, exclusive, and refused with one clear line where schema and program do not fit."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from openmains.edges.postgres.db import API_ROLE, connect, create_pool, tenant_transaction
from openmains.edges.postgres.migrate import Migration, MigrationError, migrate, packaged
from openmains.run.engines.engines import Engines


@pytest.fixture
async def database(engines: Engines) -> AsyncIterator[str]:
    """DSN that works in an empty schema of its own."""
    name = f"m{secrets.token_hex(4)}"
    owner = await connect(engines.urls.postgres_owner)
    await owner.execute(f"CREATE SCHEMA {name}")
    yield f"{engines.urls.postgres_owner}&search_path={name}"
    await owner.execute(f"DROP SCHEMA {name} CASCADE")
    await owner.close()


async def test_many_at_once_apply_each_file_once(own_engines: Engines) -> None:
    dsn = own_engines.urls.postgres_owner
    done = await asyncio.gather(*(migrate(dsn) for _ in range(4)))
    assert sorted(name for names in done for name in names) == [m.name for m in packaged()]
    assert await migrate(dsn) == []


async def test_changed_newer_and_late_files_are_refused(database: str) -> None:
    first, second, third = (Migration(n, f"{n:04d}_x.sql", f"CREATE TABLE t{n} (a int)") for n in (1, 2, 3))
    assert await migrate(database, [first, third]) == ["0001_x.sql", "0003_x.sql"]
    with pytest.raises(MigrationError, match=r"0001_x\.sql was changed"):
        await migrate(database, [Migration(1, "0001_x.sql", "SELECT 1"), third])
    with pytest.raises(MigrationError, match="newer version"):
        await migrate(database, [first])
    with pytest.raises(MigrationError, match="older than the newest"):
        await migrate(database, [first, second, third])


async def test_failing_file_leaves_nothing(database: str) -> None:
    broken = Migration(1, "0001_x.sql", "CREATE TABLE kept (a int); SELECT 1/0")
    with pytest.raises(MigrationError, match=r"0001_x\.sql failed: division by zero"):
        await migrate(database, [broken])
    connection = await connect(database)
    assert await connection.fetchval("SELECT to_regclass('kept')") is None
    await connection.close()


async def test_tenant_ends_with_its_transaction(engines: Engines) -> None:
    pool = await create_pool(engines.urls.postgres_owner, role=API_ROLE, max_size=1)
    asked = "SELECT current_setting('openmains.tenant', true)"
    async with tenant_transaction(pool, 42) as work:
        assert await work.fetchval(asked) == "42"
        assert await work.fetchval("SELECT current_user") == API_ROLE
        assert await work.fetchval("SELECT $1::jsonb", {"a": ["ü", 1]}) == {"a": ["ü", 1]}
    assert not await pool.fetchval(asked)
    assert await pool.fetchval("SELECT current_user") == API_ROLE
    await pool.close()
