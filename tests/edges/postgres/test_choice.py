# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import Engines
from openmains.run.roles.process import check_shards
from openmains.run.settings import Settings


async def test_the_number_of_shards_is_fixed_by_the_first_start(engines: Engines) -> None:
    pool = await create_pool(engines.urls.postgres_pipeline, max_size=1)
    try:
        store = PostgresPipelineStore(pool)
        settings = Settings()
        await check_shards(store, settings)
        await check_shards(store, settings)
        with pytest.raises(StartError, match="fixed at 2"):
            await check_shards(store, dataclasses.replace(settings, shards=3))
    finally:
        await pool.close()
