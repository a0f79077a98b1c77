# SPDX-License-Identifier: Apache-2.0
"""Between the edges of one utility: records that landed on the wrong node, and the answers to them.

A load balancer that knows nothing of Connection IDs sends a meter's record to any edge. The Connection ID's first byte
names the node that holds the session; the record goes there as it is (``node.<n>.in``), and what that node answers goes
back to be sent from the address the meter spoke to (``node.<n>.out``), or its network would not let it in. Both travel over the
stream's server, which knows its clients by their credentials; the records themselves stay sealed all the way.
Lossy like UDP: a meter sends again.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

Address = tuple[str, int]
MOST = 2000  # datagrams that may wait for one node; more are dropped as a full socket would


class Parcel(msgspec.Struct, array_like=True, frozen=True):
    """Datagrams for one node. ``sender``: the node they come from; each item: host, port, bytes."""

    sender: int
    datagrams: list[tuple[str, int, bytes]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Parcel)


class NodeLink:
    """One for each edge. ``on_record(node, address, datagram)``: a record for us that came to ``node`` from there;
    ``on_answer(address, datagram)``: send it."""

    def __init__(
        self,
        client: Client,
        node: int,
        on_record: Callable[[int, Address, bytes], None],
        on_answer: Callable[[Address, bytes], None],
    ) -> None:
        self._client = client
        self._node = node
        self._on_record = on_record
        self._on_answer = on_answer
        self._waiting: dict[str, list[tuple[str, int, bytes]]] = {}
        self._task: asyncio.Task[None] | None = None
        self.counters: Counter[str] = Counter()

    async def start(self) -> None:
        """Begin to listen."""
        await self._client.subscribe(f"node.{self._node}.in", cb=self._take_in)
        await self._client.subscribe(f"node.{self._node}.out", cb=self._take_out)

    def forward(self, node: int, address: Address, datagram: bytes) -> None:
        """Hand a record to the node that holds its session."""
        self._add(f"node.{node}.in", address, datagram, "forwarded")

    def answer(self, node: int, address: Address, datagram: bytes) -> None:
        """Have a datagram sent by the node that the peer spoke to."""
        self._add(f"node.{node}.out", address, datagram, "answered")

    def _add(self, subject: str, address: Address, datagram: bytes, name: str) -> None:
        waiting = self._waiting.setdefault(subject, [])
        if len(waiting) >= MOST:
            self.counters["dropped"] += 1
            return
        waiting.append((address[0], address[1], datagram))
        self.counters[name] += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._publish())

    async def _publish(self) -> None:
        while self._waiting:
            subject = next(iter(self._waiting))
            parcel = Parcel(self._node, self._waiting.pop(subject))
            with contextlib.suppress(NatsError, OSError):  # no connection: lost, as on any network
                await self._client.publish(subject, _encoder.encode(parcel))
        self._task = None

    async def _take_in(self, message: Msg) -> None:
        parcel = self._open(message)
        for host, port, datagram in parcel.datagrams:
            self._on_record(parcel.sender, (host, port), datagram)

    async def _take_out(self, message: Msg) -> None:
        for host, port, datagram in self._open(message).datagrams:
            self._on_answer((host, port), datagram)

    def _open(self, message: Msg) -> Parcel:
        try:
            return _decoder.decode(message.data)
        except msgspec.MsgspecError:
            self.counters["foreign"] += 1
            return Parcel(0, [])
