# SPDX-License-Identifier: Apache-2.0
"""Embedded engines: they start, keep their data, come back after a kill, and leave nothing behind."""

import asyncio
import os
import signal

import asyncpg
import nats
import pytest

from openmains.run.engines.engines import EngineOptions, Engines, read_urls
from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S


async def test_roles_stream_and_private_files(engines: Engines) -> None:
    urls = engines.urls
    for url, name in ((urls.postgres_owner, "owner"), (urls.postgres_api, "api"), (urls.postgres_pipeline, "pipeline")):
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT current_user") == f"openmains_{name}"
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()
    client = await nats.connect(urls.nats)
    stream = await client.jetstream().add_stream(name="T", subjects=["t.*"])
    assert stream.config.name == "T"
    await client.jetstream().delete_stream("T")
    await client.close()
    var = engines._var
    assert read_urls(var) == urls
    for path in (*(var / "secrets").iterdir(), var / "run" / "engines.json", var / "nats" / "nats.conf"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_wrong_password_is_refused(engines: Engines) -> None:
    from openmains.run.secret_files import secret

    good = secret(engines._var, "postgres-openmains_api")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(engines.urls.postgres_api.replace(good, "wrong"))


@pytest.mark.usefixtures("starts_engines")
async def test_data_survives_restart_and_urls_stay() -> None:
    var = new_var()
    try:
        engines = Engines(var, EngineOptions(durable=False))
        urls = await engines.start()
        connection = await asyncpg.connect(urls.postgres_owner)
        await connection.execute("CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)")
        await connection.close()
        await engines.stop()
        again = Engines(var, EngineOptions(durable=False))
        assert await again.start() == urls
        connection = await asyncpg.connect(urls.postgres_owner)
        assert await connection.fetchval("SELECT x FROM kept") == 7
        await connection.close()
        await again.stop()
    finally:
        remove_var(var)


@pytest.mark.parametrize("name", ["postgres", "nats"])
async def test_killed_engine_comes_back(own_engines: Engines, name: str) -> None:
    server = own_engines.postgres if name == "postgres" else own_engines.nats
    assert server is not None and server.child is not None
    pid = server.child.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_S):
        while own_engines.restarts.get(name, 0) == 0 or (await own_engines._ask(server)).fault:
            await asyncio.sleep(0.05)
    assert server.child.pid != pid
