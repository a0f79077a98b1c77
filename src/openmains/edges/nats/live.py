# SPDX-License-Identifier: Apache-2.0
"""What happens now, for screens: counters of every process once a second, alarms as they come.

Each process tells its counters on ``live.counters.<node>``; the pipeline tells alarms on ``live.alarm.<tenant>`` and
how many messages it applied on ``live.applied.<tenant>``; the loop of alarms
tells people's news on ``live.alarm_news.<tenant>``. The hub of an API process keeps the newest counters of each
node and hands events to its subscribers. Lossy by design: a slow screen loses the oldest events, a missing one costs
nothing.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from openmains.app.system.model import LiveEvent
from openmains.domain.ids import TenantId
from openmains.edges.nats.stream import Bus

QUEUE = 500
STALE_S = 10.0


@dataclass(slots=True)
class NodeReport:
    """Newest words of one process."""

    node: str
    pid: int
    started_us: int
    rss_bytes: int
    counters: dict[str, int]
    heard_at: float = 0.0
    process: str = ""  # name of the process to people, such as core


@dataclass(slots=True, eq=False)
class _Subscriber:
    tenant_id: TenantId
    events: deque[LiveEvent] = field(default_factory=lambda: deque(maxlen=QUEUE))
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class LiveHub:
    """``LiveFeed`` over NATS."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._subscribers: set[_Subscriber] = set()
        self.nodes: dict[str, NodeReport] = {}

    async def start(self) -> None:
        """Begin to listen."""
        await self._bus.listen("counters.*", self._on_counters)
        await self._bus.listen("alarm.*", self._on_alarm)
        await self._bus.listen("alarm_news.*", self._on_news)
        await self._bus.listen("applied.*", self._on_applied)

    async def _on_counters(self, topic: str, data: bytes) -> None:
        said = json.loads(data)
        node = topic.partition(".")[2]
        before = self.nodes.get(node)
        now = time.monotonic()
        report = NodeReport(
            node, said["pid"], said["started_us"], said["rss_bytes"], said["counters"], now, said["process"]
        )
        self.nodes[node] = report
        rates: dict[str, float] = {}
        if before is not None and before.pid == report.pid and now > before.heard_at:
            for name, value in report.counters.items():
                rates[name] = round((value - before.counters.get(name, 0)) / (now - before.heard_at), 1)
        event = LiveEvent("counters", {"node": node, "counters": report.counters, "per_second": rates})
        for subscriber in self._subscribers:
            self._give(subscriber, event)

    async def _on_alarm(self, topic: str, data: bytes) -> None:
        tenant_id = int(topic.partition(".")[2])
        for alarm in json.loads(data):
            event = LiveEvent("alarm", alarm)
            for subscriber in self._subscribers:
                if subscriber.tenant_id == tenant_id:
                    self._give(subscriber, event)

    async def _on_news(self, topic: str, data: bytes) -> None:
        tenant_id = int(topic.partition(".")[2])
        event = LiveEvent("alarm_news", {"items": json.loads(data)})
        for subscriber in self._subscribers:
            if subscriber.tenant_id == tenant_id:
                self._give(subscriber, event)

    async def _on_applied(self, topic: str, data: bytes) -> None:
        tenant_id, event = int(topic.partition(".")[2]), LiveEvent("applied", {"count": int(data)})
        for subscriber in self._subscribers:
            if subscriber.tenant_id == tenant_id:
                self._give(subscriber, event)

    @staticmethod
    def _give(subscriber: _Subscriber, event: LiveEvent) -> None:
        subscriber.events.append(event)
        subscriber.wake.set()

    def living(self) -> list[NodeReport]:
        """Processes that spoke within the last seconds."""
        now = time.monotonic()
        return [node for node in self.nodes.values() if now - node.heard_at < STALE_S]

    @asynccontextmanager
    async def subscribe(self, tenant_id: TenantId) -> AsyncIterator[AsyncIterator[LiveEvent]]:
        """Events of this tenant and of the system from now on."""
        subscriber = _Subscriber(tenant_id)
        self._subscribers.add(subscriber)
        try:
            yield self._events(subscriber)
        finally:
            self._subscribers.discard(subscriber)

    @staticmethod
    async def _events(subscriber: _Subscriber) -> AsyncIterator[LiveEvent]:
        while True:
            while subscriber.events:
                yield subscriber.events.popleft()
            subscriber.wake.clear()
            if not subscriber.events:
                await subscriber.wake.wait()
