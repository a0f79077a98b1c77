# SPDX-License-Identifier: Apache-2.0
"""Which process works on which shard: leases that run out, shared evenly, moved as little as possible (ADR 0021).

A lease saves work, it does not guard: two processes on one shard would book nothing twice, because a commit moves the shard's
position from where it read or fails (``PositionConflictError``). So a process that could not renew goes on until it is told that
somebody else has taken over; while the database is away nobody can commit anyway.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger("openmains.pipeline")
LEASE_S = 15.0  # after a kill a shard waits so long for another process; far below what an alarm may take (R7.1)
TURN_S = 3.0


@dataclass(frozen=True, slots=True)
class LeaseView:
    """What the leases say at one moment: processes alive, and who holds a shard. A lease that has run out is absent."""

    processes: frozenset[str]
    holders: Mapping[int, str]


class LeaseStore(Protocol):
    """The leases, under one clock for all processes. Times are seconds from now."""

    async def renew(self, holder: str, lease_s: float) -> LeaseView:
        """The process is alive, its leases run on; what all hold now."""
        ...

    async def take(self, holder: str, shards: Iterable[int], lease_s: float) -> frozenset[int]:
        """Those of the shards that nobody else holds: they are this process's now."""
        ...

    async def release(self, holder: str, shards: Iterable[int]) -> None:
        """Give them back at once; those of others stay."""
        ...

    async def leave(self, holder: str) -> None:
        """The process ends: nothing is its any more."""
        ...


def share(shards: int, view: LeaseView) -> dict[int, str]:
    """Shard → the process that it should be with: numbers differ by one at most, and who holds one keeps it where that is even."""
    if not view.processes:
        return {}
    held: dict[str, list[int]] = {name: [] for name in view.processes}
    for shard in range(shards):
        if (holder := view.holders.get(shard, "")) in held:
            held[holder].append(shard)
    least, more = divmod(shards, len(held))
    order = sorted(held, key=lambda name: (-len(held[name]), name))
    room = {name: least + (place < more) for place, name in enumerate(order)}
    given = {shard: name for name in order for shard in held[name][: room[name]]}
    free = iter([shard for shard in range(shards) if shard not in given])
    for name in order:
        for _ in range(room[name] - len(held[name])):
            given[next(free)] = name
    return given


class ShardLeases:
    """Runs this process's share of the shards; ``turn`` now and then, ``close`` at the end.

    ``work(shard, stop)`` works on a shard until ``stop`` is set, and then ends what it has begun.
    """

    def __init__(
        self,
        holder: str,
        shards: int,
        store: LeaseStore,
        work: Callable[[int, asyncio.Event], Coroutine[None, None, None]],
    ) -> None:
        self._holder, self._shards, self._store, self._work = holder, shards, store, work
        self._running: dict[int, tuple[asyncio.Task[None], asyncio.Event]] = {}

    @property
    def running(self) -> frozenset[int]:
        """Shards that this process works on."""
        return frozenset(self._running)

    async def turn(self) -> None:
        """Renew; give up what another should have or has, take what is free and ours. Raises what the store or a worker raised."""
        view = await self._store.renew(self._holder, LEASE_S)
        for shard in [shard for shard, (task, _) in self._running.items() if task.done()]:
            await self._running.pop(shard)[0]  # it ends by a fault of ours alone
        wanted = {shard for shard, name in share(self._shards, view).items() if name == self._holder}
        mine = {shard for shard, name in view.holders.items() if name == self._holder}
        if lost := self.running - mine:
            log.warning("shards %s are with another process now", sorted(lost))
        await self._end(self.running - (mine & wanted))
        if surplus := mine - wanted:
            await self._store.release(self._holder, surplus)
        free = {shard for shard in wanted - mine if shard not in view.holders}
        taken = await self._store.take(self._holder, free, LEASE_S) if free else frozenset()
        for shard in sorted((mine & wanted) | taken):
            self._begin(shard)

    async def close(self) -> None:
        """End what runs and give all back."""
        await self._end(self.running)
        await self._store.leave(self._holder)

    def _begin(self, shard: int) -> None:
        if shard not in self._running:
            stop = asyncio.Event()
            self._running[shard] = asyncio.create_task(self._work(shard, stop)), stop
            log.info("shard %d is with this process", shard)

    async def _end(self, shards: Iterable[int]) -> None:
        ending = [self._running.pop(shard) for shard in sorted(shards)]
        for _, stop in ending:
            stop.set()
        await asyncio.gather(*(task for task, _ in ending))
