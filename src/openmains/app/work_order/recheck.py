# SPDX-License-Identifier: Apache-2.0
"""A hazard that is open always has an order to look again: made with the hazard, and anew when one ended without finding it removed."""

from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Work
from openmains.app.work_order.hazard_model import Hazard
from openmains.app.work_order.kinds import settings_for
from openmains.app.work_order.make import place_order
from openmains.app.work_order.ports import HeldOrder, InspectionStore, OrderFacts, OrderPlace, OrderStore
from openmains.domain.ids import HazardId
from openmains.domain.period import date_to_day, day_to_date, zone
from openmains.domain.work_order.inspection import REMOVAL_DAYS, HazardState
from openmains.domain.work_order.kinds import RECHECK

_SEVERITY = {"general": "minor", "serious": "major", "critical": "critical"}


async def place_recheck(
    work: Work, actor: Actor, hazard: Hazard, place: OrderPlace, until_day: int, key: str, now_us: int
) -> None:
    """Due at the end of a day in the utility's zone."""
    settings = await settings_for(work, RECHECK)
    assert settings is not None  # noqa: S101 the program brings this kind
    title = f"{settings.title} {settings.title_en} {hazard.hazard_id}"[:100]
    severity = _SEVERITY[hazard.grade]
    facts = OrderFacts(RECHECK, "hazard", severity, title, hazard.what, "", hazard_id=hazard.hazard_id)  # type: ignore[arg-type]
    due_us = max(now_us, zone(actor.zone).start_of(until_day + 1) * 1_000_000)
    made = await place_order(work, actor, key, key, facts, place, settings, now_us, due_us)
    if made is None:  # one is open, or this end of this order was followed before
        return


async def look_again(work: Work, actor: Actor, held: HeldOrder, now_us: int) -> None:
    """After the end of an order to look at a hazard: another one, unless it was found removed."""
    if held.facts.hazard_id is None:
        return
    today = zone(actor.zone).day_of(now_us // 1_000_000)
    hazard = await work[InspectionStore].hazard(HazardId(held.facts.hazard_id), today=day_to_date(today))
    if hazard is None or hazard.state is HazardState.REMOVED:
        return
    until = max(date_to_day(hazard.until), today + REMOVAL_DAYS[hazard.grade])
    place = await work[OrderStore].place(
        held.place.meter_id, held.place.account_id, held.place.premises_id, held.place.area_id
    )  # fmt: skip
    if place is None:
        raise Problem("not-found")
    await place_recheck(work, actor, hazard, place, until, f"recheck {hazard.hazard_id} {held.order_id}", now_us)
