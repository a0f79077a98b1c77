# SPDX-License-Identifier: Apache-2.0
"""``world``: the API with two utilities, once for the folder."""

from collections.abc import AsyncIterator

import pytest

from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.engines import Engines
from tests.edges.http.world import World, make_world


@pytest.fixture(scope="session")
async def world(
    engines: Engines, clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    made = await make_world(engines.urls, clickhouse, tmp_path_factory.mktemp("uploads"))
    yield made
    await made.owner.close()
    await made.deps.store._pool.close()  # type: ignore[attr-defined]
