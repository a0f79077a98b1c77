# SPDX-License-Identifier: Apache-2.0
"""Ways into the session's PostgreSQL, one for each of its accounts a test works as."""

from collections.abc import AsyncIterator

import pytest

from openmains.edges.postgres.db import Pool, create_pool
from openmains.run.engines.engines import Engines


@pytest.fixture(scope="module")
async def owner(engines: Engines) -> AsyncIterator[Pool]:
    """As the owner of the tables: to lay out what a test starts from, and to look at what it left."""
    pool = await create_pool(engines.urls.postgres_owner, max_size=3)
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
async def pipeline(engines: Engines) -> AsyncIterator[Pool]:
    """As the pipeline's account, which serves every tenant."""
    pool = await create_pool(engines.urls.postgres_pipeline, max_size=4)
    yield pool
    await pool.close()
