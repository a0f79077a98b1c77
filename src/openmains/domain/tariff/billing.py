# SPDX-License-Identifier: Apache-2.0
"""A bill: uses, the plans that hold and what was counted before → lines, their sum, and what is counted after. The same inputs give
the same bill to the fen, for ever.

Steps: ``stretches`` cuts each use where a cycle, a season or a plan begins; ``_tiers`` lays each stretch over the tiers; ``_sum``
rounds once and shares the rounded sum among the lines.

What is not billed yet for being less than half a fen is carried in ``Count.remainder`` (in [-1/2, 1/2) fen) to the next bill. So the
bills of a period add up to the same sum however it is cut; without it, 365 bills of a day could differ from the year's by 1.82 CNY.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from openmains.domain.tariff.calendar import cycle_span, season_at
from openmains.domain.tariff.exact import MICRO_ML_OF_FEN, shared, to_fen
from openmains.domain.tariff.plan import AtChange, MonthDay, Plan, Schedule, Season

MINIMUM = "minimum"  # component of the line that lifts a month to its least charge
NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Payer:
    """What of a customer the price depends on. ``anniversary``: month and day on which they began."""

    persons: int = 0
    households: int = 1
    anniversary: MonthDay = (1, 1)


@dataclass(frozen=True, slots=True)
class Use:
    """A volume between two registers: from the start of ``first_day`` to that of ``end_day``. ``heat``: kJ/m³ of the gas, 0 not known."""

    first_day: int
    end_day: int
    volume_ml: int
    heat: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What is kept of a customer between two bills (累计).

    ``until``: all before this day is billed; ``cycle_day``, ``season_day``: first days of what is counted; ``cycle_ml``,
    ``season_ml``: volumes of the running cycle and season; ``remainder``: fen; ``unsettled_fen``: charged since a least charge was
    last asked for.
    """

    until: int
    cycle_day: int = 0
    cycle_ml: int = 0
    season_day: int = 0
    season_ml: int = 0
    remainder: Fraction = NOTHING
    unsettled_fen: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sum: a component of a tier over a stretch of days, ``exact`` in fen and its share of the rounded sum."""

    plan: int
    first_day: int
    end_day: int
    season: str
    tier: int  # from 1
    component: str
    price: int
    heat: int
    volume_ml: int
    exact: Fraction
    fen: int


@dataclass(frozen=True, slots=True)
class Bill:
    """Lines that add up to ``total_fen``; what was counted before and after. ``by_days``: a use was cut where no register is known, its
    volume shared by days."""

    lines: tuple[Line, ...]
    total_fen: int
    before: Count
    after: Count
    by_days: bool = False

    def by_component(self) -> dict[str, int]:
        """Fen of each component, in the order of the lines; they add up to the total."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.component] = found.get(line.component, 0) + line.fen
        return found


class BillingError(ValueError):
    """Inputs that have no bill; ``code`` names why: ``no-plan``, ``not-in-order``, ``negative``, ``no-heat``, ``not-last``."""

    def __init__(self, code: str, day: int) -> None:
        super().__init__(f"{code} at day {day}")
        self.code = code
        self.day = day


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days with one plan, one season and one cycle, and the volume in them."""

    plan: Plan
    season: Season | None
    first_day: int
    end_day: int
    volume_ml: int
    heat: int
    cycle_day: int
    season_day: int


def bill(plans: Sequence[Plan], payer: Payer, before: Count, uses: Sequence[Use], months: int = 0) -> Bill:
    """The bill of ``uses``, which follow each other and what was billed before. ``plans``: of one tariff, by day.

    ``months``: how many months' least charge end with this bill; 0 in the middle of a month. Raises ``BillingError``.
    """
    count, drafts, by_days = before, list[Line](), False
    for use in uses:
        if use.first_day < count.until or use.end_day <= use.first_day:
            raise BillingError("not-in-order", use.first_day)
        if use.volume_ml < 0:
            raise BillingError("negative", use.first_day)
        found = list(stretches(plans, payer, use))
        by_days |= len(found) > 1 and use.volume_ml > 0
        for stretch in found:
            count = _entered(count, stretch, plans)
            start = count.season_ml if _own(stretch) else count.cycle_ml
            drafts += _lines(stretch, payer, start)
            more = start + stretch.volume_ml
            count = replace(count, season_ml=more) if _own(stretch) else replace(count, cycle_ml=more)
            count = replace(count, until=stretch.end_day)
    lines, total, remainder = _sum(drafts, before.remainder)
    count = replace(count, remainder=remainder, unsettled_fen=count.unsettled_fen + total)
    if months:
        plan = plan_at(plans, count.until - 1)
        lacking = max(0, plan.minimum_fen * months - count.unsettled_fen)
        if lacking:
            lines.append(_minimum(plan, before.until, count.until, lacking))
        total += lacking
        count = replace(count, unsettled_fen=0)
    return Bill(tuple(lines), total, before, count, by_days)


def reverse(made: Bill, now: Count) -> Bill:
    """The bill taken back whole: every line with the other sign, and counted as before it. A later one is taken back first.

    ``now``: what is counted at present. Raises ``BillingError`` ``not-last`` where that is not what ``made`` left.
    """
    if now != made.after:
        raise BillingError("not-last", made.after.until)
    lines = tuple(
        replace(line, volume_ml=-line.volume_ml, exact=-line.exact, fen=-line.fen) for line in reversed(made.lines)
    )
    return Bill(lines, -made.total_fen, made.after, made.before, made.by_days)


def plan_at(plans: Sequence[Plan], day: int) -> Plan:
    """The plan that holds on a day. Raises ``BillingError`` ``no-plan`` before the first."""
    found = None
    for plan in plans:
        if plan.from_day <= day:
            found = plan
    if found is None:
        raise BillingError("no-plan", day)
    return found


def edges(plans: Sequence[Plan], payer: Payer, first_day: int, end_day: int) -> list[int]:
    """``first_day``, the days after it on which a cycle, season or plan begins, and ``end_day``. Volumes between two of them are whole
    uses: nothing in them has to be shared by days. Raises ``BillingError`` ``no-plan``."""
    return [first_day, *(one.end_day for one in stretches(plans, payer, Use(first_day, end_day, 0)))]


def stretches(plans: Sequence[Plan], payer: Payer, use: Use) -> Iterator[Stretch]:
    """A use in parts, each with its share by days: what is booked up to a day is the whole's share rounded down, so they add up."""
    day, booked, length = use.first_day, 0, use.end_day - use.first_day
    while day < use.end_day:
        plan = plan_at(plans, day)
        cycle_day, next_cycle = cycle_span(plan.cycle, day, payer.anniversary)
        season, season_day, next_season = season_at(plan, day)
        next_plan = min((other.from_day for other in plans if other.from_day > day), default=use.end_day)
        end = min(use.end_day, next_cycle, next_season, next_plan)
        so_far = use.volume_ml * (end - use.first_day) // length
        yield Stretch(plan, season, day, end, so_far - booked, use.heat, cycle_day, season_day)
        day, booked = end, so_far


def _own(stretch: Stretch) -> bool:
    return stretch.season is not None and stretch.season.own_count


def _entered(count: Count, stretch: Stretch, plans: Sequence[Plan]) -> Count:
    """The count as the stretch begins: anew with a new cycle or season, and with a plan that clears it and was not entered before."""
    cleared = any(
        plan.at_change is AtChange.CLEARED and count.until <= plan.from_day <= stretch.first_day for plan in plans[1:]
    )
    if cleared or stretch.cycle_day > count.cycle_day:
        count = replace(count, cycle_day=stretch.cycle_day, cycle_ml=0)
    if _own(stretch) and (cleared or stretch.season_day > count.season_day):
        count = replace(count, season_day=stretch.season_day, season_ml=0)
    return count


def tiers(bounds_ml: Sequence[int], start_ml: int, volume_ml: int) -> Iterator[tuple[int, int]]:
    """How much of a volume that begins at ``start_ml`` lies in each tier: (tier from 1, ml). A bound belongs to the tier it ends."""
    at, end = start_ml, start_ml + volume_ml
    for index, bound in enumerate(bounds_ml):
        if at < min(bound, end):
            yield index + 1, min(bound, end) - at
            at = min(bound, end)
    if at < end:
        yield len(bounds_ml) + 1, end - at


def _lines(stretch: Stretch, payer: Payer, start_ml: int) -> Iterator[Line]:
    schedule: Schedule = stretch.plan.schedule if stretch.season is None else stretch.season.schedule
    reference = stretch.plan.heat_reference
    for tier, volume in tiers(schedule.bounds_for(payer.persons, payer.households), start_ml, stretch.volume_ml):
        for part in schedule.components:
            if part.by_heat and stretch.heat <= 0:
                raise BillingError("no-heat", stretch.first_day)
            price = part.prices[tier - 1]
            exact = (
                Fraction(price * volume * stretch.heat, MICRO_ML_OF_FEN * reference)
                if part.by_heat
                else Fraction(price * volume, MICRO_ML_OF_FEN)
            )
            yield Line(
                stretch.plan.number, stretch.first_day, stretch.end_day, "" if stretch.season is None else stretch.season.name,
                tier, part.name, price, stretch.heat if part.by_heat else 0, volume, exact, 0,
            )  # fmt: skip


def _sum(drafts: Sequence[Line], remainder: Fraction) -> tuple[list[Line], int, Fraction]:
    """The lines with their shares, the rounded sum, and what is carried on."""
    exact = sum((line.exact for line in drafts), remainder)
    total = to_fen(exact)
    fen = shared(total, [line.exact for line in drafts]) if drafts else []
    return [replace(line, fen=part) for line, part in zip(drafts, fen, strict=True)], total, exact - total


def _minimum(plan: Plan, first_day: int, end_day: int, fen: int) -> Line:
    return Line(plan.number, first_day, end_day, "", 0, MINIMUM, 0, 0, 0, Fraction(fen), fen)
