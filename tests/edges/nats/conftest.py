# SPDX-License-Identifier: Apache-2.0
"""The session's JetStream, emptied."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from openmains.edges.nats.stream import STREAM, connect
from openmains.run.engines.engines import Engines


@pytest.fixture
async def emptied(engines: Engines) -> AsyncIterator[Client]:
    """A client of a server that has no uplink stream; what the test made of one is gone afterwards."""
    client = await connect(engines.urls.nats)
    try:
        await _remove_stream(client)
        yield client
        await _remove_stream(client)
    finally:
        await client.close()


async def _remove_stream(client: Client) -> None:
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
