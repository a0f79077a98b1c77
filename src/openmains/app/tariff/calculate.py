# SPDX-License-Identifier: Apache-2.0
"""What if: the bill of given uses under given plans, with every line of the sum. Stores nothing."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

from msgspec import Meta, Struct

from openmains.app.problems import Problem
from openmains.app.tariff.document import M3_DECIMALS, MJ_DECIMALS, PRICE_DECIMALS, day_of
from openmains.app.tariff.model import Day, Decimal
from openmains.domain.period import day_text, day_to_date
from openmains.domain.tariff.billing import Bill, BillingError, Count, Payer, Use, bill
from openmains.domain.tariff.calendar import cycle_span
from openmains.domain.tariff.exact import whole, written
from openmains.domain.tariff.plan import Plan

EXACT_DECIMALS = 12  # of a fen, in what is shown: as many as a price times a ml has


class PayerEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``began``: the day the customer's cycles count from."""

    persons: Annotated[int, Meta(ge=0, le=99)] = 0
    households: Annotated[int, Meta(ge=1, le=100_000)] = 1
    began: Day = "2000-01-01"


class UseEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A volume from the start of ``first_day`` to that of ``end_day``. ``heat``: MJ/m³."""

    first_day: Day
    end_day: Day
    m3: Decimal
    heat: Decimal = "0"


class CalculatedLine(Struct, frozen=True):
    """A line of the sum. ``exact_fen``: before rounding; ``fen``: its share of the rounded sum."""

    plan: int
    first_day: str
    end_day: str
    season: str
    tier: int
    component: str
    price: str
    heat: str
    m3: str
    exact_fen: str
    fen: int


class CalculatedBill(Struct, frozen=True):
    """Lines, components and their sum in fen; ``counted_m3`` in the cycle afterwards; ``remainder_fen`` goes on to the next bill.

    ``by_days``: a use was cut where a cycle, season or plan begins, its volume shared by days.
    """

    lines: list[CalculatedLine]
    components: dict[str, int]
    total_fen: int
    counted_m3: str
    remainder_fen: str
    by_days: bool


def calculate(
    plans: Sequence[Plan], payer: PayerEntry, before_m3: str, uses: Sequence[UseEntry], months: int
) -> CalculatedBill:
    """``before_m3``: counted in the cycle before the first use. Raises ``invalid-input`` with the place of what is wrong."""
    began = day_to_date(day_of(payer.began, "/payer/began"))
    who = Payer(payer.persons, payer.households, (began.month, began.day))
    exact = [_use(use, index) for index, use in enumerate(uses)]
    first = exact[0].first_day
    try:
        plan = next(plan for plan in reversed(plans) if plan.from_day <= first)
    except StopIteration as error:
        raise Problem("invalid-input", fields=(("/uses/0/first_day", "no-plan"),)) from error
    count = Count(
        first, cycle_span(plan.cycle, first, who.anniversary)[0], _number(before_m3, M3_DECIMALS, "/before_m3")
    )
    try:
        return told(bill(plans, who, count, exact, months))
    except BillingError as error:
        at = next((index for index, use in enumerate(exact) if use.first_day <= error.day < use.end_day), 0)
        raise Problem("invalid-input", fields=((f"/uses/{at}", error.code),)) from error


def _use(entry: UseEntry, index: int) -> Use:
    place = f"/uses/{index}"
    return Use(
        day_of(entry.first_day, f"{place}/first_day"),
        day_of(entry.end_day, f"{place}/end_day"),
        _number(entry.m3, M3_DECIMALS, f"{place}/m3"),
        _number(entry.heat, MJ_DECIMALS, f"{place}/heat"),
    )


def _number(text: str, decimals: int, place: str) -> int:
    try:
        return whole(text, decimals)
    except ValueError as error:
        raise Problem("invalid-input", fields=((place, "too-many-digits"),)) from error


def told(made: Bill) -> CalculatedBill:
    """A bill as people read it."""
    return CalculatedBill(
        lines=[
            CalculatedLine(
                line.plan, day_text(line.first_day), day_text(line.end_day), line.season, line.tier, line.component,
                written(line.price, PRICE_DECIMALS, 2), written(line.heat, MJ_DECIMALS) if line.heat else "",
                written(line.volume_ml, M3_DECIMALS), decimal_of(line.exact), line.fen,
            )
            for line in made.lines
        ],
        components=made.by_component(),
        total_fen=made.total_fen,
        counted_m3=written(made.after.cycle_ml, M3_DECIMALS),
        remainder_fen=decimal_of(made.after.remainder),
        by_days=made.by_days,
    )  # fmt: skip


def decimal_of(amount: Fraction) -> str:
    """A fraction of a fen as decimals, cut after ``EXACT_DECIMALS`` with an ellipsis where it goes on (prices by heat)."""
    scaled = amount * 10**EXACT_DECIMALS
    count = int(scaled)  # towards zero
    text = written(count, EXACT_DECIMALS)
    return text if scaled == count else text + "…"
