# SPDX-License-Identifier: Apache-2.0
"""Small messages before their turn: only where the shard has not come to them in time, each once, and never without a bound."""

from collections.abc import Sequence

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.fast_lane import BATCH, MOST, PATIENCE_S, SMALL, FastLane, may_be_urgent
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId


def uplink(meter: int, size: int = 30, fault: str = "") -> Uplink:
    return Uplink(MeterId(meter), TenantId(1), ProductId(1), "coap", "/r", 1, bytes(size), fault)


class Shard:
    """Where a shard is, and what was worked through before its turn."""

    def __init__(self) -> None:
        self.position, self.now = 0, 100.0
        self.done: list[int] = []
        self.lane = FastLane(lambda: self.position, self.work, lambda: self.now)

    async def work(self, late: Sequence[tuple[int, Uplink]]) -> Sequence[AlarmChange]:
        self.done += [item.meter_id for _, item in late]
        return [AlarmChange(item.tenant_id, item.meter_id, "burst", "critical", "raised", 1, 1) for _, item in late]


async def test_what_has_its_turn_in_time_is_left_to_it() -> None:
    shard = Shard()
    shard.lane.hear(7, [uplink(1)])
    shard.now += PATIENCE_S - 1
    assert await shard.lane.turn() == ()
    shard.position = 7
    shard.now += 10
    assert await shard.lane.turn() == ()
    assert shard.done == []


async def test_what_stands_behind_a_backlog_is_worked_through_once() -> None:
    shard = Shard()
    shard.lane.hear(900, [uplink(1), uplink(2)])
    shard.now += PATIENCE_S
    shard.lane.hear(901, [uplink(3)])
    assert len(await shard.lane.turn()) == 2
    assert await shard.lane.turn() == ()
    shard.now += PATIENCE_S
    assert len(await shard.lane.turn()) == 1
    assert shard.done == [1, 2, 3]
    assert shard.lane.early == 3


async def test_what_was_heard_under_an_earlier_lease_is_forgotten() -> None:
    shard = Shard()
    shard.lane.hear(900, [uplink(1)])
    shard.now += 600  # meanwhile another process had the shard, and this one's position is an old one
    shard.lane.forget()
    shard.lane.hear(950, [uplink(2)])
    shard.now += PATIENCE_S
    await shard.lane.turn()
    assert shard.done == [2]


async def test_the_lane_is_bounded_and_the_newest_stay() -> None:
    shard = Shard()
    shard.lane.hear(900, [uplink(number) for number in range(MOST + 5)])
    shard.now += PATIENCE_S
    await shard.lane.turn()
    assert len(shard.done) == BATCH
    assert shard.done[0] == 5


def test_reports_and_what_is_malformed_are_not_urgent() -> None:
    few = uplink(1)
    assert may_be_urgent([few, uplink(2, SMALL + 1), uplink(3, fault="crc")]) == [few]
