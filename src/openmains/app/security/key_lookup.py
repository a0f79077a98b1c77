# SPDX-License-Identifier: Apache-2.0
"""Asks for device keys many at a time: a storm of handshakes is a few queries, not a hundred thousand.

A known meter, an unknown one and an identity that is no IMEI take the same way and the same time: all are asked for,
what is not found is given as no key at all (R13.3).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from openmains.app.security.keys.ports import TerminalKeys

log = logging.getLogger("openmains.edge")
Give = Callable[[TerminalKeys], None]
NOBODY = 0  # an IMEI that no module has
NOT_KNOWN = TerminalKeys()


class KeySource(Protocol):
    """Where keys are kept."""

    def keys(self, imeis: Sequence[int]) -> Awaitable[Mapping[int, TerminalKeys]]:
        """The valid pre-shared keys of those that have one; raises when it cannot be asked."""
        ...


class KeyLookup:
    """One for each edge; lives in one event loop. At most ``waiting`` may wait: more are not answered at all."""

    def __init__(self, source: KeySource, *, batch: int = 500, waiting: int = 50_000) -> None:
        self._source = source
        self._batch = batch
        self._most = waiting
        self._waiting: list[tuple[int, Give]] = []
        self._task: asyncio.Task[None] | None = None
        self.counters: Counter[str] = Counter()

    def ask(self, imei: int | None, give: Give) -> None:
        """``give(keys)`` is called soon; not at all when the source fails: the meter sends its hello again."""
        if len(self._waiting) >= self._most:
            self.counters["keys.full"] += 1
            return
        self._waiting.append((NOBODY if imei is None else imei, give))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        await asyncio.sleep(0)  # what came with the same wake-up goes together
        while self._waiting:
            batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
            try:
                found = await self._source.keys([imei for imei, _ in batch])
            except Exception as error:  # whatever a dying database's client raises
                self.counters["keys.failed"] += len(batch)
                log.warning("device keys cannot be read: %s: %s", type(error).__name__, error)
                continue
            self.counters["keys.asked"] += len(batch)
            for imei, give in batch:
                give(found.get(imei, NOT_KNOWN))
        self._task = None
