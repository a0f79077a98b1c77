# SPDX-License-Identifier: Apache-2.0
"""What ``/ready`` hears of files: faults of the book, the signer, and a trial that writes and reads."""

import asyncio
from pathlib import Path

import pytest

from openmains.app.command.signing_ports import SignerAwayError
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.parts import Parts
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.run.care.faults import FaultFolder, Words
from openmains.run.engines.engines import Engines
from openmains.run.roles import file_watch
from openmains.run.roles.file_watch import FileWatch, Trial

SAID = Words("坏了", "it is broken")


async def works(number: int) -> None:
    del number


async def test_a_step_that_fails_is_named_and_one_that_waits_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_watch, "TRIAL_PATIENCE_S", 0.01)

    async def refused(number: int) -> None:
        raise ValueError(f"{number} was written\nand 0 read")

    async def busy(number: int) -> None:
        await asyncio.sleep(3600 + number)

    trial = Trial({"stream": works, "clickhouse": refused, "postgresql": busy})
    (fault,) = await trial.faults()
    assert fault.startswith("clickhouse: ValueError: ")
    assert fault.endswith("was written and 0 read")


async def test_it_is_tried_anew_after_a_while_however_many_ask() -> None:
    now, tried = [0.0], [0]

    async def count(number: int) -> None:
        tried[0] += 1
        if tried[0] > 1:
            raise OSError(number)

    trial = Trial({"stream": count}, lambda: now[0])
    assert await asyncio.gather(*(trial.faults() for _ in range(9))) == [[]] * 9
    assert tried == [1]
    now[0] = file_watch.TRIAL_EVERY_S + 1
    assert len(await trial.faults()) == 1


async def test_faults_that_block_and_a_signer_that_is_away(tmp_path: Path) -> None:
    book = FaultFolder(tmp_path)

    async def away() -> None:
        raise SignerAwayError("gone")

    assert await FileWatch(book).faults() == []
    book.tell("edge.sessions.node-1", "edge/node-1.sqlite", SAID, state="lost")
    book.tell("role.signer", "log/signer.log", SAID, blocks=True)
    watch = FileWatch(book, away)
    assert await watch.faults() == ["signer", "role.signer"]
    assert {fault.name for fault in watch.told()} == {"edge.sessions.node-1", "role.signer"}


async def test_the_stores_write_and_read_a_number(engines: Engines, clickhouse: ClickHouse) -> None:
    pool = await create_pool(engines.urls.postgres_pipeline, max_size=1)
    try:
        trial = Trial({"postgresql": RunningDatabase(pool).try_out, "clickhouse": Parts(clickhouse).try_out})
        assert await trial.faults() == []
        with pytest.raises(ValueError, match="was written"):
            await RunningDatabase(pool).try_out(2**62)
            await pool.execute("UPDATE ready_trial SET number = 1")
            await RunningDatabase(_Forgetful(pool)).try_out(2**62 + 1)  # type: ignore[arg-type]  # asked for two methods
    finally:
        await pool.execute("UPDATE ready_trial SET number = 1")
        await pool.close()


class _Forgetful:
    """A database that takes everything and keeps nothing."""

    def __init__(self, pool: object) -> None:
        self._pool = pool

    async def execute(self, *words: object) -> str:
        del words
        return "INSERT 0 1"

    def __getattr__(self, name: str) -> object:
        return getattr(self._pool, name)
