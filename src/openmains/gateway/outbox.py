# SPDX-License-Identifier: Apache-2.0
"""Items on their way to the platform, in order, until it says of each that it is on disk there. What is not said of in a minute is said
again."""

from typing import Final

from openmains.gateway.store import GatewayStore
from openmains.wire.gateway.messages import MOST_ITEMS, Stored, UpBatch

MOST_AWAITED: Final = 1_000
AGAIN_MS: Final = 60_000


class Outbox:
    """Over one store; ``run``: of the program."""

    def __init__(self, store: GatewayStore, run: str) -> None:
        self._store, self._run = store, run
        self._is_connected = False
        self._cursor = 0
        self._under_way: set[int] = set()
        self._moved_ms: int | None = None  # when something was said, or arrived, last

    def connected(self) -> None:
        """From the first item on."""
        self._is_connected, self._cursor = True, 0
        self._under_way.clear()
        self._moved_ms = None

    def lost(self) -> None:
        """Nobody hears."""
        self._is_connected = False

    def stored(self, word: Stored) -> None:
        """Of another store's items, or of what another run said, nothing is known here: it is said again, and known again."""
        if word.store == self._store.name and word.run == self._run:
            self._store.forget(word.numbers)
            self._under_way.difference_update(word.numbers)
            self._moved_ms = None

    def next(self, mono_ms: int) -> UpBatch | None:
        """None where there is nothing to say now."""
        if not self._is_connected:
            return None
        if self._under_way:
            if self._moved_ms is None:
                self._moved_ms = mono_ms
            elif mono_ms - self._moved_ms >= AGAIN_MS:
                self.connected()
        room = min(MOST_ITEMS, MOST_AWAITED - len(self._under_way))
        items = self._store.items(self._cursor, room) if room > 0 else ()
        if not items:
            return None
        self._cursor = items[-1].number
        self._under_way.update(item.number for item in items)
        self._moved_ms = mono_ms
        return UpBatch(self._store.name, self._run, tuple(items))
