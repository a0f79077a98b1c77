# SPDX-License-Identifier: Apache-2.0
"""A drafted plan on the last month of its members: who pays how much more. Asked for before anybody may approve it.

Volumes are the sums of days as the readings hold them now. Who lacks a day of the month is left out and counted, never estimated here.
"""

from collections.abc import Callable, Sequence
from datetime import date

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.tariff.model import PlanSimulation, SimulatedBand, SimulatedMember, TariffMember, TariffPlan
from openmains.app.tariff.plans import exact_plan, in_force, tariff_of
from openmains.app.tariff.ports import MonthVolume, TariffStore, VolumeStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import date_to_day, day_to_date, utc_of_us
from openmains.domain.tariff.billing import Payer
from openmains.domain.tariff.exact import ML_OF_M3
from openmains.domain.tariff.plan import Plan
from openmains.domain.tariff.simulation import Comparison, MemberMonth, compare, counted_from

MOST_MEMBERS = 20_000  # in one request; more are refused, not sampled
PAGE = 2_000
UnitOf = Callable[[str], int]
"""Driver → exponent of its unit of volume, 10^n m³."""


def last_month(today: int) -> tuple[int, int]:
    """First day of the month before ``today``'s, and the day after its last."""
    end = day_to_date(today).replace(day=1)
    first = date(end.year - (end.month == 1), (end.month - 2) % 12 + 1, 1)
    return date_to_day(first), date_to_day(end)


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
        old = in_force(await work[TariffStore].plans(wanted.tariff_id), day_to_date(today).isoformat())
        if tariff.members > MOST_MEMBERS:
            raise Problem("too-many-members", members=tariff.members, limit=MOST_MEMBERS)
        members = await work[TariffStore].members(wanted.tariff_id, MOST_MEMBERS, 0, today)
    if old is None or not members:
        raise Problem("nothing-to-compare")
    first, end = last_month(today)
    plans = exact_plan(tariff, old), exact_plan(tariff, wanted)
    months = await _months(volumes, unit_of, actor, plans, members, first, end)
    found = compare(*plans, months, first, end)
    told = _told(found, members, len(months), first, now_us)
    async with store.tenant(actor.tenant_id) as work:
        await work[TariffStore].keep_simulation(plan_id, told, actor.user_id, now_us)
        summary = {"month": told.month, "old_fen": told.old_fen, "new_fen": told.new_fen, "members": told.members}
        await work[AuditTrail].record(actor, "simulate_plan", "tariff_plan", plan_id, None, summary)
        after = await work[TariffStore].plan(plan_id)
        assert after is not None  # noqa: S101 plans are never removed
    return after


async def _months(
    volumes: VolumeStore,
    unit_of: UnitOf,
    actor: Actor,
    plans: tuple[Plan, Plan],
    members: Sequence[TariffMember],
    first: int,
    end: int,
) -> list[MemberMonth]:
    """Members whose month is known whole, with what each plan had counted before it."""
    by_plan = [await _volumes(volumes, actor, plan, members, first, end) for plan in plans]
    found = []
    for one in members:
        known = [volume.get(one.meter_id) for volume in by_plan]
        old, new = known
        if old is None or new is None or old.days < end - first:
            continue
        unit_ml = (
            ML_OF_M3 * 10 ** unit_of(one.driver) if unit_of(one.driver) >= 0 else ML_OF_M3 // 10 ** -unit_of(one.driver)
        )
        found.append(
            MemberMonth(
                one.account_id,
                one.meter_id,
                payer_of(one),
                old.before * unit_ml,
                new.before * unit_ml,
                old.month * unit_ml,
            )
        )
    return found


async def _volumes(
    volumes: VolumeStore, actor: Actor, plan: Plan, members: Sequence[TariffMember], first: int, end: int
) -> dict[int, MonthVolume]:
    """By meter, asked for together where the same day begins what is counted."""
    groups: dict[int, list[MeterId]] = {}
    for one in members:
        groups.setdefault(counted_from(plan, payer_of(one), first)[0], []).append(MeterId(one.meter_id))
    found: dict[int, MonthVolume] = {}
    for day, meters in groups.items():
        for start in range(0, len(meters), PAGE):
            found |= await volumes.volumes(actor.tenant_id, meters[start : start + PAGE], day, first, end)
    return found


def _told(found: Comparison, members: Sequence[TariffMember], counted: int, first: int, now_us: int) -> PlanSimulation:
    numbers = {one.meter_id: one.number for one in members}
    return PlanSimulation(
        month=day_to_date(first).isoformat()[:7],
        simulated_at=utc_of_us(now_us),
        members=counted,
        without_readings=len(members) - counted,
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
