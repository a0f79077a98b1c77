# SPDX-License-Identifier: Apache-2.0
"""How far the pipeline is: told to all edges four times a second, so that none takes in more than can be followed.

Subject ``pace``: positions by shard, of the shards that get on. Lossy: the next one says it all again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

log = logging.getLogger("openmains.edge")
SUBJECT = "pace"
EVERY_S = 0.25
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[int, int])


async def tell_pace(client: Client, positions: Callable[[], Mapping[int, int]], stop: asyncio.Event) -> None:
    """At a pipeline: until ``stop``. ``positions``: of its shards that get on."""
    while not stop.is_set():
        with contextlib.suppress(NatsError, OSError):
            await client.publish(SUBJECT, _encoder.encode(dict(positions())))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY_S)


async def listen_pace(client: Client, heard: Callable[[Mapping[int, int]], None]) -> None:
    """At an edge: call ``heard`` with the positions of each message."""

    async def on_message(message: Msg) -> None:
        try:
            heard(_decoder.decode(message.data))
        except msgspec.MsgspecError as error:
            log.error("pace message is not ours: %s", error)

    await client.subscribe(SUBJECT, cb=on_message)
