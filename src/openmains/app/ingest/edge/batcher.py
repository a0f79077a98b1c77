# SPDX-License-Identifier: Apache-2.0
"""Collects accepted messages into stream batches and answers the devices when a batch is on disk.

Acknowledged means durable: ``done(True)`` of a message is called only after the stream confirmed its batch. Each batch costs the
stream a sync, so while ``IN_FLIGHT`` of a shard are on their way what comes gathers: the slower the disk, the larger the batches.
What may wait is bounded in number and in time; beyond it new messages are refused at once, so memory is bounded, devices hear the
truth, and nobody is answered later than they listen.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from openmains.app.ingest.uplink import Uplink, encode_batch, shard_of

Done = Callable[[bool], None]
Stored = Callable[[list[Uplink], int, int], None]  # the uplinks, their shard, the stream's sequence
MOST_BYTES = 900_000  # payloads of one batch: the stream refuses a message over 1 MB, now and at every repetition
OVERHEAD = 64  # of an uplink around its payload, at most
IN_FLIGHT = 2  # batches of a shard
OVERDUE_S = 1.5  # the oldest waits so long: what comes now would be answered after its meter sent it again
FEW = 1_000  # may always wait: a disk that stands still for a moment is no overload


class Publisher(Protocol):
    """The stream's writing side."""

    async def publish(self, shard: int, data: bytes) -> int:
        """Sequence of the stored batch; any exception means 'not confirmed'."""
        ...


class _Lane:
    """What one shard has waiting. ``since``: when each batch on its way left. ``due``: what is open has gathered for long enough."""

    __slots__ = ("bytes", "due", "open", "since", "timer")

    def __init__(self) -> None:
        self.open: deque[tuple[Uplink, Done]] = deque()
        self.bytes = 0
        self.due = False
        self.since: list[float] = []
        self.timer: asyncio.TimerHandle | None = None

    def next_batch(self, most: int) -> list[tuple[Uplink, Done]]:
        """The oldest, as many as one message of the stream may hold."""
        batch: list[tuple[Uplink, Done]] = []
        left = MOST_BYTES
        while self.open and len(batch) < most:
            left -= (size := len(self.open[0][0].payload) + OVERHEAD)
            if batch and left < 0:
                break
            self.bytes -= size
            batch.append(self.open.popleft())
        self.due = bool(self.open)  # they waited for this one to leave
        return batch


class Batcher:
    """One for each edge process; not thread-safe, lives in one event loop."""

    def __init__(
        self, publisher: Publisher, shards: int, *, linger_s: float = 0.02, batch: int = 500, waiting: int = 20_000
    ) -> None:
        self.on_stored: Stored | None = None  # told of each batch that is on disk

        self._publisher = publisher
        self._linger_s = linger_s
        self._batch = batch
        self._max_waiting = waiting
        self._lanes = [_Lane() for _ in range(shards)]
        self._tasks: set[asyncio.Task[None]] = set()
        self._confirmed_at = float("-inf")
        self.waiting = 0
        self.published = 0
        self.failed = 0

    def is_full(self, now: float) -> bool:
        """True when nothing more can wait: refuse with 5.03. ``now``: the loop's time.

        A stream that confirms nothing is still tried, by as many as leave at once.
        """
        if self.waiting >= self._max_waiting:
            return True
        if self.waiting <= FEW:
            return False
        confirmed = self._confirmed_at
        return any(lane.open and lane.since and now - max(lane.since[0], confirmed) > OVERDUE_S for lane in self._lanes)

    def add(self, uplink: Uplink, done: Done) -> None:
        """Take a message; ``done(confirmed)`` is called once, later."""
        lane = self._lanes[shard_of(uplink.meter_id, len(self._lanes))]
        lane.open.append((uplink, done))
        lane.bytes += len(uplink.payload) + OVERHEAD
        self.waiting += 1
        if lane.due:
            return
        if len(lane.open) >= self._batch or lane.bytes >= MOST_BYTES:
            self._go_on(lane)
        elif len(lane.open) == 1:
            lane.timer = asyncio.get_running_loop().call_later(self._linger_s, self._go_on, lane)

    def _go_on(self, lane: _Lane) -> None:
        """Enough are there, or they have waited long enough: let them leave if not too many are on their way."""
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        lane.due = bool(lane.open)
        loop = asyncio.get_running_loop()
        now = loop.time()
        # One that is overdue is no longer waited for: after a kill of the stream's server nobody answers it.
        while lane.due and sum(now - since <= OVERDUE_S for since in lane.since) < IN_FLIGHT:
            batch = lane.next_batch(self._batch)
            lane.since.append(now)
            task = loop.create_task(self._send(lane, batch, now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if lane.due:
            lane.timer = loop.call_later(OVERDUE_S, self._go_on, lane)

    async def _send(self, lane: _Lane, batch: list[tuple[Uplink, Done]], since: float) -> None:
        shard, confirmed, sequence = self._lanes.index(lane), False, 0
        try:
            sequence = await self._publisher.publish(shard, encode_batch([uplink for uplink, _ in batch]))
            confirmed = True
            self.published += len(batch)
            self._confirmed_at = asyncio.get_running_loop().time()
        except Exception:
            # Whatever went wrong, the devices must not be told 'stored'; they send again. The reason is the stream's.
            self.failed += len(batch)
        finally:
            self.waiting -= len(batch)
            lane.since.remove(since)
            if lane.due:
                self._go_on(lane)
            for _, done in batch:
                done(confirmed)
            if confirmed and self.on_stored is not None:
                self.on_stored([uplink for uplink, _ in batch], shard, sequence)

    async def drain(self) -> None:
        """Send what is open and wait until everything is answered (at shutdown)."""
        while self.waiting:
            for lane in self._lanes:
                self._go_on(lane)
            if self._tasks:
                await asyncio.wait(set(self._tasks), return_when=asyncio.FIRST_COMPLETED)
