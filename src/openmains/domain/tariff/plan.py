# SPDX-License-Identifier: Apache-2.0
"""A tariff as it holds from one day to the next: immutable, complete, in exact units (``exact``).

A tariff (价目) is a list of plans by day; a plan (价格方案) is one of them. ``faults`` says what no plan may be, ``doubts`` what a person
should look at before another one approves it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

MOST_TIERS = 12
MOST_COMPONENTS = 12
MOST_SEASONS = 4
MOST_PERSONS = 99
MOST_HOUSEHOLDS = 100_000
MOST_RATE_PPM = 50_000  # of a late fee, for a day: 5 %, ten times what is usual
CYCLES = (1, 2, 3, 4, 6, 12)  # months: those that divide a year, so that a cycle begins on the same day each year
LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

MonthDay = tuple[int, int]


class AtChange(StrEnum):
    """What becomes of the volume counted in the running cycle when this plan takes effect (累计量结转/清零)."""

    CARRIED = "carried"
    CLEARED = "cleared"


class CustomerClass(StrEnum):
    """Whose tariff it is (用户类别)."""

    RESIDENT = "resident"
    COMBINED = "combined"  # 合表: several households behind one meter
    NON_RESIDENT = "non_resident"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Cycle:
    """Over how many months a volume is counted, from January or from the day on which the customer began (周年)."""

    months: int = 12
    anniversary: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the price (水费、水资源费、污水处理费, 气费), with a price for each tier.

    ``prices``: 10^-6 CNY for a m³; with ``by_heat`` for a m³ of the plan's reference heat value.
    """

    name: str
    prices: tuple[int, ...]
    by_heat: bool = False


@dataclass(frozen=True, slots=True)
class PersonsRule:
    """How much each bound rises for each person above so many: ``above`` and ``add_ml`` have an entry for each bound."""

    above: tuple[int, ...]
    add_ml: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Tiers and their prices. ``bounds_ml``: the upper end of each tier but the last, which belongs to the tier (350 m³ are all of tier
    1, what is above them is not). No bounds: a flat price."""

    bounds_ml: tuple[int, ...]
    components: tuple[Component, ...]
    persons: PersonsRule | None = None

    def bounds_for(self, persons: int, households: int) -> tuple[int, ...]:
        """The bounds of a customer, in ml. A bound that another one's persons overtake moves up to it: that tier is empty."""
        rule, found, top = self.persons, [], 0
        for index, bound in enumerate(self.bounds_ml):
            more = 0 if rule is None else max(0, persons - rule.above[index]) * rule.add_ml[index]
            top = max(top, (bound + more) * households)
            found.append(top)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Season:
    """Days of the year with tiers of their own, such as heating (采暖季). ``first``, ``last``: both included; it may pass New Year.

    ``own_count``: its volume is counted for itself, from its first day, and not in the cycle.
    """

    name: str
    first: MonthDay
    last: MonthDay
    schedule: Schedule
    own_count: bool = False


@dataclass(frozen=True, slots=True)
class LateFeeRule:
    """Late fee (违约金): a rate for each day after the due day and the days of grace, up to a share of what is owed."""

    per_day_ppm: int
    grace_days: int = 0
    cap_ppm: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds from ``from_day`` (days since 1970-01-01) on. ``number``: of this plan within its tariff.

    ``heat_reference``: kJ/m³ that the prices of components ``by_heat`` mean (3600 for a price for a kWh); 0 where there are none.
    ``minimum_fen``: least charge for a month (保底).
    """

    number: int
    from_day: int
    medium: str
    customer_class: CustomerClass
    schedule: Schedule
    cycle: Cycle = Cycle()
    seasons: tuple[Season, ...] = ()
    heat_reference: int = 0
    minimum_fen: int = 0
    late_fee: LateFeeRule | None = None
    at_change: AtChange = AtChange.CARRIED

    def schedules(self) -> Iterator[tuple[str, Schedule]]:
        """Each schedule with its place in a document, as a JSON pointer."""
        yield "", self.schedule
        for index, season in enumerate(self.seasons):
            yield f"/seasons/{index}", season.schedule


def faults(plan: Plan, before: Plan | None = None) -> list[tuple[str, str]]:
    """What is wrong, as (place, code); places are JSON pointers into the plan's document. ``before``: the plan it follows."""
    found: list[tuple[str, str]] = []
    if plan.cycle.months not in CYCLES:
        found.append(("/cycle/months", "not-accepted"))
    for place, schedule in plan.schedules():
        found += ((place + where, code) for where, code in _schedule_faults(schedule))
    by_heat = any(part.by_heat for _, schedule in plan.schedules() for part in schedule.components)
    if by_heat != (plan.heat_reference > 0):
        found.append(("/heat_reference", "required" if by_heat else "not-accepted"))
    found += _season_faults(plan)
    if plan.minimum_fen < 0:
        found.append(("/minimum_month", "out-of-range"))
    if plan.late_fee is not None:
        fee = plan.late_fee
        for where, value, most in (
            ("per_day", fee.per_day_ppm, MOST_RATE_PPM), ("grace_days", fee.grace_days, 366), ("cap", fee.cap_ppm, 10_000_000),
        ):  # fmt: skip
            if not 0 <= value <= most:
                found.append((f"/late_fee/{where}", "out-of-range"))
    if before is not None:
        found += _change_faults(plan, before)
    return found


def _schedule_faults(schedule: Schedule) -> Iterator[tuple[str, str]]:
    bounds, parts = schedule.bounds_ml, schedule.components
    if len(bounds) >= MOST_TIERS:
        yield "/bounds_m3", "too-long"
    if any(low >= high for low, high in pairwise((0, *bounds))):
        yield "/bounds_m3", "not-rising"
    if not 1 <= len(parts) <= MOST_COMPONENTS:
        yield "/components", "required" if not parts else "too-long"
    names = [part.name for part in parts]
    for index, part in enumerate(parts):
        if not part.name.strip() or names.index(part.name) != index:
            yield f"/components/{index}/name", "required" if not part.name.strip() else "twice"
        if len(part.prices) != len(bounds) + 1:
            yield f"/components/{index}/prices", "one-for-each-tier"
        if any(price < 0 for price in part.prices):
            yield f"/components/{index}/prices", "out-of-range"
    rule = schedule.persons
    if rule is not None:
        if not bounds:
            yield "/persons", "not-accepted"
        for name, values, most in (("above", rule.above, MOST_PERSONS), ("add_m3", rule.add_ml, 10**15)):
            if len(values) != len(bounds):
                yield f"/persons/{name}", "one-for-each-bound"
            elif any(not 0 <= value <= most for value in values):
                yield f"/persons/{name}", "out-of-range"


def _season_faults(plan: Plan) -> Iterator[tuple[str, str]]:
    if len(plan.seasons) > MOST_SEASONS:
        yield "/seasons", "too-long"
    taken: dict[MonthDay, int] = {}
    for index, season in enumerate(plan.seasons):
        place = f"/seasons/{index}"
        if not season.name.strip() or any(season.name == other.name for other in plan.seasons[:index]):
            yield f"{place}/name", "required" if not season.name.strip() else "twice"
        wrong = [name for name, day in (("first", season.first), ("last", season.last)) if not _is_day(day)]
        yield from ((f"{place}/{name}", "wrong-format") for name in wrong)
        if wrong:
            continue
        days = _days_of(season)
        if any(day in taken for day in days):
            yield f"{place}/first", "overlaps"
        elif len(days) >= 366:
            yield f"{place}/last", "out-of-range"
        taken |= dict.fromkeys(days, index)
        if (
            not season.own_count
            and len(season.schedule.bounds_ml)
            and season.schedule.bounds_ml != plan.schedule.bounds_ml
        ):
            yield f"{place}/bounds_m3", "same-bounds-or-own-count"


def _is_day(day: MonthDay) -> bool:
    month, number = day
    return 1 <= month <= 12 and 1 <= number <= LONGEST_MONTH[month - 1]


def _days_of(season: Season) -> list[MonthDay]:
    """Its days of a leap year."""
    year = [(month + 1, day + 1) for month, length in enumerate(LONGEST_MONTH) for day in range(length)]
    first, last = year.index(season.first), year.index(season.last)
    return year[first : last + 1] if first <= last else [*year[first:], *year[: last + 1]]


def _change_faults(plan: Plan, before: Plan) -> Iterator[tuple[str, str]]:
    """A volume is carried only into a cycle that counts the same days; a plan comes after the one before it."""
    if plan.from_day <= before.from_day:
        yield "/from_day", "not-after"
    if plan.medium != before.medium:
        yield "/medium", "not-accepted"
    if plan.customer_class is not before.customer_class:
        yield "/customer_class", "not-accepted"
    if plan.at_change is AtChange.CARRIED and plan.cycle != before.cycle:
        yield "/at_change", "cycle-differs"


def doubts(plan: Plan, before: Plan | None = None) -> list[tuple[str, str]]:
    """What may be meant but often is a slip, as (place, code): shown to whoever drafts and approves; nothing is refused for it."""
    found: list[tuple[str, str]] = []
    for place, schedule in plan.schedules():
        totals = [sum(prices) for prices in zip(*(part.prices for part in schedule.components), strict=True)]
        if any(low > high for low, high in pairwise(totals)):
            found.append((f"{place}/components", "price-falls"))
        if 0 in totals:
            found.append((f"{place}/components", "price-zero"))
        bounds = schedule.bounds_for(MOST_PERSONS // 9, 1)
        if len(set(bounds)) < len(bounds):
            found.append((f"{place}/persons", "tier-empty"))
    if before is not None:
        old, new = (sum(part.prices[0] for part in one.schedule.components) for one in (before, plan))
        if old and abs(new - old) * 2 > old:
            found.append(("/components", "far-from-before"))
    return found
