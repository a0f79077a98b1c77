# SPDX-License-Identifier: Apache-2.0
"""How many messages a shard takes at once: the more wait the more, also for a process that gets little of a processor."""

import asyncio
from collections import deque
from typing import Any, cast

import pytest

from openmains.app.command.results import LINK_CHANNEL
from openmains.app.command.sent_frames import SENT_PATH
from openmains.app.ingest.pipeline import worker as module
from openmains.app.ingest.pipeline.fast_lane import SMALL
from openmains.app.ingest.pipeline.gate import PipelineGate
from openmains.app.ingest.pipeline.worker import CALM_S, LINGER_S, MAX_UPLINKS, ShardWorker, can_wait
from openmains.app.ingest.uplink import Uplink, UplinkBatch, encode_batch
from openmains.app.readings.edits import EDIT_CHANNEL
from openmains.app.security.report import CHANNEL as ACCESS_CHANNEL
from openmains.drivers import catalog
from tests.support.patience import PATIENCE_S

SMALL_ONE = Uplink(1, 1, 1, "coaps", "r", 1, b"x")


class Clock:
    """The module's clock: each reading of the stream takes ``fetch_s``."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


class Ready:
    """A ``Reader`` with so many messages of ten uplinks; ``at_hand`` of them a fetch."""

    def __init__(self, clock: Clock, messages: int, at_hand: int, fetch_s: float, what: Uplink = SMALL_ONE) -> None:
        self._clock, self.waiting, self._at_hand, self._fetch_s = clock, messages, at_hand, fetch_s
        self.fetches = 0
        self._data = encode_batch([what] * 10)

    async def fetch(self, limit: int, wait_s: float) -> list[tuple[int, bytes]]:
        self.fetches += 1
        self._clock.now += self._fetch_s if self.waiting else wait_s
        given = min(self.waiting, self._at_hand, limit)
        self.waiting -= given
        return [(self.fetches * 1000 + place, self._data) for place in range(given)]

    async def close(self) -> None: ...


async def gathered(
    monkeypatch: pytest.MonkeyPatch,
    messages: int,
    at_hand: int,
    fetch_s: float,
    what: Uplink = SMALL_ONE,
    calm: bool = False,
) -> tuple[int, float]:
    """(uplinks of one batch, seconds that it took to come together)."""
    clock, nothing = Clock(), cast(Any, None)
    monkeypatch.setattr(module, "time", clock)
    shard = ShardWorker(0, nothing, nothing, nothing, catalog.load(), tell=nothing, now_us=lambda: 0)
    shard._is_calm = calm
    held: list[tuple[int, UplinkBatch]] = []
    await shard._gather(Ready(clock, messages, at_hand, fetch_s, what), held)
    return sum(len(batch) for _, batch in held), clock.now - 100.0


async def test_what_waits_is_taken_however_slow_the_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for fetch_s in (0.001, 0.3, 2.0):  # the last ones use up the linger before anything is there
        uplinks, _ = await gathered(monkeypatch, 10_000, 20, fetch_s)
        assert MAX_UPLINKS <= uplinks < MAX_UPLINKS + 200, fetch_s


async def test_with_little_to_do_it_lingers_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    uplinks, seconds = await gathered(monkeypatch, 3, 64, 0.001)
    assert uplinks == 30
    assert LINGER_S <= seconds < LINGER_S + 0.3


REPORT = Uplink(1, 1, 1, "coaps", "r", 1, bytes(160))


async def test_reports_that_come_steadily_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CALM_S - LINGER_S < (await gathered(monkeypatch, 3, 64, 0.001, REPORT, calm=True))[1] < CALM_S + 0.3
    assert (await gathered(monkeypatch, 3, 64, 0.001, REPORT))[1] < LINGER_S + 0.3
    uplinks, seconds = await gathered(monkeypatch, 100, 64, 0.001, REPORT, calm=True)
    assert uplinks == 1000 and seconds < LINGER_S + 0.3  # worth a batch


@pytest.mark.parametrize(
    ("channel", "path", "size", "waits"),
    [
        ("coaps", "r", SMALL, False),  # an alarm, or the answer to a command
        ("coaps", "r", SMALL + 1, True),
        (LINK_CHANNEL, "17", 300, False),  # what became of a command
        (LINK_CHANNEL, SENT_PATH, 30, True),
        (ACCESS_CHANNEL, "finding", 300, False),
        (EDIT_CHANNEL, "", 300, False),
    ],
)
async def test_what_somebody_waits_for_does_not_wait(
    monkeypatch: pytest.MonkeyPatch, channel: str, path: str, size: int, waits: bool
) -> None:
    what = Uplink(1, 1, 1, channel, path, 1, bytes(size))
    assert can_wait([REPORT, what]) is waits
    assert ((await gathered(monkeypatch, 3, 64, 0.001, what, calm=True))[1] > LINGER_S + 0.3) is waits


class Held:
    """A stream with one message, the store before it and the sink behind it."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def position(self, shard: int) -> int:
        return 7

    def forget(self) -> None: ...

    async def reader(self, shard: int, position: int) -> Ready:
        self.opened.set()
        return Ready(Clock(), 1, 64, 0.001)


async def test_while_a_backup_holds_the_pipeline_no_pace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    held, nothing, gate = Held(), cast(Any, None), PipelineGate()
    monkeypatch.setattr(module, "LINGER_S", 0.001)
    shard = ShardWorker(
        0, cast(Any, held), cast(Any, held), cast(Any, held), catalog.load(), tell=nothing, now_us=lambda: 0, gate=gate
    )
    await gate.close()
    stop = asyncio.Event()
    task = asyncio.create_task(shard._run_reader(stop))
    async with asyncio.timeout(PATIENCE_S):
        await held.opened.wait()
        while gate._moved._waiters == deque():  # type: ignore[attr-defined]
            await asyncio.sleep(0)
    assert shard.counters.position == 7
    assert shard.pace is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
