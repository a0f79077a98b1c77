# SPDX-License-Identifier: Apache-2.0
"""A drafted plan on the last month of its members: who pays how much more. Asked for before anybody may approve it.

Volumes are the sums of days as the readings hold them now. Who lacks a day of the month is left out and counted, never estimated here;
so is whose register went back, for a negative use has no bill.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.tariff.model import PlanSimulation, SimulatedBand, SimulatedMember, TariffMember, TariffPlan
from openmains.app.tariff.plans import exact_plan, in_force, tariff_of
from openmains.app.tariff.ports import MonthVolume, TariffStore, VolumeStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import day_text, first_of_month, month_text, utc_of_us
from openmains.domain.tariff.billing import Count, Payer
from openmains.domain.tariff.exact import ML_OF_M3
from openmains.domain.tariff.plan import Plan
from openmains.domain.tariff.simulation import Comparison, CountedDays, MemberMonth, compare, counted_days

MOST_MEMBERS = 20_000  # in one request; more are refused, not sampled
PAGE = 2_000
UnitOf = Callable[[str], int]
"""Driver → exponent of its unit of volume, 10^n m³."""


def last_month(today: int) -> tuple[int, int]:
    """First day of the month before ``today``'s, and the day after its last."""
    return first_of_month(today, -1), first_of_month(today)


def payer_of(member: TariffMember) -> Payer:
    """What the price of a member depends on."""
    began = date.fromisoformat(member.began)
    return Payer(member.persons, member.households, (began.month, began.day))


async def simulate_plan(
    store: Store, volumes: VolumeStore, unit_of: UnitOf, actor: Actor, plan_id: int, today: int, now_us: int
) -> TariffPlan:
    """The plan with its simulation. Raises ``not-found``, ``nothing-to-compare`` (no plan in force, no members), ``too-many-members``."""
    async with store.tenant(actor.tenant_id) as work:
        wanted = await work[TariffStore].plan(plan_id)
        if wanted is None:
            raise Problem("not-found")
        tariff = await tariff_of(work, wanted.tariff_id, today)
        old = in_force(await work[TariffStore].plans(wanted.tariff_id), day_text(today))
        members = await work[TariffStore].members(wanted.tariff_id, MOST_MEMBERS + 1, 0, today)
    if len(members) > MOST_MEMBERS:
        raise Problem("too-many-members", limit=MOST_MEMBERS)
    if old is None or not members:
        raise Problem("nothing-to-compare")
    first, end = last_month(today)
    plans = exact_plan(tariff, old), exact_plan(tariff, wanted)
    known = await _volumes(volumes, actor, plans, members, first, end)
    months, negative = member_months(plans, members, known, unit_of, first, end)
    found = await asyncio.to_thread(
        compare, *plans, months, first, end
    )  # two exact bills for each: seconds for the most members
    told = _told(found, members, len(months), negative, first, now_us)
    async with store.tenant(actor.tenant_id) as work:
        await work[TariffStore].keep_simulation(plan_id, told, actor.user_id, now_us)
        summary = {"month": told.month, "old_fen": told.old_fen, "new_fen": told.new_fen, "members": told.members}
        await work[AuditTrail].record(actor, "simulate_plan", "tariff_plan", plan_id, None, summary)
        after = await work[TariffStore].plan(plan_id)
        assert after is not None  # noqa: S101 plans are never removed
    return after


Volumes = Mapping[int, Mapping[int, MonthVolume]]
"""Day from which was counted before the month → meter → volumes."""


def member_months(
    plans: tuple[Plan, Plan],
    members: Sequence[TariffMember],
    known: Volumes,
    unit_of: UnitOf,
    first: int,
    end: int,
) -> tuple[list[MemberMonth], int]:
    """Members whose month is known whole, with what each plan had counted before it; and how many were left out for a negative volume."""
    found, negative = list[MemberMonth](), 0
    for one in members:
        payer, unit_ml = payer_of(one), unit_in_ml(unit_of(one.driver))
        old, new = (counted_days(plan, payer, first) for plan in plans)
        month = known[min(asked_days(old, first))].get(one.meter_id)
        if month is None or month.days < end - first:
            continue
        counts = [_count(days, known, one.meter_id, unit_ml, first) for days in (old, new)]
        if month.month < 0 or any(count.cycle_ml < 0 or count.season_ml < 0 for count in counts):
            negative += 1
            continue
        found.append(MemberMonth(one.account_id, one.meter_id, payer, counts[0], counts[1], month.month * unit_ml))
    return found, negative


def unit_in_ml(exponent: int) -> int:
    """How many ml a driver's unit of 10^``exponent`` m³ is."""
    ten: int = 10 ** abs(exponent)
    return ML_OF_M3 * ten if exponent >= 0 else ML_OF_M3 // ten


def asked_days(days: CountedDays, first: int) -> set[int]:
    """Days from which the volume up to ``first`` is needed; what lies between two of them is a difference."""
    edges = [edge for stretch in days.cycle for edge in stretch] + [
        first if days.season_day is None else days.season_day
    ]
    return {edge for edge in edges if edge < first} or {first}


def _count(days: CountedDays, known: Volumes, meter_id: int, unit_ml: int, first: int) -> Count:
    def since(day: int) -> int:
        found = known[day].get(meter_id) if day < first else None
        return 0 if found is None else found.before * unit_ml

    count = Count(first, days.cycle_day, sum(since(start) - since(stop) for start, stop in days.cycle))
    if days.season_day is None:
        return count
    return replace(count, season_day=days.season_day, season_ml=since(days.season_day))


async def _volumes(
    volumes: VolumeStore, actor: Actor, plans: tuple[Plan, Plan], members: Sequence[TariffMember], first: int, end: int
) -> Volumes:
    """Meters are asked for together where the same day begins what is counted; once for both plans."""
    groups: dict[int, set[int]] = {}
    for one in members:
        for plan in plans:
            for day in asked_days(counted_days(plan, payer_of(one), first), first):
                groups.setdefault(day, set()).add(one.meter_id)
    found: dict[int, dict[int, MonthVolume]] = {day: {} for day in groups}
    for day, asked in groups.items():
        meters = [MeterId(meter) for meter in sorted(asked)]
        for start in range(0, len(meters), PAGE):
            found[day] |= await volumes.volumes(actor.tenant_id, meters[start : start + PAGE], day, first, end)
    return found


def _told(
    found: Comparison, members: Sequence[TariffMember], counted: int, negative: int, first: int, now_us: int
) -> PlanSimulation:
    numbers = {one.meter_id: one.number for one in members}
    return PlanSimulation(
        month=month_text(first),
        simulated_at=utc_of_us(now_us),
        members=counted,
        without_readings=len(members) - counted - negative,
        negative=negative,
        old_fen=found.old_fen,
        new_fen=found.new_fen,
        more=found.more,
        same=found.same,
        less=found.less,
        bands=[SimulatedBand(band.from_pct, band.to_pct, band.members, band.difference_fen) for band in found.bands],
        largest=[
            SimulatedMember(
                one.member.account_id,
                one.member.meter_id,
                numbers[one.member.meter_id],
                one.member.volume_ml,
                one.old_fen,
                one.new_fen,
            )
            for one in found.largest
        ],
    )
