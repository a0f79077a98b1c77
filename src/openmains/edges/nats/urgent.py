# SPDX-License-Identifier: Apache-2.0
"""Small messages told past the stream, once they are on disk in it: ``urgent.<shard>``, lossy (``app/ingest/pipeline/fast_lane.py``)."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from openmains.app.ingest.pipeline.fast_lane import may_be_urgent
from openmains.app.ingest.uplink import Uplink

log = logging.getLogger("openmains.pipeline")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int, list[Uplink]])


class UrgentPublisher:
    """At an edge."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()

    def stored(self, uplinks: list[Uplink], shard: int, sequence: int) -> None:
        """Of a batch that is on disk, what may be an alarm."""
        if urgent := may_be_urgent(uplinks):
            task = asyncio.get_running_loop().create_task(self._tell(shard, _encoder.encode((sequence, urgent))))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, shard: int, data: bytes) -> None:
        """A missing connection loses it: the stream has it."""
        with contextlib.suppress(NatsError, OSError):
            await self._client.publish(f"urgent.{shard}", data)


async def listen_urgent(client: Client, heard: Callable[[int, int, list[Uplink]], None]) -> None:
    """At a pipeline: call ``heard(shard, sequence, uplinks)``."""

    async def on_message(message: Msg) -> None:
        try:
            sequence, uplinks = _decoder.decode(message.data)
            heard(int(message.subject.partition(".")[2]), sequence, uplinks)
        except (msgspec.MsgspecError, ValueError) as error:
            log.error("urgent message is not ours: %s", error)

    await client.subscribe("urgent.*", cb=on_message)
