# SPDX-License-Identifier: Apache-2.0
"""A meter that deducts at the meter, recomputed: between two of its reports, what its balance should be, and what explains it where it is not.

The meter says register and balance; the platform knows which price it confirmed, which top-ups it confirmed, and what its kind does below
a fen. Explanations are tried from the plainest on – none, one cause, two, three – and **all** of the least number that fit are told: where two
fit, the reports do not say which it is, and a person is shown both. What nothing fits is the meter's (``Cause.METER_FAULT``).

A span lies within one billing period of the meter and one price: whoever asks cuts it where either changes, for the meter settles there to the
litre. Registers are litres and whole metering steps; a balance that is shown is rounded down to the fen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, pairwise

from openmains.domain.tariff.exact import to_fen
from openmains.domain.tariff.meter_price import MeterPrice

LITRES_OF_M3 = 1_000
UNITS_OF_FEN = 100_000  # a litre at 10^-4 CNY/m³ is 10^-5 fen


class Cause(StrEnum):
    """Why a balance is not what was expected."""

    ROUNDING = "rounding"
    PRICE_VERSION = "price_version"  # deducted at another price than the one it confirmed
    LOST_TOP_UP = "lost_top_up"  # confirmed, and not in the balance
    TOP_UP_TWICE = "top_up_twice"
    UNCONFIRMED_TOP_UP = "unconfirmed_top_up"  # in the balance, and its answer never came
    METER_FAULT = "meter_fault"  # nothing of the above fits


class StepRounding(StrEnum):
    """What a kind of meter does with less than a fen of a metering step."""

    EXACT = "exact"  # it keeps it
    UP = "up"
    DOWN = "down"
    HALF_UP = "half_up"


@dataclass(frozen=True, slots=True)
class MeterReport:
    """What the meter said: register in litres, balance as it shows it."""

    register_l: int
    balance_fen: int


@dataclass(frozen=True, slots=True)
class TopUp:
    """One that was sent to the meter within the span. ``key``: names it to people."""

    key: str
    fen: int
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class MirroredSpan:
    """Between two reports. ``period_l``: register at which the meter's billing period began; ``version``: of the price that it confirmed;
    ``prices``: those that it may hold, by version; ``step_l``: litres of a metering step; ``rounding``: what its kind does."""

    before: MeterReport
    after: MeterReport
    period_l: int
    version: int
    prices: dict[int, MeterPrice]
    step_l: int
    top_ups: tuple[TopUp, ...] = ()
    rounding: StepRounding = StepRounding.EXACT


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause with what names it: the version, the rounding, the top-up's key."""

    cause: Cause
    what: str = ""


@dataclass(frozen=True, slots=True)
class MirrorResult:
    """``expected_fen``: rounded down, as it would be shown; ``difference_fen``: what is shown less that; ``explanations``: each a list of
    findings, all of the least number, empty where the balance is as expected."""

    expected_fen: int
    difference_fen: int
    explanations: tuple[tuple[Finding, ...], ...]

    @property
    def is_as_expected(self) -> bool:
        """Nothing is to be explained."""
        return self.explanations == ()


def explain(span: MirroredSpan) -> MirrorResult:
    """Raises ``ValueError`` for a register that went back, or a version that is not among the prices."""
    if span.after.register_l < span.before.register_l or span.version not in span.prices:
        raise ValueError("no span to recompute")
    credit = sum(one.fen for one in span.top_ups if one.is_confirmed)
    cost = deducted(span.prices[span.version], span, span.rounding)
    expected = to_floor(span.before.balance_fen + credit - cost)
    difference = span.after.balance_fen - expected
    fitting = [findings for findings, is_fit in _hypotheses(span) if is_fit]
    if not fitting:
        return MirrorResult(expected, difference, ((Finding(Cause.METER_FAULT),),))
    least = min(map(len, fitting))
    found = tuple(dict.fromkeys(one for one in fitting if len(one) == least))
    return MirrorResult(expected, difference, () if least == 0 else found)


def deducted(price: MeterPrice, span: MirroredSpan, rounding: StepRounding) -> Fraction:
    """Fen of all steps of the span."""
    first, last = span.before.register_l - span.period_l, span.after.register_l - span.period_l
    if rounding is StepRounding.EXACT:
        return Fraction(_units(price, last) - _units(price, first), UNITS_OF_FEN)
    ends = [*range(first, last, span.step_l), last]
    return Fraction(
        sum(_rounded(_units(price, right) - _units(price, left), rounding) for left, right in pairwise(ends))
    )


def to_floor(fen: Fraction) -> int:
    """Rounded down, as a meter shows it."""
    return fen.numerator // fen.denominator


def _rounded(units: int, rounding: StepRounding) -> int:
    if rounding is StepRounding.UP:
        return -(-units // UNITS_OF_FEN)
    if rounding is StepRounding.DOWN:
        return units // UNITS_OF_FEN
    return to_fen(Fraction(units, UNITS_OF_FEN))


def _units(price: MeterPrice, litres: int) -> int:
    """10^-5 fen of the first ``litres`` of a billing period."""
    bounds = [*(low * LITRES_OF_M3 for low in price.tier_from), max(litres, 0)]
    return sum(
        max(0, min(litres, high if place + 1 < len(price.prices) else litres) - low) * price.prices[place]
        for place, (low, high) in enumerate(pairwise(bounds))
    )


def _hypotheses(span: MirroredSpan) -> Iterator[tuple[tuple[Finding, ...], bool]]:
    """Each with whether the balance is what it would be then."""
    costs = {
        (version, rounding): deducted(price, span, rounding)
        for version, price in span.prices.items()
        for rounding in StepRounding
    }
    for credited, of_credit in _credits(span.top_ups):
        for (version, rounding), cost in costs.items():
            findings = list(of_credit)
            if version != span.version:
                findings.append(Finding(Cause.PRICE_VERSION, str(version)))
            if rounding is not span.rounding:
                findings.append(Finding(Cause.ROUNDING, rounding.value))
            off = span.after.balance_fen - (span.before.balance_fen + credited - cost)
            fits = abs(off) < 1 if rounding is StepRounding.EXACT else off == 0  # what is shown hides less than a fen
            yield tuple(findings), fits


def _credits(top_ups: Sequence[TopUp]) -> Iterator[tuple[int, tuple[Finding, ...]]]:
    """What came in: as confirmed, or with one top-up that went another way, or with two that were lost."""
    whole = sum(one.fen for one in top_ups if one.is_confirmed)
    yield whole, ()
    for one in top_ups:
        if one.is_confirmed:
            yield whole - one.fen, (Finding(Cause.LOST_TOP_UP, one.key),)
            yield whole + one.fen, (Finding(Cause.TOP_UP_TWICE, one.key),)
        else:
            yield whole + one.fen, (Finding(Cause.UNCONFIRMED_TOP_UP, one.key),)
    for left, right in combinations((one for one in top_ups if one.is_confirmed), 2):
        lost = (Finding(Cause.LOST_TOP_UP, left.key), Finding(Cause.LOST_TOP_UP, right.key))
        yield whole - left.fen - right.fen, lost
