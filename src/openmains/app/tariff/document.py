# SPDX-License-Identifier: Apache-2.0
"""A plan's document read as the exact plan the kernel bills with. What is wrong is told with its place; nothing is rounded on the way."""

from collections.abc import Sequence
from datetime import date

from openmains.app.problems import Problem
from openmains.app.tariff.model import ComponentEntry, PersonsEntry, PlanDocument, SeasonEntry
from openmains.domain.period import date_to_day
from openmains.domain.tariff.exact import whole
from openmains.domain.tariff.plan import (
    Component,
    CustomerClass,
    Cycle,
    LateFeeRule,
    MonthDay,
    PersonsRule,
    Plan,
    Schedule,
    Season,
    faults,
)

PRICE_DECIMALS = M3_DECIMALS = SHARE_DECIMALS = 6
MJ_DECIMALS = 3
CNY_DECIMALS = 2
MOST_TOLD = 20


class _Reader:
    """Reads numbers and remembers where one is none."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def number(self, text: str, decimals: int, place: str) -> int:
        try:
            return whole(text, decimals)
        except ValueError:
            self.faults.append((place, "too-many-digits"))
            return 0

    def numbers(self, texts: Sequence[str], decimals: int, place: str) -> tuple[int, ...]:
        return tuple(self.number(text, decimals, f"{place}/{index}") for index, text in enumerate(texts))

    def schedule(
        self, bounds: Sequence[str], parts: Sequence[ComponentEntry], persons: PersonsEntry | None, place: str
    ) -> Schedule:
        components = tuple(
            Component(part.name.strip(), self.numbers(part.prices, PRICE_DECIMALS, f"{place}/components/{index}/prices"), part.by_heat)
            for index, part in enumerate(parts)
        )  # fmt: skip
        rule = None
        if persons is not None:
            rule = PersonsRule(
                tuple(persons.above), self.numbers(persons.add_m3, M3_DECIMALS, f"{place}/persons/add_m3")
            )
        return Schedule(self.numbers(bounds, M3_DECIMALS, f"{place}/bounds_m3"), components, rule)

    def season(self, entry: SeasonEntry, place: str) -> Season:
        schedule = self.schedule(entry.bounds_m3, entry.components, entry.persons, place)
        return Season(entry.name.strip(), _month_day(entry.first), _month_day(entry.last), schedule, entry.own_count)


def _month_day(text: str) -> MonthDay:
    return int(text[:2]), int(text[3:])


def day_of(text: str, place: str) -> int:
    """A calendar day as its number. Raises ``invalid-input`` for one that is none, or is outside 1990 to 2100."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Problem("invalid-input", fields=((place, "wrong-format"),)) from error
    if not 1990 <= found.year <= 2100:
        raise Problem("invalid-input", fields=((place, "out-of-range"),))
    return date_to_day(found)


def plan_of(
    document: PlanDocument, medium: str, customer_class: CustomerClass, number: int, from_day: int, root: str = ""
) -> Plan:
    """The plan of a document. ``root``: place of the document in the request. Raises ``invalid-input`` with the places of numbers
    that cannot be kept exactly."""
    reader = _Reader()
    fee = document.late_fee
    plan = Plan(
        number=number,
        from_day=from_day,
        medium=medium,
        customer_class=customer_class,
        schedule=reader.schedule(document.bounds_m3, document.components, document.persons, ""),
        cycle=Cycle(document.cycle_months, document.anniversary),
        seasons=tuple(reader.season(entry, f"/seasons/{index}") for index, entry in enumerate(document.seasons)),
        heat_reference=reader.number(document.heat_reference, MJ_DECIMALS, "/heat_reference"),
        minimum_fen=reader.number(document.minimum_month, CNY_DECIMALS, "/minimum_month"),
        late_fee=None
        if fee is None
        else LateFeeRule(
            reader.number(fee.per_day, SHARE_DECIMALS, "/late_fee/per_day"),
            fee.grace_days,
            reader.number(fee.cap, SHARE_DECIMALS, "/late_fee/cap"),
        ),
        at_change=document.at_change,
    )
    _refuse(reader.faults, root)
    return plan


def sound_plan(plan: Plan, before: Plan | None = None, root: str = "") -> Plan:
    """The plan, if it may be one, as the one that follows ``before``. Raises ``invalid-input`` with every place that is wrong."""
    _refuse(faults(plan, before), root)
    return plan


def _refuse(found: Sequence[tuple[str, str]], root: str) -> None:
    if found:
        top = {"/from_day", "/medium", "/customer_class"}
        raise Problem(
            "invalid-input",
            fields=tuple((place if place in top else root + place, code) for place, code in found[:MOST_TOLD]),
        )
