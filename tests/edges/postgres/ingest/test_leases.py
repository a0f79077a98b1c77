# SPDX-License-Identifier: Apache-2.0
"""Processes that share the shards over a real PostgreSQL: they come, go, are killed, stand still, and clocks jump."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import asyncpg
import pytest

from openmains.app.ingest.pipeline.leases import LEASE_S, ShardLeases
from openmains.edges.postgres.db import Pool, create_pool
from openmains.edges.postgres.ingest.leases import PostgresLeaseStore
from openmains.run.engines.engines import Engines

SHARDS = 6


class Process:
    """A pipeline process as far as leases go: it works on a shard until it is told to stop."""

    def __init__(self, name: str, pool: Pool) -> None:
        self.name, self.ended = name, 0
        self.leases = ShardLeases(name, SHARDS, PostgresLeaseStore(pool), self._work)

    async def _work(self, shard: int, stop: asyncio.Event) -> None:
        await stop.wait()
        self.ended += 1

    @property
    def shards(self) -> set[int]:
        return set(self.leases.running)


@pytest.fixture
async def a(pipeline: Pool) -> Process:
    await pipeline.execute("DELETE FROM pipeline_lease")
    await pipeline.execute("DELETE FROM pipeline_process")
    return Process("a", pipeline)


@pytest.fixture
async def b(a: Process, pipeline: Pool) -> Process:
    return Process("b", pipeline)


async def turns(*processes: Process) -> None:
    for _ in range(3):
        for process in processes:
            await process.leases.turn()


async def later(pool: Pool, seconds: float, holders: Iterable[str] = ("a", "b", "c")) -> None:
    """As if so much time had passed since these processes were last heard."""
    past = timedelta(seconds=seconds)
    await pool.execute(
        "UPDATE pipeline_lease SET expires_at = expires_at - $1::interval WHERE holder = ANY($2)", past, holders
    )
    await pool.execute(
        "UPDATE pipeline_process SET seen_at = seen_at - $1::interval WHERE holder = ANY($2)", past, holders
    )


async def test_who_is_alone_has_all_at_once(a: Process) -> None:
    await a.leases.turn()
    assert a.shards == set(range(SHARDS))


async def test_two_share_and_who_ends_leaves_it_all_to_the_other(a: Process, b: Process) -> None:
    await a.leases.turn()
    await turns(b, a)
    assert (len(a.shards), len(b.shards), a.shards & b.shards) == (3, 3, set())
    assert a.ended == 3, "what moved was ended in order before it was given"
    await a.leases.close()
    await b.leases.turn()
    assert (a.shards, b.shards) == (set(), set(range(SHARDS)))


async def test_a_killed_ones_shards_wait_for_its_lease_and_no_longer(a: Process, b: Process, pipeline: Pool) -> None:
    await turns(a, b)
    held = b.shards  # and from here on b is dead
    await later(pipeline, LEASE_S / 2, ["b"])
    await a.leases.turn()
    assert not a.shards & held
    await later(pipeline, LEASE_S / 2 + 1, ["b"])
    await a.leases.turn()
    assert a.shards == set(range(SHARDS))


async def test_one_started_in_place_of_a_killed_one_goes_on_at_once(a: Process, b: Process, pipeline: Pool) -> None:
    await turns(a, b)
    again = Process("b", pipeline)
    await again.leases.turn()
    assert again.shards == b.shards


async def test_one_that_stood_still_stops_what_others_took(a: Process, b: Process, pipeline: Pool) -> None:
    await turns(a, b)
    held = b.shards
    await later(pipeline, 2 * LEASE_S, ["b"])
    await turns(a)
    assert a.shards == set(range(SHARDS)) and b.shards == held, "it does not know yet"
    await b.leases.turn()
    assert b.shards == set() and b.ended == len(held)
    await turns(a, b)
    assert (len(a.shards), len(b.shards), a.shards & b.shards) == (3, 3, set())


async def test_who_asks_at_the_same_moment_gets_what_the_other_did_not(a: Process, b: Process, pipeline: Pool) -> None:
    store = PostgresLeaseStore(pipeline)
    taken = await asyncio.gather(*(store.take(name, range(SHARDS), LEASE_S) for name in ("a", "b", "c", "d")))
    assert sorted(shard for shards in taken for shard in shards) == list(range(SHARDS))


async def test_a_clock_set_back_leaves_no_lease_for_hours(a: Process, b: Process, pipeline: Pool) -> None:
    await turns(a, b)
    await later(pipeline, -3600, ["b"])  # what was written an hour ahead of today's clock, by one that is dead now
    await a.leases.turn()
    assert a.shards == set(range(SHARDS))


async def test_a_database_that_is_away_stops_nothing(a: Process, b: Process, engines: Engines) -> None:
    await turns(a, b)
    ended = a.ended
    away = await create_pool(engines.urls.postgres_pipeline)
    await away.close()
    a.leases._store = PostgresLeaseStore(away)
    with pytest.raises(asyncpg.InterfaceError):
        await a.leases.turn()
    assert len(a.shards) == 3 and a.ended == ended
