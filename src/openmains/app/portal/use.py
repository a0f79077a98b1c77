# SPDX-License-Identifier: Apache-2.0
"""Use by day against the tier that it reached: days as an account's volume tells them, tiers as the bill of this moment would count them
– by the very function that decides bills, up to the first day that is not whole; on the first day after a bill as that one counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from openmains.app.billing.decide import AccountMonth, Plans, Refused, decide
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
    found = await _standing(store, sources, visitor, account_id, first_of_month(today - 1), today)
    if isinstance(found, str):
        return HomeUse(held.account_id, days, [], None, None, None, found)
    tiers, counted, since = tiers_of(found)
    return HomeUse(
        held.account_id, days, tiers, written(counted, 6), day_to_date(since) if since else None, day_to_date(found.counted.until), ""
    )  # fmt: skip


class Standing(NamedTuple):
    """What counts for an account up to a day, by whose number of persons and households, and the plans of its tariff."""

    counted: CountRow
    persons: int
    households: int
    plans: Sequence[Plan]


async def _standing(
    store: Store, sources: UseSources, visitor: Visitor, account_id: int, month: int, today: int
) -> Standing | str:
    """Up to today, or up to the first day that lacks; why not, as a code or empty."""
    plans: dict[int, Sequence[Plan]] = {}
    async with store.tenant(visitor.tenant_id) as work:
        links = await links_in_units(work, sources.unit_of, 0, 1, [account_id])
        newest = await work[BillStore].counted([account_id])
        await known_plans(work, {link.tariff_id for link in links}, plans)
    counted = {one: msgspec.json.decode(row.text, type=CountRow) for one, row in newest.items()}
    months = await with_days(sources.volumes, visitor.tenant_id, links, counted, month, today)
    return "" if not months else standing_of(months[0], plans, month, today)


def standing_of(one: AccountMonth, plans: Plans, month: int, today: int) -> Standing | str:
    """What a bill up to today would count; where all is billed, or the first day after the bill lacks, what the last one counted."""
    found = decide(one, plans, month, today)
    if isinstance(found, Refused) and found.code == "missing-days":
        found = decide(one, plans, month, found.day) or (found if one.before is None else None)
    if isinstance(found, Refused):
        return found.code
    if found is not None:
        part = found.inputs.parts[-1]
        return Standing(found.counted, part.persons, part.households, plans.get(found.tariff_id, ()))
    if one.before is None:
        return ""
    until = one.before.until
    begun = [link for link in one.links if link.first_day < until]
    link = max(begun, key=lambda link: (link.end_day, link.first_day), default=None)
    if link is None or not any(plan.from_day < until for plan in plans.get(link.tariff_id, ())):
        return ""
    return Standing(one.before, link.persons, link.households, plans[link.tariff_id])


def tiers_of(standing: Standing) -> tuple[list[TierUse], int, int]:
    """The tiers that hold on the last day counted, what is counted in ml, and since which day (0: not known)."""
    count, last = standing.counted, standing.counted.until - 1
    plan = max((one for one in standing.plans if one.from_day <= last), key=lambda one: one.from_day)
    season = season_at(plan, last)[0]
    schedule = plan.schedule if season is None or not season.schedule.bounds_ml else season.schedule
    own = season is not None and season.own_count
    counted, since = (count.season_ml, count.season_day) if own else (count.cycle_ml, count.cycle_day)
    bounds = schedule.bounds_for(standing.persons, standing.households)
    tiers, low = list[TierUse](), 0
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
