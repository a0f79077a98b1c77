# SPDX-License-Identifier: Apache-2.0
"""The connection to the stream's server, where the other side is ill."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openmains.edges.nats.stream import connect, given_up
from tests.support.system import until, until_async

INFO = b'INFO {"server_id":"x","version":"2.11.0","max_payload":1000000,"headers":true}\r\n'
Ill = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server does; answers the first PING."""
    writer.write(INFO)
    while line := await reader.readline():
        if line.startswith(b"PING"):
            writer.write(b"PONG\r\n")
            return


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No words of a server, but it does not hang up."""
    writer.write(b"nonsense\r\n")
    await reader.read()


async def stand_still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that says no more after its greeting, and does not hang up."""
    await greet(reader, writer)
    while await reader.read(1000):
        pass


class IllServer:
    """Hangs up on the first caller; is ``ill`` for the second until that one leaves; well again for the third."""

    def __init__(self, ill: Ill) -> None:
        self._ill = ill
        self.calls = 0
        self.calls_when_left = 0
        self.well = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller."""
        self.calls += 1
        if self.calls == 1:
            await greet(reader, writer)
            await writer.drain()
        elif self.calls == 2:
            await self._ill(reader, writer)
            self.calls_when_left = self.calls
        else:
            writer.write(INFO)
            while line := await reader.readline():
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
                elif line.startswith(b"PUB news"):
                    self.well = True
        writer.close()


@pytest.mark.usefixtures("takes_seconds")
@pytest.mark.parametrize("ill", [nonsense, stand_still])
async def test_a_failed_try_to_reconnect_is_hung_up_and_the_next_one_works(ill: Ill) -> None:
    there = IllServer(ill)
    server = await asyncio.start_server(there.answer, "127.0.0.1", 0)
    client = await connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    async def news_arrived() -> bool:
        if client.is_connected:
            await client.publish("news", b"x")
        return there.well

    try:
        await until_async(news_arrived)
        assert there.calls_when_left == 2, "the second connection was still open when the third was made"
        assert client.is_connected
    finally:
        await client.close()
        server.close()
        await server.wait_closed()


async def test_a_client_has_given_up_when_nothing_tries_to_reconnect_any_more() -> None:
    server = await asyncio.start_server(IllServer(nonsense).answer, "127.0.0.1", 0)
    client = await connect(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()
    await until(lambda: client.is_reconnecting)
    assert not given_up(client), "it tries"
    efforts = client._reconnection_task
    assert efforts is not None
    efforts.cancel()  # as a fault within it would end it
    await until(efforts.done)
    assert given_up(client)
    await client.close()
    await server.wait_closed()
