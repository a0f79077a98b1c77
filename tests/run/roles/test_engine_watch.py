# SPDX-License-Identifier: Apache-2.0
"""Engines that answer, refuse or say nothing, and disks that are full, gone or not ours."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from openmains.edges.http.deadline import answered
from openmains.run.roles import engine_watch
from openmains.run.roles.engine_watch import DiskWatch, EngineWatch, data_places


async def fine() -> int:
    return 1


async def refused() -> int:
    raise ConnectionRefusedError


async def deaf() -> int:
    """Does not even end when it is cancelled, as a driver whose server was stopped."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if deaf_may_end.is_set():
                raise


deaf_may_end = asyncio.Event()


async def test_who_says_nothing_stands_still_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_watch, "WAIT_S", 0.01)
    now = [0.0]
    watch = EngineWatch({"postgresql": deaf, "jetstream": refused, "clickhouse": fine}, lambda: now[0])
    assert await watch.silent() == ["postgresql", "jetstream"]
    assert watch.standing_still() == [], "not yet"
    for _ in range(int(engine_watch.STILL_S) + 1):
        now[0] += engine_watch.EVERY_S
        await watch.look()
    assert watch.standing_still() == ["postgresql", "jetstream"]
    deaf_may_end.set()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_a_process_that_was_not_run_blames_nobody() -> None:
    now = [0.0]
    answers = True

    async def slow() -> None:
        now[0] += 9.0  # it had answered; we were not run to read it
        if not answers:
            raise TimeoutError

    watch = EngineWatch({"postgresql": slow, "jetstream": fine}, lambda: now[0])
    await watch.look()
    assert watch.standing_still() == []
    now[0] += 30.0
    assert watch.standing_still() == [], "nobody was asked meanwhile"
    answers = False
    for _ in range(3):
        now[0] += engine_watch.EVERY_S
        assert await watch.silent() == ["postgresql"], "a question of its own still says what it heard"
        assert watch.standing_still() == []


async def test_what_is_given_up_is_not_waited_for() -> None:
    deaf_may_end.clear()
    with pytest.raises(TimeoutError):
        await answered(deaf(), 0.01)
    deaf_may_end.set()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    assert await answered(fine(), 1) == 1
    with pytest.raises(ConnectionRefusedError):
        await answered(refused(), 1)


def test_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nats").mkdir()
    places = data_places(tmp_path)
    assert DiskWatch(places, 1).look_now() == []
    assert list(tmp_path.glob(".ready*")) == [], "the probe is gone"
    (fault,) = DiskWatch(places, 1 << 40).look_now()
    assert fault.startswith("disk full (var: "), "one word for one disk"

    def full(*_: Any) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(engine_watch.os, "write", full)
    assert DiskWatch(places, 1).look_now() == ["var: No space left on device"]
    assert list(tmp_path.glob(".ready*")) == []
    assert DiskWatch({"var": tmp_path / "none"}, 1).look_now() == []
