# SPDX-License-Identifier: Apache-2.0
"""The uplink stream on a real JetStream: order, positions, a full stream, a server that is killed."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest
from nats.aio.client import Client

from openmains.edges.nats.stream import StreamUnavailableError, UplinkStream, connect
from openmains.run.engines.engines import Engines
from tests.support.patience import PATIENCE_S


async def take_all(stream: UplinkStream, shard: int, after: int, count: int) -> list[tuple[int, bytes]]:
    reader = await stream.reader(shard, after)
    taken: list[tuple[int, bytes]] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(taken) < count:
            taken += await reader.fetch(10, 1.0)
    await reader.close()
    return taken


async def test_each_shard_is_read_in_order_from_any_position(emptied: Client) -> None:
    stream = UplinkStream(emptied, max_bytes=64 << 20)
    await stream.ensure()
    await stream.ensure()  # a second process does the same
    sequences = [await stream.publish(number % 2, b"message %d" % number) for number in range(200)]
    assert sequences == sorted(set(sequences))
    even = await take_all(stream, 0, 0, 100)
    assert [data for _, data in even] == [b"message %d" % number for number in range(0, 200, 2)]
    later = await take_all(stream, 0, even[59][0], 40)
    assert later == even[60:]
    await stream.purge(0, even[59][0])
    assert (await stream.state()).messages <= 141  # the server may keep the one at the border
    assert await take_all(stream, 0, even[59][0], 40) == even[60:]  # what came after is whole
    assert len(await take_all(stream, 1, 0, 100)) == 100  # the other shard lost nothing


async def test_a_message_published_later_wakes_the_reader(emptied: Client) -> None:
    stream = UplinkStream(emptied, max_bytes=64 << 20)
    await stream.ensure()
    reader = await stream.reader(0, 0)
    waiting = asyncio.create_task(reader.fetch(10, PATIENCE_S))
    await asyncio.sleep(0)
    await stream.publish(0, b"now")
    async with asyncio.timeout(PATIENCE_S):
        assert [data for _, data in await waiting] == [b"now"]


async def test_a_full_stream_refuses_and_keeps_what_it_has(emptied: Client) -> None:
    stream = UplinkStream(emptied, max_bytes=1 << 20)
    await stream.ensure()
    stored = 0
    with pytest.raises(StreamUnavailableError, match="maximum bytes"):
        for _ in range(100):
            await stream.publish(0, bytes(100_000))
            stored += 1
    taken = await take_all(stream, 0, 0, stored)
    assert len(taken) == stored
    await stream.purge(0, taken[-1][0])
    await stream.publish(0, b"there is room again")


async def test_a_killed_server_loses_nothing_it_confirmed_and_the_reader_goes_on(own_engines: Engines) -> None:
    client = await connect(own_engines.urls.nats)
    stream = UplinkStream(client, max_bytes=64 << 20)
    await stream.ensure()
    confirmed = [await stream.publish(0, b"before %d" % number) for number in range(20)]
    assert own_engines.nats is not None
    assert own_engines.nats.child is not None
    os.kill(own_engines.nats.child.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(StreamUnavailableError):
                confirmed.append(await stream.publish(0, b"after", wait_s=0.5))
                break
    taken = []
    async with asyncio.timeout(PATIENCE_S):
        while [sequence for sequence, _ in taken if sequence in confirmed] != confirmed:
            with suppress(StreamUnavailableError):
                reader = await stream.reader(0, 0)
                taken = await reader.fetch(64, 2.0)
                await reader.close()
    await client.close()
