# SPDX-License-Identifier: Apache-2.0
"""Put the first page's figures together.

Counting a million meters takes a second and every person of the utility asks for it, so the count is kept, made by one at a time, and
renewed behind the answer once it is a minute old; all else is as it is now. It is kept for each reach of rights apart.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from openmains.app.alarm.ports import AlarmStore
from openmains.app.home.model import NEEDED, HomeSummary, MeterTotals, Waiting
from openmains.app.home.ports import HomeStore
from openmains.app.identity.model import Actor
from openmains.app.unit_of_work import Store
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us

KEPT_US = 60_000_000
Whose = tuple[TenantId, Reach]
NEWEST = 10
MOST_WAITING = 1_000
MOST_RINGING = 25  # alarms, and groups of them, that the bell of every page has


class HomeSummaries:
    """Of all utilities; keeps what was counted last of each."""

    def __init__(self, store: Store, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._counted: dict[Whose, tuple[int, list[MeterTotals]]] = {}
        self._renewals: set[asyncio.Task[object]] = set()
        self._turns: defaultdict[Whose, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def summary(self, actor: Actor) -> HomeSummary:
        """The utility as it stands."""
        counted_us, meters = await self._meters((actor.tenant_id, actor.reach))
        async with self._store.tenant(actor.tenant_id) as work:
            alarms = work[AlarmStore]
            return HomeSummary(
                utc_of_us(counted_us),
                meters,
                await alarms.counts(self._now_us(), severity=None, event=None, meter_id=None, area_id=None),
                await alarms.page(NEWEST, None, status="open", severity=None, event=None, meter_id=None, area_id=None)
                if actor.may(Permission.SEE_ALARMS)
                else [],
                await work[HomeStore].closed_for_safety(),
                None if any(of.active > of.never_seen for of in meters) else await work[HomeStore].first_steps(),
            )

    async def _meters(self, whose: Whose) -> tuple[int, list[MeterTotals]]:
        kept = self._counted.get(whose)
        if kept is None:
            return await self._count(whose)
        if not 0 <= self._now_us() - kept[0] < KEPT_US and not self._turns[whose].locked():
            renewal = asyncio.create_task(self._count(whose))
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewed)
        return kept

    async def _count(self, whose: Whose) -> tuple[int, list[MeterTotals]]:
        async with self._turns[whose]:
            now_us = self._now_us()
            kept = self._counted.get(whose)
            if kept is None or not 0 <= now_us - kept[0] < KEPT_US:
                async with self._store.tenant(whose[0]) as work:
                    kept = now_us, await work[HomeStore].meters(now_us)
                self._counted[whose] = kept
            return kept

    def _renewed(self, renewal: asyncio.Task[object]) -> None:
        self._renewals.discard(renewal)
        if not renewal.cancelled():
            renewal.exception()  # the next person who asks tries again; how old the figures are stands beside them


async def work_waiting(store: Store, actor: Actor) -> Waiting:
    """What waits for this person."""
    mine = [queue for queue, needed in NEEDED.items() if actor.may(needed)]
    looks_after = actor.may(Permission.HANDLE_ALARMS)
    if not mine and not looks_after:
        return Waiting([], MOST_WAITING, [], [])
    async with store.tenant(actor.tenant_id) as work:
        items = await work[HomeStore].waiting(actor.user_id, mine, MOST_WAITING)
        if not looks_after:
            return Waiting(items, MOST_WAITING, [], [])
        alarms = work[AlarmStore]
        alone = await alarms.page(
            MOST_RINGING,
            None,
            status="unacknowledged",
            severity=None,
            event=None,
            meter_id=None,
            area_id=None,
            alone=True,
        )
        groups = await alarms.groups(MOST_RINGING, None, status="unacknowledged", event=None)
        return Waiting(items, MOST_WAITING, alone, groups)
