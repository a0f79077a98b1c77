# SPDX-License-Identifier: Apache-2.0
"""To and from the dispatcher: who has just been heard (``heard``), whose answers are committed (``committed``), and what goes
down (``downlink.<node>``).

The words of a meter travel through the stream; that it spoke is told beside it, as soon as its words are on disk, so that
what waits for it goes out while it listens and not a pipeline's batch later. Lossy: who is missed is heard again.
"""

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from openmains.app.command.downlink import ANY_NODE, DownFrame, decode_frames, encode_frames
from openmains.app.command.results import LINK_CHANNEL
from openmains.app.ingest.pipeline.ports import Effects
from openmains.app.ingest.uplink import Uplink

log = logging.getLogger("openmains.edge")
SUBJECT = "heard"
COMMITTED = "committed"
GROUP = "dispatch"  # of several dispatchers one takes a message
NODES = 1_000_000  # meters whose node is remembered
ROOM = 900_000  # bytes of one message, below the server's limit


class HeardBatch(msgspec.Struct, array_like=True, frozen=True):
    """Meters heard by a node: ids and tenants, of equal length."""

    node: int
    meters: list[int]
    tenants: list[int]


class CommittedBatch(msgspec.Struct, array_like=True, frozen=True):
    """What the dispatcher needs of a committed batch: meters whose answers make way for their next command, with their
    tenants, and uplinks by radio cell."""

    meters: list[int]
    tenants: list[int]
    cells: dict[int, int]


B = TypeVar("B", HeardBatch, CommittedBatch)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(HeardBatch)
_committed_decoder = msgspec.msgpack.Decoder(CommittedBatch)


class LatestPublisher:
    """Publishes from code that cannot wait, in order; what the connection does not take is lost."""

    def __init__(self, client: Client, subject: str) -> None:
        self._client = client
        self._subject = subject
        self._waiting: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def publish(self, data: bytes) -> None:
        """Soon."""
        self._waiting.append(data)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for data in waiting:
                with contextlib.suppress(NatsError, OSError):
                    await self._client.publish(self._subject, data)
        self._task = None


class CommittedPublisher:
    """At a pipeline: tells of each committed batch."""

    def __init__(self, client: Client) -> None:
        self._publisher = LatestPublisher(client, COMMITTED)

    def committed(self, effects: Effects) -> None:
        """A batch's effects are in both stores."""
        answers = {word.meter_id: word.tenant_id for word in effects.responses if not word.link}
        cells = Counter(cell for record in effects.meters if (cell := record.latest.get("cell")))
        if answers or cells:
            self._publisher.publish(_encoder.encode(CommittedBatch(list(answers), list(answers.values()), cells)))


class WakeUpPublisher:
    """At an edge: tells of each batch that is on disk. Only meters with a session can be sent anything, and what a link
    saw is no meter's word."""

    def __init__(self, client: Client, node: int) -> None:
        self._publisher = LatestPublisher(client, SUBJECT)
        self._node = node

    def stored(self, uplinks: list[Uplink]) -> None:
        """A batch is on disk."""
        told = [item for item in uplinks if item.node and item.channel != LINK_CHANNEL]
        if told:
            batch = HeardBatch(self._node, [item.meter_id for item in told], [item.tenant_id for item in told])
            self._publisher.publish(_encoder.encode(batch))


async def listen_downlinks(client: Client, node: int, handle: Callable[[list[DownFrame]], None]) -> None:
    """At an edge: give the dispatcher's frames to ``handle``."""

    async def on_message(message: Msg) -> None:
        try:
            frames = decode_frames(message.data)
        except msgspec.MsgspecError as error:
            log.error("downlink message is not ours: %s", error)
            return
        handle(frames)

    for subject in (node, ANY_NODE):
        await client.subscribe(f"downlink.{subject}", cb=on_message)


class CommandBus:
    """At the dispatcher: hears, and is the ``Downlink`` of ``app.command``."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._nodes: OrderedDict[int, int] = OrderedDict()
        self.foreign = 0

    async def listen(self, spoke: Callable[[HeardBatch], None], committed: Callable[[CommittedBatch], None]) -> None:
        """Call these for every batch that is ours."""

        def heard(batch: HeardBatch) -> None:
            self._remember(batch)
            spoke(batch)

        await self._listen(SUBJECT, _decoder, heard)
        await self._listen(COMMITTED, _committed_decoder, committed)

    async def _listen(self, subject: str, decoder: msgspec.msgpack.Decoder[B], take: Callable[[B], None]) -> None:
        async def on_message(message: Msg) -> None:
            try:
                batch = decoder.decode(message.data)
            except msgspec.MsgspecError:
                self.foreign += 1
                return
            take(batch)

        await self._client.subscribe(subject, queue=GROUP, cb=on_message)

    def _remember(self, batch: HeardBatch) -> None:
        nodes, node = self._nodes, batch.node
        for meter_id in batch.meters:
            nodes[meter_id] = node
        while len(nodes) > NODES:
            nodes.popitem(last=False)

    async def publish(self, frames: Sequence[DownFrame]) -> None:
        """To the node that heard the meter last; to all where that is not known."""
        by_node: dict[int, list[DownFrame]] = {}
        for frame in frames:
            node = self._nodes.get(frame.meter_id, ANY_NODE)
            by_node.setdefault(node, []).append(frame)
        for node, items in by_node.items():
            for part in _parts(items):
                with contextlib.suppress(NatsError, OSError):  # lost: the pause of the command's kind brings it again
                    await self._client.publish(f"downlink.{node}", encode_frames(part))


def _parts(items: list[DownFrame]) -> list[list[DownFrame]]:
    most = max(1, ROOM // max(len(item.frame) + 128 for item in items))
    return [items[first : first + most] for first in range(0, len(items), most)]
