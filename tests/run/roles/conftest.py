# SPDX-License-Identifier: Apache-2.0
"""The signer that the drills of this folder ask, one process for each file."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from openmains.run.engines.engines import Engines
from tests.support.command_town import make_town
from tests.support.signer_process import SignerProcess, running_signer


@pytest.fixture(scope="module")
async def signer(engines: Engines) -> AsyncIterator[SignerProcess]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    country = await make_town(owner)
    await country.fill(40_000)  # so that the platform's own quota is not what a drill meets first
    async with running_signer(engines._var) as process:
        yield process
    await country.empty()
    await owner.close()
