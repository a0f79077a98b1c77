# SPDX-License-Identifier: Apache-2.0
"""The bill of one plain use in integers alone: to the fen what ``billing.bill`` says, for a tenth of its price. A month of a million
accounts is made of such bills; whatever is not plain goes the long way.

Plain: one use within one plan, one season and one cycle, priced by volume, without a least charge; and a remainder that is a whole number
of 1/``MICRO_ML_OF_FEN`` fen, as all are that no heat value made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from openmains.domain.tariff.billing import BillingError, Count, Payer, Use, stretches, tiers
from openmains.domain.tariff.exact import MICRO_ML_OF_FEN
from openmains.domain.tariff.plan import AtChange, Plan


@dataclass(frozen=True, slots=True)
class PlainRates:
    """What a plain use is charged by: bounds of its payer, prices by component and tier. ``cleared_until``: the newest day up to the use on
    which a plan began that clears what was counted; whoever was billed up to this day or less begins anew. -1: there is none."""

    plan: Plan
    season: str
    first_day: int
    end_day: int
    cycle_day: int
    cleared_until: int
    bounds_ml: tuple[int, ...]
    parts: tuple[tuple[str, tuple[int, ...]], ...]


class PlainLine(NamedTuple):
    """A component of a tier, from 1."""

    tier: int
    component: str
    price: int
    volume_ml: int
    fen: int


class PlainBill(NamedTuple):
    """Lines, their sum, and what is counted after it."""

    lines: list[PlainLine]
    total_fen: int
    after: Count


def plain_rates(plans: Sequence[Plan], payer: Payer, first_day: int, end_day: int) -> PlainRates | None:
    """Of uses over exactly these days; None: they are not plain. ``plans``: of one tariff, by day."""
    try:
        found = list(stretches(plans, payer, Use(first_day, end_day, 0)))
    except BillingError:
        return None
    one = found[0]
    schedule = one.plan.schedule if one.season is None else one.season.schedule
    counts_for_itself = one.season is not None and one.season.own_count
    if (
        len(found) != 1
        or counts_for_itself
        or one.plan.minimum_fen
        or any(part.by_heat for part in schedule.components)
    ):
        return None
    clearing = [
        plan.from_day for plan in plans[1:] if plan.at_change is AtChange.CLEARED and plan.from_day <= first_day
    ]
    return PlainRates(
        one.plan, "" if one.season is None else one.season.name, first_day, end_day, one.cycle_day, max(clearing, default=-1),
        schedule.bounds_for(payer.persons, payer.households), tuple((part.name, part.prices) for part in schedule.components),
    )  # fmt: skip


def in_micro(remainder: Fraction) -> int | None:
    """A remainder in 1/``MICRO_ML_OF_FEN`` fen; None: it is no whole number of them."""
    count, rest = divmod(MICRO_ML_OF_FEN, remainder.denominator)
    return None if rest else remainder.numerator * count


def plain_bill(rates: PlainRates, before: Count, volume_ml: int, months: int) -> PlainBill | None:
    """The bill of so many ml over the days of ``rates``; None: the remainder asks for the long way. ``before``: billed up to the first of
    these days or an earlier one. Raises ``BillingError`` ``negative``."""
    if volume_ml < 0:
        raise BillingError("negative", rates.first_day)
    remainder = in_micro(before.remainder)
    if remainder is None:
        return None
    is_anew = before.until <= rates.cleared_until or rates.cycle_day > before.cycle_day
    start = 0 if is_anew else before.cycle_ml
    drafts = [
        (tier, name, prices[tier - 1], volume)
        for tier, volume in tiers(rates.bounds_ml, start, volume_ml)
        for name, prices in rates.parts
    ]
    floors, rests, exact = [], [], remainder
    for _, _, price, volume in drafts:
        product = price * volume
        fen, rest = divmod(product, MICRO_ML_OF_FEN)
        floors.append(fen)
        rests.append(rest)
        exact += product
    total = (2 * exact + MICRO_ML_OF_FEN) // (2 * MICRO_ML_OF_FEN)
    missing = total - sum(floors)
    if missing:  # the largest remainders, the earlier of equal ones first; what is whole stays: ``exact.shared``
        for index in sorted((i for i, rest in enumerate(rests) if rest), key=lambda i: (-rests[i], i))[:missing]:
            floors[index] += 1
    after = Count(
        rates.end_day,
        rates.cycle_day if is_anew else before.cycle_day,
        start + volume_ml,
        before.season_day,
        before.season_ml,
        Fraction(exact - total * MICRO_ML_OF_FEN, MICRO_ML_OF_FEN),
        0 if months else before.unsettled_fen + total,
    )
    return PlainBill(
        [PlainLine(*draft, fen) for draft, fen in zip(drafts, floors, strict=True)],
        total,
        after,
    )
