# SPDX-License-Identifier: Apache-2.0
"""Between two batches all shards can be held: then both stores say the same, and a backup may take its moment.

A batch is within the gate from its first look at a store until its commit. ``close`` lets those that are within finish and no other
begin; meters are answered meanwhile, for the stream takes what comes. What is committed may be forgotten by the stream only while
``forgets``: a backup copies the messages above its positions after the moment.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PipelineGate:
    """One for the shards of a process; open at first."""

    def __init__(self) -> None:
        self.forgets = True
        self._closed = False
        self._within = 0
        self._moved = asyncio.Condition()

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[None]:
        """A batch from its first look at a store until its commit; waits while the gate is closed."""
        async with self._moved:
            await self._moved.wait_for(lambda: not self._closed)
            self._within += 1
        try:
            yield
        finally:
            async with self._moved:
                self._within -= 1
                self._moved.notify_all()

    async def close(self) -> None:
        """Returns when no batch is within; open it again, also when this is cancelled."""
        async with self._moved:
            self._closed = True
            await self._moved.wait_for(lambda: self._within == 0)

    async def open(self) -> None:
        """Let batches in again."""
        async with self._moved:
            self._closed = False
            self._moved.notify_all()
