# SPDX-License-Identifier: Apache-2.0
"""Collects accepted messages into stream batches and answers the devices when a batch is on disk.

Acknowledged means durable: ``done(True)`` of a message is called only after the stream confirmed its batch. A bounded
number of messages may wait; beyond it new ones are refused at once, so memory is bounded and devices hear the truth.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from openmains.app.ingest.uplink import Uplink, encode_batch, shard_of

Done = Callable[[bool], None]
Stored = Callable[[list[Uplink]], None]
MOST_BYTES = 900_000  # payloads of one batch: the stream refuses a message over 1 MB, now and at every repetition
OVERHEAD = 64  # of an uplink around its payload, at most


class Publisher(Protocol):
    """The stream's writing side."""

    async def publish(self, shard: int, data: bytes) -> int:
        """Sequence of the stored batch; any exception means 'not confirmed'."""
        ...


class Batcher:
    """One for each edge process; not thread-safe, lives in one event loop."""

    def __init__(
        self, publisher: Publisher, shards: int, *, linger_s: float = 0.02, batch: int = 500, waiting: int = 20_000
    ) -> None:
        self.on_stored: Stored | None = None  # told of each batch that is on disk

        self._publisher = publisher
        self._shards = shards
        self._linger_s = linger_s
        self._batch = batch
        self._max_waiting = waiting
        self._open: list[list[tuple[Uplink, Done]]] = [[] for _ in range(shards)]
        self._bytes = [0] * shards
        self._timers: list[asyncio.TimerHandle | None] = [None] * shards
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0
        self.published = 0
        self.failed = 0

    @property
    def full(self) -> bool:
        """True when nothing more can wait: refuse with 5.03."""
        return self.waiting >= self._max_waiting

    def add(self, uplink: Uplink, done: Done) -> None:
        """Take a message; ``done(confirmed)`` is called once, later."""
        shard = shard_of(uplink.meter_id, self._shards)
        batch = self._open[shard]
        batch.append((uplink, done))
        self._bytes[shard] += len(uplink.payload) + OVERHEAD
        self.waiting += 1
        if len(batch) >= self._batch or self._bytes[shard] >= MOST_BYTES:
            self._flush(shard)
        elif len(batch) == 1:
            self._timers[shard] = asyncio.get_running_loop().call_later(self._linger_s, self._flush, shard)

    def _flush(self, shard: int) -> None:
        timer = self._timers[shard]
        if timer is not None:
            timer.cancel()
            self._timers[shard] = None
        batch, self._open[shard] = self._open[shard], []
        self._bytes[shard] = 0
        if batch:
            task = asyncio.get_running_loop().create_task(self._send(shard, batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, shard: int, batch: list[tuple[Uplink, Done]]) -> None:
        confirmed = False
        try:
            await self._publisher.publish(shard, encode_batch([uplink for uplink, _ in batch]))
            confirmed = True
            self.published += len(batch)
        except Exception:
            # Whatever went wrong, the devices must not be told 'stored'; they send again. The reason is the stream's.
            self.failed += len(batch)
        finally:
            self.waiting -= len(batch)
            for _, done in batch:
                done(confirmed)
            if confirmed and self.on_stored is not None:
                self.on_stored([uplink for uplink, _ in batch])

    async def drain(self) -> None:
        """Send what is open and wait until everything is answered (at shutdown)."""
        for shard in range(self._shards):
            self._flush(shard)
        while self._tasks:
            await asyncio.wait(set(self._tasks))
