# SPDX-License-Identifier: Apache-2.0
"""Days that changed since they were looked for the last time: whoever works on days is told whose they are, in parts, and loses none."""

from collections.abc import Sequence
from typing import Protocol

from openmains.app.readings.changes import ChangeFacts
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, TenantId


class ChangedDays(Protocol):
    """Which meters' days changed."""

    async def meters(
        self, tenant_id: TenantId, shard: int, since: int, until: int, after: int, limit: int
    ) -> list[MeterId]:
        """In batches of a shard from one stream position on and before another, by meter after one."""


class ChangedDayStore(Protocol):
    """What follows days: it is kept up to which place of each shard it was told of changes."""

    async def hold(self) -> None:
        """Nobody else works on it for this utility until the transaction ends."""

    async def places(self) -> dict[int, int]:
        """By shard the stream position up to which changed days were looked for."""

    async def changed(self, shard: int, place: int, meter_ids: Sequence[MeterId], *, is_over: bool) -> None:
        """What follows the days of these meters is due; ``is_over``: those of the shard up to ``place`` were all told."""


async def follow_changes(
    store: Store, changes: ChangedDays, tenant_id: TenantId, stores: type[ChangedDayStore], most: int
) -> None:
    """``most`` meters at a time. A shard that is met for the first time begins where it stands."""
    async with store.tenant(tenant_id) as work:
        positions, places = await work[ChangeFacts].positions(), await work[stores].places()
    for shard, until in sorted(positions.items()):
        since = places.get(shard)
        if since == until:
            continue
        after, meters = 0, list[MeterId]()
        while since is not None and (meters := await changes.meters(tenant_id, shard, since, until, after, most)):
            after = meters[-1]
            async with store.tenant(tenant_id) as work:
                # whoever looked before this change has said by then that they are due no more
                await work[stores].hold()
                await work[stores].changed(shard, until, meters, is_over=False)
        async with store.tenant(tenant_id) as work:
            await work[stores].changed(shard, until, [], is_over=True)
