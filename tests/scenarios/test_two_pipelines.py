# SPDX-License-Identifier: Apache-2.0
"""Two pipeline processes over one ClickHouse that is none of theirs: they share the shards, and a killed one's are not lost (ADR 0021)."""

import time
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import psutil
import pytest

from openmains.bench.outcome import wait_known
from openmains.bench.registry import register, remember
from openmains.bench.system import engine_urls
from openmains.domain.period import DAY_S
from openmains.edges.postgres.identity.tables import create_tenant_admin
from tests.support.chaos import Crowd, caught_up, count, flowing
from tests.support.clickhouse_http import clickhouse_server
from tests.support.system import System, Systems, until_async

RATE = 60.0


async def holders(system: System) -> dict[int, str]:
    """Shard → who works on it."""
    connection = await asyncpg.connect(engine_urls(system.var)["postgres_owner"])
    try:
        return dict(await connection.fetch("SELECT shard, holder FROM pipeline_lease WHERE expires_at > now()"))
    finally:
        await connection.close()


def process_of(system: System, role: str) -> psutil.Process:
    """The supervised process of a role."""
    below = psutil.Process(system.process.pid).children(recursive=True)
    (found,) = [one for one in below if one.cmdline()[-1:] == [role]]
    return found


@pytest.mark.usefixtures("takes_seconds")
async def test_two_pipelines_share_the_shards_of_a_clickhouse_server(systems: Systems, tmp_path: Path) -> None:
    with ExitStack() as running:
        url = running.enter_context(clickhouse_server(tmp_path / "engine"))
        with systems(clickhouse_url=url, pipelines=2, meter_rate_per_min=10_000) as system:
            owner = engine_urls(system.var)["postgres_owner"]
            await create_tenant_admin(
                owner, tenant_code="crowd", tenant_name="crowd", zone="Asia/Shanghai", must_change=False
            )
            registry, first_day = await register(owner, 4_000, code="crowd"), int(time.time()) // DAY_S - 12
            await remember(owner, registry, first_day)
            await wait_known(system.coap, registry)
            crowd = Crowd(registry, first_day)

            async def shared() -> bool:
                return len(set((await holders(system)).values())) == 2

            await until_async(shared)
            with crowd.reporting(system, RATE):
                await flowing(system, crowd, 200)
                process_of(system, "pipeline-2").kill()
                await flowing(system, crowd, 200)
                await until_async(shared)
                await flowing(system, crowd, 200)
            versions = await caught_up(system, crowd)
            urls = engine_urls(system.var)
        found = count(urls, crowd, versions)
        assert found.acknowledged > 600 and found.exact, found
