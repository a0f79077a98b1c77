# SPDX-License-Identifier: Apache-2.0
"""The signer that the drills of this folder ask, one process for each file."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from openmains.app.command.signing_ports import Credential
from openmains.run.engines.engines import Engines
from tests.support.command_town import Town, make_town
from tests.support.signer_process import SignerProcess, running_signer

FIRST, SECOND = Credential("first", "the first's own long words"), Credential("second", "the second's own long words")


async def signs(signer: SignerProcess, town: Town) -> None:
    """From now on two persons sign whatever is added to the town, and what it is already."""
    for person in (FIRST, SECOND):
        signer.enrol(town.tenant_id, person.login, person.password, "approver")

    async def sign() -> None:
        await signer.sign_facts(town.tenant_id, FIRST, SECOND)

    town.on_change = sign
    await sign()


@pytest.fixture(scope="module")
async def signer(engines: Engines) -> AsyncIterator[SignerProcess]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    country = await make_town(owner)
    async with running_signer(engines._var) as process:
        await signs(process, country)
        await country.fill(40_000)  # so that the platform's own quota is not what a drill meets first
        await process.kill()  # it counts the registry once a minute
        await process.start()
        yield process
    await country.empty()
    await owner.close()
