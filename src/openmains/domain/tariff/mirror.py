# SPDX-License-Identifier: Apache-2.0
"""A meter that deducts at the meter, recomputed: between two of its reports, what its balance should be, and what explains it where it is not.

The meter says register and balance; the platform knows which price it confirmed, which top-ups it confirmed, and what its kind does below
a fen. Explanations are tried from the plainest on – none, one cause, two, three – and **all** of the least number that fit are told: where two
fit, the reports do not say which it is, and a person is shown both. What nothing fits is the meter's (``Cause.METER_FAULT``).

A span is cut where the meter's billing period or its price changes (``Cut``): there the meter settles to the litre. Elsewhere registers are
litres and whole metering steps, counted on the dial from 0; a balance that is shown is rounded down to the fen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, pairwise

from openmains.domain.tariff.exact import to_fen
from openmains.domain.tariff.meter_deduction import StepRounding
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
class Cut:
    """From ``register_l`` on another billing period (begun at ``period_l``) or another price (``version``) holds."""

    register_l: int
    period_l: int
    version: int


@dataclass(frozen=True, slots=True)
class MirroredSpan:
    """Between two reports. ``period_l``: register at which the meter's billing period began; ``version``: of the price that it confirmed;
    ``prices``: those that it may hold, by version; ``step_l``: litres of a metering step; ``rounding``: what its kind does; ``cuts``: where
    period or price changed in between."""

    before: MeterReport
    after: MeterReport
    period_l: int
    version: int
    prices: dict[int, MeterPrice]
    step_l: int
    top_ups: tuple[TopUp, ...] = ()
    rounding: StepRounding = StepRounding.EXACT
    cuts: tuple[Cut, ...] = ()


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
    registers = [span.before.register_l, *(cut.register_l for cut in span.cuts), span.after.register_l]
    versions = {span.version, *(cut.version for cut in span.cuts)}
    if registers != sorted(registers) or not versions <= span.prices.keys():
        raise ValueError("no span to recompute")
    credit = sum(one.fen for one in span.top_ups if one.is_confirmed)
    cost = deducted(span, None, span.rounding)
    expected = to_floor(span.before.balance_fen + credit - cost)
    difference = span.after.balance_fen - expected
    if _fits(span, credit, cost, span.rounding):  # nearly always
        return MirrorResult(expected, difference, ())
    fitting = [findings for findings, is_fit in _hypotheses(span) if is_fit]
    if not fitting:
        return MirrorResult(expected, difference, ((Finding(Cause.METER_FAULT),),))
    least = min(map(len, fitting))
    return MirrorResult(expected, difference, tuple(dict.fromkeys(one for one in fitting if len(one) == least)))


def deducted(span: MirroredSpan, version: int | None, rounding: StepRounding) -> Fraction:
    """Fen of all steps of the span. ``version``: the price that the meter held instead of the last one it confirmed."""
    ends = [*(cut.register_l for cut in span.cuts), span.after.register_l]
    begins = [Cut(span.before.register_l, span.period_l, span.version), *span.cuts]
    last, found = begins[-1].version, Fraction(0)
    for begin, end in zip(begins, ends, strict=True):
        price = span.prices[begin.version if version is None or begin.version != last else version]
        found += _piece(price, begin.register_l, end, begin.period_l, span.step_l, rounding)
    return found


def to_floor(fen: Fraction) -> int:
    """Rounded down, as a meter shows it."""
    return fen.numerator // fen.denominator


def _piece(
    price: MeterPrice, first_l: int, last_l: int, period_l: int, step_l: int, rounding: StepRounding
) -> Fraction:
    """Fen between two registers of one billing period. Steps end at whole multiples of ``step_l`` on the dial; those that lie within a tier
    all cost the same."""
    if rounding is StepRounding.EXACT:
        return Fraction(_units(price, last_l - period_l) - _units(price, first_l - period_l), UNITS_OF_FEN)
    bounds = [period_l + low * LITRES_OF_M3 for low in price.tier_from]
    at, found = first_l, 0
    while at < last_l:
        tier = max((place for place, bound in enumerate(bounds) if bound <= at), default=0)
        bound = bounds[tier + 1] if tier + 1 < len(bounds) else last_l
        steps = (min(bound, last_l) - at) // step_l if at % step_l == 0 else 0
        if steps:
            found += steps * _rounded(step_l * price.prices[tier], rounding)
            at += steps * step_l
        else:  # a part of a step, or one that crosses a bound
            end = min((at // step_l + 1) * step_l, last_l)
            found += _rounded(_units(price, end - period_l) - _units(price, at - period_l), rounding)
            at = end
    return Fraction(found)


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


def _fits(span: MirroredSpan, credited: int, cost: Fraction, rounding: StepRounding) -> bool:
    off = span.after.balance_fen - (span.before.balance_fen + credited - cost)
    return abs(off) < 1 if rounding is StepRounding.EXACT else off == 0  # what is shown hides less than a fen


def _hypotheses(span: MirroredSpan) -> Iterator[tuple[tuple[Finding, ...], bool]]:
    """Each with whether the balance is what it would be then."""
    confirmed = span.cuts[-1].version if span.cuts else span.version
    costs = {
        (version, rounding): deducted(span, version, rounding) for version in span.prices for rounding in StepRounding
    }
    for credited, of_credit in _credits(span.top_ups):
        for (version, rounding), cost in costs.items():
            findings = list(of_credit)
            if version != confirmed:
                findings.append(Finding(Cause.PRICE_VERSION, str(version)))
            if rounding is not span.rounding:
                findings.append(Finding(Cause.ROUNDING, rounding.value))
            yield tuple(findings), _fits(span, credited, cost, rounding)


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
