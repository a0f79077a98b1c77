# SPDX-License-Identifier: Apache-2.0
"""A plan as meters hold it: the parameters of ``set_price`` with a version number of its own, and which version a meter confirmed.

The command itself is given like any other (``app/command``): signed, with four eyes, under its quotas.
"""

from msgspec import Struct

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.tariff.model import ConfirmedPrice
from openmains.app.tariff.plans import exact_plan, tariff_of
from openmains.app.tariff.ports import MeterPriceStore, TariffStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import zone
from openmains.domain.tariff.billing import Payer
from openmains.domain.tariff.calendar import cycle_span
from openmains.domain.tariff.exact import written
from openmains.domain.tariff.meter_price import MeterLimits, MeterPrice, meter_price
from openmains.domain.tariff.plan import Plan


class RoundedTier(Struct, frozen=True):
    """A price that the meter holds in another value, CNY/m³."""

    tier: int
    exact: str
    held: str


class MeterPriceSet(Struct, frozen=True):
    """``params``: of the command ``set_price``, None where the meter cannot hold the plan; ``refused`` says why, by code."""

    params: dict[str, int | list[int]] | None
    rounded: list[RoundedTier]
    refused: list[str]


async def price_for_meter(
    store: Store,
    actor: Actor,
    plan_id: int,
    payer: Payer,
    limits: MeterLimits,
    today: int,
    now_us: int,
    *,
    number: bool,
) -> MeterPriceSet:
    """``number``: give it a version number, the same each time; else it is only shown, with version 0.

    :raises Problem: ``not-found``; with ``number`` also ``not-approved``, ``not-for-meters``, ``price-numbers-used``.
    """
    async with store.tenant(actor.tenant_id) as work:
        plan = await work[TariffStore].plan(plan_id)
        if plan is None:
            raise Problem("not-found")
        exact = exact_plan(await tariff_of(work, plan.tariff_id, today), plan)
        found, refused = meter_price(exact, payer, limits)
        version = 0
        if number:
            if plan.state != "approved":
                raise Problem("not-approved", state=plan.state)
            if found is None:
                raise Problem("not-for-meters", codes=", ".join(refused))
            given = await work[MeterPriceStore].number(
                plan_id, payer.persons, payer.households, limits.rounding, found, now_us
            )
            if given is None:
                raise Problem("price-numbers-used")
            version = given
            told = {"version": version, "tier_from": list(found.tier_from), "prices": list(found.prices)}
            await work[AuditTrail].record(actor, "number_meter_price", "tariff_plan", plan_id, None, told)
    return _told(exact, payer, found, refused, version, actor.zone)


async def confirmed_price(store: Store, actor: Actor, meter_id: MeterId) -> ConfirmedPrice:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[MeterPriceStore].confirmed(meter_id)
    if found is None:
        raise Problem("not-found")
    return found


def _told(
    exact: Plan, payer: Payer, found: MeterPrice | None, refused: list[str], version: int, zone_key: str
) -> MeterPriceSet:
    if found is None:
        return MeterPriceSet(None, [], refused)
    starts = zone(zone_key).start_of
    params: dict[str, int | list[int]] = {
        "version": version,
        "effective_at": starts(exact.from_day),
        "period_start": starts(cycle_span(exact.cycle, exact.from_day, payer.anniversary)[0]),
        "cycle_months": found.cycle_months,
        "clear_total": int(found.clear_total),
        "tiers": len(found.prices),
        "tier_from": list(found.tier_from),
        "prices": list(found.prices),
    }
    rounded = [RoundedTier(one.tier, written(one.exact, 6, 2), written(one.held, 4, 2)) for one in found.rounded]
    return MeterPriceSet(params, rounded, [])
