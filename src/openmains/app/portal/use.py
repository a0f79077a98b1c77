# SPDX-License-Identifier: Apache-2.0
"""Use by day against the tier that it reached: days as an account's volume tells them, tiers as the bill of this moment would count them
– by the very function that decides bills, up to the first day that is not whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from openmains.app.billing.decide import Decided, Refused, decide
from openmains.app.billing.ports import BillStore, DayVolumes
from openmains.app.billing.rows import CountRow
from openmains.app.billing.run import known_plans, links_in_units, with_days
from openmains.app.portal.homes import holding_of
from openmains.app.portal.model import HomeUse, TierUse, UseDay, Visitor
from openmains.app.readings.accounts import account_volume
from openmains.app.readings.bulk.ports import BulkStore
from openmains.app.readings.ports import ReadingStore
from openmains.app.tariff.simulate import UnitOf
from openmains.app.unit_of_work import Store
from openmains.domain.period import day_to_date, first_of_month
from openmains.domain.tariff.calendar import season_at
from openmains.domain.tariff.exact import written
from openmains.domain.tariff.plan import Plan, Schedule


@dataclass(frozen=True, slots=True)
class UseSources:
    """Whom days and units are asked of."""

    readings: ReadingStore
    bulk: BulkStore
    volumes: DayVolumes
    exponent_of: Callable[[str], int]
    unit_of: UnitOf


async def home_use(store: Store, sources: UseSources, visitor: Visitor, account_id: int, now_s: int) -> HomeUse:
    """Raises ``not-found``."""
    today = visitor.zone.day_of(now_s)
    async with store.tenant(visitor.tenant_id) as work:
        held = await holding_of(work, visitor, account_id)
    first = max(first_of_month(today, -1), visitor.zone.day_of(int(held.since.timestamp())))
    days: list[UseDay] = []
    if first < today:
        told = await account_volume(
            store, sources.readings, sources.bulk, visitor.tenant_id, held.account_id, first, today - 1, visitor.zone, now_s,
            sources.exponent_of,
        )  # fmt: skip
        days = [UseDay(one.day, one.volume_m3, one.is_estimated) for one in told.days]
    month = first_of_month(today)
    found, plans = await _counted(store, sources, visitor, account_id, month, today)
    if not isinstance(found, Decided):
        return HomeUse(held.account_id, days, [], None, None, None, "" if found is None else found.code)
    tiers, counted, since = tiers_of(found, plans)
    return HomeUse(
        held.account_id, days, tiers, written(counted, 6), day_to_date(since) if since else None, day_to_date(found.counted.until), ""
    )  # fmt: skip


async def _counted(
    store: Store, sources: UseSources, visitor: Visitor, account_id: int, month: int, today: int
) -> tuple[Decided | Refused | None, Sequence[Plan]]:
    """What a bill up to today would count, or up to the first day that lacks; and the plans of its tariff."""
    plans: dict[int, Sequence[Plan]] = {}
    async with store.tenant(visitor.tenant_id) as work:
        links = await links_in_units(work, sources.unit_of, 0, 1, [account_id])
        newest = await work[BillStore].counted([account_id])
        await known_plans(work, {link.tariff_id for link in links}, plans)
    counted = {one: msgspec.json.decode(row.text, type=CountRow) for one, row in newest.items()}
    months = await with_days(sources.volumes, visitor.tenant_id, links, counted, month, today)
    one = next(iter(months), None)
    if one is None:
        return None, ()
    found = decide(one, plans, month, today)
    if isinstance(found, Refused) and found.code == "missing-days" and found.day > month:
        found = decide(one, plans, month, found.day) or found
    return found, plans.get(found.tariff_id, ()) if isinstance(found, Decided) else ()


def tiers_of(found: Decided, plans: Sequence[Plan]) -> tuple[list[TierUse], int, int]:
    """The tiers that hold on the last day counted, what is counted in ml, and since which day (0: not known)."""
    last, part = found.counted.until - 1, found.inputs.parts[-1]
    plan = max((one for one in plans if one.from_day <= last), key=lambda one: one.from_day)
    season = season_at(plan, last)[0]
    schedule = plan.schedule if season is None or not season.schedule.bounds_ml else season.schedule
    own = season is not None and season.own_count
    counted, since = (
        (found.counted.season_ml, found.counted.season_day)
        if own
        else (found.counted.cycle_ml, found.counted.cycle_day)
    )
    tiers, low = list[TierUse](), 0
    bounds = schedule.bounds_for(part.persons, part.households)
    for place, bound in enumerate((*bounds, None)):
        used = max(0, counted - low if bound is None else min(counted, bound) - low)
        size = None if bound is None else written(bound - low, 6)
        tiers.append(TierUse(place + 1, written(used, 6), size, _price(schedule, place)))
        low = low if bound is None else bound
    return tiers, counted, since


def _price(schedule: Schedule, place: int) -> str:
    if any(component.by_heat for component in schedule.components):
        return ""
    return written(sum(component.prices[place] for component in schedule.components), 6, 2)
