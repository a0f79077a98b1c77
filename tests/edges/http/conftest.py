# SPDX-License-Identifier: Apache-2.0
"""``world``: the API with two utilities, once for the folder."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.signer.switch import FileSwitch
from openmains.run.engines.engines import Engines
from tests.edges.http.world import World, make_world


@pytest.fixture(scope="session")
async def whole_world(
    engines: Engines, clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    made = await make_world(engines.urls, clickhouse, tmp_path_factory.mktemp("uploads"))
    yield made
    await made.owner.close()
    await made.pipeline.close()
    await made.deps.store._pool.close()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def world(whole_world: World) -> World:
    """The utilities that all files share. What asks every operation has stopped their commands: each file begins without a stop."""
    switch = whole_world.deps.stop_switch
    assert isinstance(switch, FileSwitch)
    for utility in (whole_world.a, whole_world.b):
        switch.resume(utility.tenant_id)
    return whole_world


@pytest.fixture
async def call(world: World) -> AsyncIterator[Callable[..., httpx.Response]]:
    """A request out of a test that is not a coroutine (Hypothesis), on the loop the pools belong to."""
    loop = asyncio.get_running_loop()

    async def send(*args: Any, **kwargs: Any) -> httpx.Response:
        async with world.client(world.b.token) as client:
            kwargs["headers"] = {"Content-Type": "application/json", **kwargs.get("headers", {})}
            return await client.request(*args, **kwargs)

    def now(*args: Any, **kwargs: Any) -> httpx.Response:
        return loop.run_until_complete(send(*args, **kwargs))

    yield now
