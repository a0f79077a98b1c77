# SPDX-License-Identifier: Apache-2.0
"""Messages that were acknowledged and not applied, in a stream whose file was damaged while it was stopped: said, and the rest is read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openmains.edges.nats.stream import UplinkStream, connect
from openmains.run.care.faults import FaultFolder
from openmains.run.care.stream import compare_stream, note_end
from openmains.run.engines.nats_server import NatsServer
from tests.support.damage import WAYS, break_file
from tests.support.engines import new_var, remove_var

COUNT, POSITION = 40, 10
BODY = bytes(range(256)) * 8


@pytest.fixture
async def stopped(starts_engines: None) -> AsyncIterator[tuple[Path, NatsServer]]:
    """``starts_engines``: starts an engine. A stream with 40 messages of one shard, of which 10 are applied and purged."""
    var = new_var()
    (var / "run").mkdir()
    server = NatsServer(var, lambda line: None, durable=False)
    try:
        await server.start()
        client = await connect(server.url)
        stream = UplinkStream(client, max_bytes=64 << 20)
        await stream.ensure()
        for _ in range(COUNT):
            await stream.publish(0, BODY)
        await stream.purge(0, POSITION)
        await note_end(stream, var)
        await client.close()
        await server.stop()
        yield var, server
    finally:
        await server.stop()
        remove_var(var)


async def compared(var: Path, server: NatsServer) -> list[str]:
    """What is told after the next start."""
    await server.start()
    client = await connect(server.url)
    book = FaultFolder(var)
    try:
        stream = UplinkStream(client, max_bytes=64 << 20)
        await stream.ensure()
        await compare_stream(stream, {0: POSITION}, var, book)
        reader = await stream.reader(0, POSITION)  # whatever is left can be read
        await reader.close()
    finally:
        await client.close()
    return [f"{fault.state}: {fault.en}" for fault in book.all()]


async def test_a_sound_one_is_silent(stopped: tuple[Path, NatsServer]) -> None:
    assert await compared(*stopped) == []


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_lost_is_said(stopped: tuple[Path, NatsServer], way: str) -> None:
    var, server = stopped
    (block,) = var.glob("nats/store/jetstream/*/streams/UPLINK/msgs/*.blk")
    break_file(block, way)
    (told,) = await compared(var, server)
    assert told.startswith("lost: "), told
    assert "history of 7 days fills the days" in told


@pytest.mark.parametrize("way", WAYS)
async def test_a_damaged_note_of_the_end_tells_of_no_loss(stopped: tuple[Path, NatsServer], way: str) -> None:
    var, _ = stopped
    break_file(var / "run" / "stream-end", way)
    assert await compared(*stopped) == []


async def test_a_digit_that_changed_is_no_greater_end(stopped: tuple[Path, NatsServer]) -> None:
    var, _ = stopped
    note = var / "run" / "stream-end"
    note.write_text(note.read_text("ascii").replace("40", "60", 1), "ascii")
    assert await compared(*stopped) == []
