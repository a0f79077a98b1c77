# SPDX-License-Identifier: Apache-2.0
"""A reader never passes over a message that a device was told is stored."""

import asyncio
import json

import pytest
from nats.aio.client import Client

from openmains.edges.nats.stream import STREAM, ShardReader, StreamUnavailableError, UplinkStream, connect
from openmains.run.engines.engines import Engines
from tests.support.patience import PATIENCE_S


async def _all(reader: ShardReader, count: int) -> list[int]:
    taken: list[int] = []
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while len(taken) < count and asyncio.get_running_loop().time() < until:
        taken += [sequence for sequence, _ in await reader.fetch(64, 0.2)]
    return taken


async def test_a_message_lost_between_server_and_reader_is_noticed_and_read_again(engines: Engines) -> None:
    client = await connect(engines.urls.nats)
    try:
        stream = UplinkStream(client, max_bytes=1 << 24)
        await stream.ensure()
        shard = 901
        after = (await stream.state()).last_sequence
        reader = await stream.reader(shard, after)
        first = await stream.publish(shard, b"one")
        assert await _all(reader, 1) == [first]
        # Another inbox asks the same consumer: for the server its message is delivered, as into a broken connection.
        await client._send_command(f"UNSUB {reader._subscription._id}\r\n".encode())  # type: ignore[union-attr]
        thief = await client.subscribe(client.new_inbox())
        request = json.dumps({"batch": 1, "expires": 2_000_000_000}).encode()
        await client.publish(reader._next, request, reply=thief.subject)
        await client.flush()
        lost = await stream.publish(shard, b"two")
        assert (await thief.next_msg(PATIENCE_S)).data == b"two"
        await thief.unsubscribe()
        reader._subscription = await client.subscribe(reader._inbox, cb=reader._on_message)
        await reader._ask()
        third = await stream.publish(shard, b"three")
        with pytest.raises(StreamUnavailableError, match="delivery"):
            await _all(reader, 1)
        await reader.close()
        anew = await stream.reader(shard, first)
        assert await _all(anew, 2) == [lost, third]
        await anew.close()
    finally:
        await client.close()


async def test_a_stream_made_anew_is_read_from_its_beginning(emptied: Client) -> None:
    stream = UplinkStream(emptied, max_bytes=1 << 24)
    await stream.ensure()
    for _ in range(3):
        await stream.publish(0, b"old")
    await emptied.jetstream().delete_stream(STREAM)
    await stream.ensure()
    acknowledged = await stream.publish(0, b"new")
    reader = await stream.reader(0, 3)
    assert await _all(reader, 1) == [acknowledged]
    await reader.close()
