# SPDX-License-Identifier: Apache-2.0
"""A backup's moment: asked for by the administrator alone, one at a time, and undone when the asker falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openmains.app.ingest.pipeline.gate import PipelineGate
from openmains.edges.nats.backup_moment import FrozenTable, MomentError, MomentKeeper, MomentRequester
from openmains.edges.nats.stream import connect
from openmains.run.engines.engines import Engines
from tests.support.patience import PATIENCE_S
from tests.support.system import until

TABLE = FrozenTable("frame", "CREATE TABLE frame …", True, "store/1")


class Freezer:
    """Notes what is set aside."""

    def __init__(self, fault: str = "") -> None:
        self.held: list[str] = []
        self.fault = fault

    async def freeze(self, name: str) -> list[FrozenTable]:
        self.held.append(name)
        if self.fault:
            raise OSError(self.fault)
        return [TABLE]

    async def unfreeze(self, name: str) -> None:
        self.held.remove(name)


@asynccontextmanager
async def kept(
    engines: Engines, freezer: Freezer, lease_s: float = PATIENCE_S
) -> AsyncIterator[tuple[PipelineGate, MomentRequester]]:
    core = await connect(engines.urls.nats_of("core"))
    administrator = await connect(engines.urls.nats)
    gate = PipelineGate()
    keeper = MomentKeeper(core, gate, freezer, lease_s)
    try:
        await keeper.start()
        await core.flush()
        yield gate, MomentRequester(administrator, "one")
        await keeper.close()
    finally:
        await core.close()
        await administrator.close()


async def is_open(gate: PipelineGate) -> bool:
    async with asyncio.timeout(PATIENCE_S), gate.batch():
        return True


def is_closed(gate: PipelineGate) -> bool:
    return gate._closed


async def test_step_by_step(engines: Engines) -> None:
    freezer = Freezer()
    async with kept(engines, freezer) as (gate, requester):
        await requester.ask("hold")
        assert (is_closed(gate), gate.forgets) == (True, False)
        assert (await requester.ask("freeze")).tables == [TABLE]
        await requester.ask("release")
        assert await is_open(gate)
        assert not gate.forgets
        await requester.ask("keep")
        await requester.ask("forget")
        assert gate.forgets
        assert freezer.held == ["one"]
        await requester.ask("finish")
        assert freezer.held == []
        with pytest.raises(MomentError, match="nothing of this backup"):
            await requester.ask("keep")


async def test_a_second_one_is_refused_and_harms_nothing(engines: Engines) -> None:
    async with kept(engines, Freezer()) as (gate, requester):
        await requester.ask("hold")
        other = MomentRequester(requester._client, "other")
        with pytest.raises(MomentError, match="another backup"):
            await other.ask("hold")
        with pytest.raises(MomentError):
            await other.ask("finish")
        assert is_closed(gate)


async def test_who_falls_silent_is_forgotten_with_everything_undone(engines: Engines) -> None:
    freezer = Freezer()
    async with kept(engines, freezer, lease_s=0.3) as (gate, requester):
        await requester.ask("hold")
        await requester.ask("freeze")
        await until(lambda: not is_closed(gate) and gate.forgets and not freezer.held)
        with pytest.raises(MomentError):
            await requester.ask("release")


async def test_what_fails_lets_the_pipeline_go_on(engines: Engines) -> None:
    freezer = Freezer("no room")
    async with kept(engines, freezer) as (gate, requester):
        await requester.ask("hold")
        with pytest.raises(MomentError, match="no room"):
            await requester.ask("freeze")
        assert await is_open(gate)
        assert (gate.forgets, freezer.held) == (True, [])


async def test_without_a_core_it_is_said(engines: Engines) -> None:
    client = await connect(engines.urls.nats)
    try:
        with pytest.raises(MomentError, match="does not run"):
            await MomentRequester(client, "one").ask("hold")
    finally:
        await client.close()
