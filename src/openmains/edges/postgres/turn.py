# SPDX-License-Identifier: Apache-2.0
"""Work that one process does for all: it has the turn as long as its own connection is open."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from openmains.edges.postgres.queries import load

Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]
_QUERIES = load(__package__, "turn.sql")


class Turn:
    """``connect``: a connection outside every pool, which holds it; ``lock``: a number of its own (tests/architecture/test_advisory_locks.py);
    ``begun``: what the one who gets it does first, else it has not got it."""

    def __init__(self, connect: Connect, lock: int, begun: Callable[[Any], Awaitable[None]] | None = None) -> None:
        self._connect, self._lock, self._begun = connect, lock, begun
        self._held: asyncpg.Connection[Any] | None = None

    async def hold(self) -> bool:
        """Whether it is this process's turn; asked before each round."""
        if self._held is not None and not self._held.is_closed():
            return True
        connection = await self._connect()
        if not await _QUERIES["try_hold"].fetchval(connection, lock=self._lock):
            await connection.close()
            return False
        if self._begun is not None:
            await self._begun(connection)
        self._held = connection
        return True

    async def close(self) -> None:
        """Give it back."""
        if self._held is not None:
            await self._held.close()
            self._held = None
