# SPDX-License-Identifier: Apache-2.0
"""Our session at Debian's mosquitto: what was not acknowledged comes again, what comes while we are away waits, and a broker that went is found
again; who is not let in is told why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openmains.edges.mqtt.client import Broker, MqttClient
from openmains.wire.mqtt.subscriber import Message
from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.chirpstack import say
from tests.support.system import until

TOPIC = "application/a/device/0102030405060708/event/up"


class Listener:
    """What a client took; acknowledged at once unless it ``keeps``."""

    def __init__(self, keeps: bool = False) -> None:
        self.keeps = keeps
        self.heard: list[tuple[bytes, bool]] = []
        self.done: list[Callable[[], None]] = []

    def take(self, message: Message, done: Callable[[], None]) -> None:
        self.heard.append((message.payload, message.again))
        self.done.append(done)
        if not self.keeps:
            done()


@asynccontextmanager
async def client(port: int, listener: Listener, password: str = ACCOUNT[1]) -> AsyncIterator[MqttClient]:
    stop = asyncio.Event()
    filters = ["application/+/device/+/event/+"]
    made = MqttClient(Broker("127.0.0.1", port, ACCOUNT[0], password, "openmains-edge-1", filters), listener.take)
    task = asyncio.create_task(made.run(stop))
    try:
        yield made
    finally:
        stop.set()
        await task


@pytest.mark.usefixtures("foreign_programs")
async def test_a_session_is_kept_over_our_end_and_over_the_brokers(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port:
        keeping = Listener(keeps=True)
        async with client(port, keeping) as first:
            await until(lambda: first.is_connected)
            await say(port, TOPIC, "one")
            await until(lambda: keeping.heard)
        keeping.done[0]()  # too late: on a connection that is gone nobody is told
        await say(port, TOPIC, "two")
        later = Listener()
        async with client(port, later) as second:
            await until(lambda: len(later.heard) == 2)
            assert later.heard == [(b"one", True), (b"two", False)]
            taken: list[bool] = []
            assert second.publish("application/a/device/0102030405060708/command/down", b"{}", taken.append)
            await until(lambda: taken)
            assert taken == [False]  # no session holds the topic: the broker threw it away
        third = Listener()
        async with client(port, third) as last:
            await until(lambda: last.is_connected)
            await say(port, TOPIC, "three")
            await until(lambda: third.heard)
            assert third.heard == [(b"three", False)]


@pytest.mark.usefixtures("foreign_programs")
async def test_a_broker_that_went_is_found_again(tmp_path: Path) -> None:
    listener = Listener()
    async with mosquitto(tmp_path) as port:
        pass
    async with client(port, listener) as ours:
        await until(lambda: "Connect" in ours.state or "refused" in ours.state)
        assert not ours.publish("a", b"", lambda taken: None)
        async with mosquitto(tmp_path, again=port):
            await until(lambda: ours.is_connected)
            await say(port, TOPIC, "one")
            await until(lambda: listener.heard)
        await until(lambda: not ours.is_connected)
        assert ours.counters["mqtt.connections"] == 1


@pytest.mark.usefixtures("foreign_programs")
async def test_who_is_not_let_in_is_told_why(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port, client(port, Listener(), "wrong") as ours:
        await until(lambda: ours.state == "not let in: reason 0x87")
        assert not ours.is_connected


@pytest.mark.usefixtures("foreign_programs")
async def test_who_signs_in_under_our_name_is_noticed(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port, client(port, Listener()) as ours:
        await until(lambda: ours.is_connected)
        async with client(port, Listener()):
            await until(lambda: ours.counters["mqtt.taken_over"] >= 1)
