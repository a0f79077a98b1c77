# SPDX-License-Identifier: Apache-2.0
"""One plan as a price set that a meter can hold: few tiers with whole m³, prices with few decimals, nothing else (``protocol-facts``).

What a meter cannot hold is refused by name; a price that is rounded on the way is said so, with both values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from openmains.domain.tariff.billing import Payer
from openmains.domain.tariff.exact import ML_OF_M3, to_fen
from openmains.domain.tariff.plan import Plan

COMMAND_DECIMALS = 4  # of a price in the command ``set_price``: 0.0001 CNY/m³


class Rounding(StrEnum):
    """How a price with more decimals than the meter's is rounded."""

    REFUSED = "refused"
    HALF_UP = "half_up"
    UP = "up"


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """What a kind of meter holds: tiers, the largest bound in m³, decimals of a price in CNY, the largest price (10^-4 CNY)."""

    tiers: int = 6
    bound_m3: int = 65_535
    decimals: int = 4
    price: int = 99_999_999
    rounding: Rounding = Rounding.HALF_UP


@dataclass(frozen=True, slots=True)
class RoundedPrice:
    """A price the meter takes in another value. ``exact``: 10^-6 CNY, ``held``: 10^-4 CNY."""

    tier: int
    exact: int
    held: int


@dataclass(frozen=True, slots=True)
class MeterPrice:
    """``tier_from``: m³ at which each tier begins, the first 0; ``prices``: 10^-4 CNY/m³."""

    tier_from: tuple[int, ...]
    prices: tuple[int, ...]
    cycle_months: int
    clear_total: bool
    rounded: tuple[RoundedPrice, ...] = ()


def meter_price(plan: Plan, payer: Payer, limits: MeterLimits) -> tuple[MeterPrice | None, list[str]]:
    """The price set of a customer's meter, or None and why there is none: codes of ``refusals``."""
    why = list(refusals(plan, payer, limits))
    if why:
        return None, why
    bounds = [bound // ML_OF_M3 for bound in plan.schedule.bounds_for(payer.persons, payer.households)]
    starts, prices, rounded = [0], list[int](), list[RoundedPrice]()
    totals = [sum(parts) for parts in zip(*(part.prices for part in plan.schedule.components), strict=True)]
    kept = [index for index, bound in enumerate(bounds) if bound > (bounds[index - 1] if index else 0)]
    starts += [bounds[index] for index in kept]
    for tier, exact in [(index + 1, totals[index]) for index in kept] + [(len(totals), totals[-1])]:
        held = _held(exact, limits)
        if held * 100 != exact:
            rounded.append(RoundedPrice(tier, exact, held))
        prices.append(held)
    cleared = plan.at_change.value == "cleared"
    return MeterPrice(tuple(starts), tuple(prices), plan.cycle.months, cleared, tuple(rounded)), []


def refusals(plan: Plan, payer: Payer, limits: MeterLimits) -> Iterator[str]:
    """Why a meter cannot hold a plan: ``anniversary``, ``seasons``, ``heat``, ``minimum``, ``too-many-tiers``, ``bound-fraction``,
    ``bound-large``, ``price-decimals``, ``price-large``."""
    if plan.cycle.anniversary:  # a price set has one first day of the cycle, and is given to meters of many customers
        yield "anniversary"
    if plan.seasons:
        yield "seasons"
    if plan.heat_reference:
        yield "heat"
    if plan.minimum_fen:
        yield "minimum"
    bounds = plan.schedule.bounds_for(payer.persons, payer.households)
    if len(set(bounds)) + 1 > limits.tiers:
        yield "too-many-tiers"
    if any(bound % ML_OF_M3 for bound in bounds):
        yield "bound-fraction"
    if any(bound > limits.bound_m3 * ML_OF_M3 for bound in bounds):
        yield "bound-large"
    totals = [sum(parts) for parts in zip(*(part.prices for part in plan.schedule.components), strict=True)]
    if limits.rounding is Rounding.REFUSED and any(_held(total, limits) * 100 != total for total in totals):
        yield "price-decimals"
    if any(_held(total, limits) > limits.price for total in totals):
        yield "price-large"


def _held(price: int, limits: MeterLimits) -> int:
    """A price of 10^-6 CNY in 10^-4, with no more decimals than the meter's."""
    step: int = 10 ** (COMMAND_DECIMALS - limits.decimals)
    exact = Fraction(price, 100 * step)
    return step * (-(-exact.numerator // exact.denominator) if limits.rounding is Rounding.UP else to_fen(exact))
