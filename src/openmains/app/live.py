# SPDX-License-Identifier: Apache-2.0
"""Events of the running system handed to whoever watches. Memory is bounded: a slow watcher loses the oldest."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openmains.app.ports import LiveEvent

_DEPTH = 1000


class LiveHub:
    """``LiveFeed`` within one process and loop. ``publish`` never waits."""

    def __init__(self) -> None:
        self._watchers: dict[int, list[_Watcher]] = {}

    def publish(self, tenant_id: int | None, event: LiveEvent) -> None:
        """To the watchers of a tenant; None: to all (system counters that name no tenant)."""
        if tenant_id is None:
            for watchers in self._watchers.values():
                for watcher in watchers:
                    watcher.put(event)
            return
        for watcher in self._watchers.get(tenant_id, ()):
            watcher.put(event)

    @asynccontextmanager
    async def subscribe(self, tenant_id: int) -> AsyncIterator[AsyncIterator[LiveEvent]]:
        watcher = _Watcher()
        self._watchers.setdefault(tenant_id, []).append(watcher)
        try:
            yield watcher.events()
        finally:
            left = self._watchers[tenant_id]
            left.remove(watcher)
            if not left:
                del self._watchers[tenant_id]


class _Watcher:
    def __init__(self) -> None:
        self._events: deque[LiveEvent] = deque(maxlen=_DEPTH)
        self._there = asyncio.Event()

    def put(self, event: LiveEvent) -> None:
        self._events.append(event)
        self._there.set()

    async def events(self) -> AsyncIterator[LiveEvent]:
        while True:
            while self._events:
                yield self._events.popleft()
            self._there.clear()
            await self._there.wait()
