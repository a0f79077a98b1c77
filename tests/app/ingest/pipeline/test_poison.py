# SPDX-License-Identifier: Apache-2.0
"""Uplinks our own code fails on never hold up their shard, not even when they fail only together."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from openmains.app.ingest.pipeline.ports import Effects, MeterRecord, PipelineStore, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.pipeline.worker import ShardWorker
from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog

CATALOG = catalog.load()


class FailsTogether(Processor):
    """A defect that only shows when two sound uplinks meet."""

    def run(self, uplinks: Sequence[Uplink], records: Mapping[int, MeterRecord]) -> Effects:
        if sum(1 for item in uplinks if not item.fault) > 1:
            raise RuntimeError("two of them")
        return super().run(uplinks, records)


class Fresh:
    """The reading side of a store: every meter is new."""

    async def load(self, meter_ids: Sequence[int]) -> dict[int, MeterRecord]:
        return {key: MeterRecord(key, 1, 1, 1, 0, 0, MeterState(), 0, 0) for key in meter_ids}


async def test_uplinks_that_fail_only_together_all_become_dead_letters() -> None:
    nothing = cast(Any, None)
    worker = ShardWorker(
        0, nothing, cast(PipelineStore, Fresh()), nothing, CATALOG, tell=nothing, now_us=lambda: 0
    )  # fmt: skip
    worker._processor = FailsTogether(CATALOG, {1: Product(1, "openmains/water-1", 0, 1800, 6000)}, {1: zone("UTC")})
    payload = CATALOG.driver("openmains/water-1").vectors[0].frame
    batch = [Uplink(meter, 1, 1, "coap", "r", 1_790_000_000_000_000, payload) for meter in (1, 2)]
    effects = await worker._one_by_one(batch, "RuntimeError: two of them")
    assert [(item.reason, item.uplink.meter_id) for item in effects.dead_letters] == [
        ("internal_error", 1),
        ("internal_error", 2),
    ]
    assert [item.uplink.fault for item in effects.dead_letters] == ["", ""], "they can be replayed"
    assert not effects.days and len(effects.frames["payload"]) == 2
