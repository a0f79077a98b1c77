# SPDX-License-Identifier: Apache-2.0
"""What a taken-over process can say on the stream's server: only what its role says."""

import asyncio
from contextlib import suppress

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from openmains.edges.nats.stream import STREAM, UplinkStream, connect
from openmains.run.engines.engines import Engines
from tests.support.patience import PATIENCE_S


async def heard(engines: Engines, speaker: str, subjects: list[str], least: set[str]) -> set[str]:
    """Which of these subjects reach anybody when the account of ``speaker`` speaks on them; waits for ``least``."""
    listener, client = await connect(engines.urls.nats), await connect(engines.urls.nats_of(speaker))
    found: set[str] = set()
    enough = asyncio.Event()

    async def take(message: object) -> None:
        found.add(getattr(message, "subject"))  # noqa: B009
        if found >= least:
            enough.set()

    try:
        for subject in subjects:
            await listener.subscribe(subject, cb=take)
        await listener.flush()
        for subject in subjects:
            await client.publish(subject, b"x")
        await client.flush()
        await listener.flush()  # what the server let through is here now, but for the callbacks
        with suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), PATIENCE_S)
    finally:
        await client.close()
        await listener.close()
    return found


@pytest.mark.parametrize(
    ("speaker", "may"),
    [
        ("edge", {"heard", "node.3.in"}),
        ("api", {"operate.7"}),
        ("worker", {"operate.7"}),
        ("pipeline", {"committed", "live.applied.1"}),
        ("dispatch", {"downlink.7"}),
        ("core", {"committed", "operate.7", "live.applied.1"}),
    ],
)
async def test_an_account_is_heard_only_on_the_subjects_of_its_role(
    engines: Engines, speaker: str, may: set[str]
) -> None:
    subjects = [
        "downlink.7",
        "heard",
        "committed",
        "operate.7",
        "node.3.in",
        "_INBOX.forged",
        "_INBOX_core.forged",
        "live.x.y",
    ]
    subjects += ["live.applied.1"]  # messages a second on the home page
    assert await heard(engines, speaker, subjects, may) == may


async def test_nobody_reads_the_answers_of_another_nor_the_commands(engines: Engines) -> None:
    owner = await connect(engines.urls.nats)
    api = await connect(engines.urls.nats_of("api"))
    read: list[str] = []

    async def take(message: object) -> None:
        read.append(getattr(message, "subject"))  # noqa: B009

    try:
        for subject in (">", "downlink.*", "_INBOX_core.>", "heard"):
            await api.subscribe(subject, cb=take)
        await api.flush()
        for subject in ("downlink.7", "_INBOX_core.a", "heard"):
            await owner.publish(subject, b"x")
        await owner.flush()
        await api.flush()
        assert read == []
    finally:
        await api.close()
        await owner.close()


async def test_an_edge_stores_uplinks_and_cannot_purge_or_delete_the_stream(engines: Engines) -> None:
    owner: Client = await connect(engines.urls.nats)
    edge: Client = await connect(engines.urls.nats_of("edge"))
    try:
        await UplinkStream(owner, max_bytes=1 << 24).ensure()
        stream = UplinkStream(edge, max_bytes=1 << 24)
        await stream.ensure(update=False)
        before = await stream.publish(0, b"x")
        for forbidden in (
            edge.jetstream(timeout=0.3).purge_stream(STREAM),
            edge.jetstream(timeout=0.3).delete_stream(STREAM),
        ):
            with pytest.raises((NatsError, TimeoutError)):
                await forbidden
        assert await stream.publish(0, b"y") == before + 1
    finally:
        await edge.close()
        await owner.close()
