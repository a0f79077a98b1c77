# SPDX-License-Identifier: Apache-2.0
"""Our client at a broker that is narrower than Mosquitto: its own keep-alive and Receive Maximum, QoS 0 without end, and faults of ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from openmains.edges.mqtt.client import RECEIVE_MOST, Broker, MqttClient
from openmains.wire.mqtt.subscriber import Message
from tests.support.patience import PATIENCE_S
from tests.support.system import until

LET_IN = "200b0000081300012100012401"  # keep alive 1 s, one message of ours at once, QoS 1
TAKEN = "900400010001"
PING = bytes.fromhex("c000")
Said = Callable[[], bytes]


def message(payload: bytes = b"") -> bytes:
    """At QoS 0, topic ``t``."""
    return bytes((0x30, 4 + len(payload))) + b"\0\1t\0" + payload


@asynccontextmanager
async def signed_in(
    take: Callable[[Message, Callable[[], None]], None],
) -> AsyncIterator[tuple[MqttClient, asyncio.StreamReader, asyncio.StreamWriter]]:
    """The client, and the broker's end of its connection."""
    came: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await came.put((reader, writer))

    server, stop = await asyncio.start_server(arrived, "127.0.0.1", 0), asyncio.Event()
    client = MqttClient(Broker("127.0.0.1", server.sockets[0].getsockname()[1], "", "", "c", ["t"]), take)
    task = asyncio.create_task(client.run(stop))
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await came.get()
        assert (await reader.readexactly(1)) == b"\x10"
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(bytes.fromhex(LET_IN))
        assert (await reader.readexactly(1)) == b"\x82"
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(bytes.fromhex(TAKEN))
        await until(lambda: client.is_connected)
        try:
            yield client, reader, writer
        finally:
            stop.set()
            await task
            writer.close()
            server.close()


async def test_a_broker_is_pinged_though_it_speaks_all_the_time_and_hears_no_more_than_it_takes() -> None:
    taken: list[bool] = []
    async with signed_in(lambda told, done: done()) as (client, reader, writer):

        async def speak() -> None:
            while True:
                writer.write(message())
                await asyncio.sleep(0.01)

        speaking = asyncio.create_task(speak())
        assert await reader.readexactly(2) == PING
        speaking.cancel()
        assert client.publish("a", b"1", taken.append) and client.publish("a", b"2", taken.append)
        first = await reader.readuntil(b"1")
        assert first[0] == 0x32 and not client.counters["mqtt.publish_refused"]
        assert await reader.readexactly(2) == PING  # and not the second
        writer.write(bytes.fromhex("4002") + first[5:7])
        second = await reader.readuntil(b"2")
        assert second.endswith(b"2") and second[0] == 0x32 and taken == [True]


async def test_what_comes_at_qos_0_fills_no_memory_and_a_fault_about_one_message_stops_no_other() -> None:
    held: list[Callable[[], None]] = []

    def take(told: Message, done: Callable[[], None]) -> None:
        if told.payload == b"!":
            raise ValueError
        held.append(done)

    async with signed_in(take) as (client, _, writer):
        writer.write(message(b"!") + message() * (RECEIVE_MOST + 7))
        await until(lambda: client.counters["mqtt.full"])
        assert len(held) == RECEIVE_MOST and client.is_connected
        assert client.counters["mqtt.internal_error"] == 1
        for done in held[:]:
            done()
        await until(lambda: len(held) == RECEIVE_MOST + 7)
        assert client.counters["mqtt.at_most_once"] == RECEIVE_MOST + 8
