# SPDX-License-Identifier: Apache-2.0
"""The bill of an account for a month: decided purely, out of its meters' days by version, its tariff's plans, and what was counted before.

What gives doubt is no bill but a ``Refused`` with a code, for a person:

``missing-days``   a day of a meter is not there, or not whole: it is filled first (docs/readings.md). On the day on which a meter was
                   hung or taken off the register that was read then takes the place of a whole day, and the
                   midnight beside it must be known
``two-tariffs``    meters of one account pay by different tariffs, or for different households, on the same day
``no-tariff``      nobody said by which tariff the account's meter pays
``negative``       a register went back by more than was used
``no-plan``        no plan of the tariff holds on a day
``no-heat``        the price is by heat, and the gas's heat value is not known
``no-unit``        the meter's driver is not installed, so nobody knows what its numbers mean
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from openmains.app.billing.rows import BillInputs, BillPart, CitedDays, CountRow, LineRow
from openmains.domain.period import day_to_date
from openmains.domain.tariff.billing import Bill, BillingError, Count, Payer, bill, edges, plan_at
from openmains.domain.tariff.plan import LateFeeRule, Plan

Terms = tuple[int, int, int, tuple[int, int]]
"""Tariff, persons, households, anniversary."""


class MeterLink(NamedTuple):
    """A meter that pays for an account, from ``first_day`` to before ``end_day``. ``unit_ml``: ml of its driver's unit, 0 not known.

    ``opening``, ``closing``: registers with which it was hung on the first day and taken off on the last one, within these days; None: it
    was not, or nobody read it, and the whole day counts."""

    account_id: int
    meter_id: int
    tariff_id: int
    persons: int
    households: int
    anniversary: tuple[int, int]
    first_day: int
    end_day: int
    driver: str
    unit_ml: int = 0
    opening: int | None = None
    closing: int | None = None

    @property
    def terms(self) -> Terms:
        return self.tariff_id, self.persons, self.households, self.anniversary


class MeterDays(NamedTuple):
    """Days of a meter as they are stored now, by day. ``totals`` and ``bases``, the registers as the days begin, in its unit; ``partial``: days
    that lack values; ``estimated``: days with a value that is estimated; ``adrift``: days that lack their first value, whose base may be
    the register of a later one."""

    days: Sequence[int]
    totals: Sequence[int]
    versions: Sequence[int]
    partial: Sequence[int]
    estimated: Sequence[int]
    bases: Sequence[int] = ()
    adrift: Sequence[int] = ()

    def midnight(self, day: int) -> int | None:
        """The register as ``day`` begins, if it is known: by that day, or by the one before, which is then whole."""
        place = next((place for place, one in enumerate(self.days) if one >= day - 1), len(self.days))
        before: int | None = None
        for number, base, total in zip(self.days[place:], self.bases[place:], self.totals[place:], strict=False):
            if number == day and day not in self.adrift:
                return base
            if number == day - 1 and number not in self.partial:
                before = base + total
            if number >= day:
                break
        return before


NO_DAYS = MeterDays((), (), (), (), ())


class AccountMonth(NamedTuple):
    """What an account's bill is decided of. ``before``: what its last bill counted, None: it has none; ``days`` by meter."""

    account_id: int
    links: tuple[MeterLink, ...]
    before: CountRow | None
    days: Mapping[int, MeterDays]


class Decided(NamedTuple):
    """A bill, ready to be written."""

    account_id: int
    first_day: int
    end_day: int
    tariff_id: int
    meter_id: int
    volume_ml: int
    total_fen: int
    estimated_days: int
    by_days: bool
    fee: LateFeeRule | None
    inputs: BillInputs
    lines: list[LineRow]
    counted: CountRow
    components: dict[str, int]


class Refused(NamedTuple):
    """No bill, and why: the first day of ``days`` that are so, of which meter where it is one's."""

    account_id: int
    code: str
    meter_id: int | None
    day: int
    days: int


class _RefusedError(Exception):
    def __init__(self, code: str, day: int, meter_id: int | None = None, days: int = 1) -> None:
        super().__init__(code)
        self.told = (code, meter_id, day, days)


Plans = Mapping[int, Sequence[Plan]]
"""By tariff the plans that are approved, by day."""


class Edges:
    """``edges`` of the kernel, kept: most accounts have the same."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._kept: dict[tuple[int, tuple[int, int], int, int], list[int]] = {}

    def of(self, tariff_id: int, payer: Payer, first: int, end: int) -> list[int]:
        """Raises ``BillingError``."""
        key = tariff_id, payer.anniversary, first, end
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = edges(self._plans[tariff_id], payer, first, end)
        return found


def decide(
    one: AccountMonth, plans: Plans, month: int, end_day: int, known: Edges | None = None
) -> Decided | Refused | None:
    """One account's; None: all of its days are billed. Without an earlier bill it begins with the month, or later where its meters do."""
    start = month if one.before is None else one.before.until
    links = [link for link in one.links if link.first_day < min(end_day, link.end_day) and link.end_day > start]
    if not links or start >= end_day:
        return None
    if one.before is None:
        start = max(start, min(link.first_day for link in links))
    try:
        return _decided(one, links, plans, start, end_day, known or Edges(plans))
    except BillingError as error:
        return Refused(one.account_id, error.code, None, error.day, 1)
    except _RefusedError as error:
        return Refused(one.account_id, *error.told)


def _decided(
    one: AccountMonth, links: Sequence[MeterLink], plans: Plans, start: int, end_day: int, known: Edges
) -> Decided:
    cited, volumes, estimated = list[CitedDays](), dict[tuple[int, int], int](), set[int]()
    of_link: dict[MeterLink, _Used] = {}
    asked = [(link, max(start, link.first_day), min(end_day, link.end_day)) for link in links]
    for link, first, end in asked:
        if not link.tariff_id:
            raise _RefusedError("no-tariff", first, link.meter_id, end - first)
        if link.unit_ml <= 0:
            raise _RefusedError("no-unit", first, link.meter_id, end - first)
        days = one.days.get(link.meter_id, NO_DAYS)
        used = _used(link, days, first, end)
        of_link[link] = used
        cited.append(CitedDays.of(link.meter_id, first, link.unit_ml, used.versions))
        estimated.update(day for day in days.estimated if first <= day < end)
    count = Count(start) if one.before is None else one.before.count()
    before, parts, lines, total, by_days = count, list[BillPart](), list[LineRow](), 0, False
    spans = list(_spans(asked))
    for index, (terms, first, end, those) in enumerate(spans):
        tariff_id, persons, households, anniversary = terms
        payer, of_tariff = Payer(persons, households, anniversary), plans[tariff_id]
        uses = [
            (left, right, sum(of_link[link].volume(left, right) * link.unit_ml for link in those), 0)
            for left, right in pairwise(known.of(tariff_id, payer, first, end))
        ]
        months = whole_months(start, end) if index == len(spans) - 1 else 0
        numbers = [plan.number for plan in of_tariff if plan.from_day < end]
        part = BillPart(tariff_id, numbers, persons, households, anniversary, uses, months)
        made = bill_part(part, of_tariff, count)
        lines += (LineRow.of(index, line) for line in made.lines)
        parts.append(part)
        count, total, by_days = made.after, total + made.total_fen, by_days or made.by_days
        for left, right, volume, _ in uses:
            volumes[left, right] = volume
    last = parts[-1]
    return Decided(
        one.account_id, start, count.until, last.tariff_id, spans[-1][3][-1].meter_id, sum(volumes.values()), total, len(estimated),
        by_days, plan_at(plans[last.tariff_id], count.until - 1).late_fee, BillInputs(CountRow.of(before), parts, cited), lines,
        CountRow.of(count), components_of(lines),
    )  # fmt: skip


def bill_part(part: BillPart, plans: Sequence[Plan], count: Count) -> Bill:
    """The kernel's bill of a part. ``plans``: of its tariff; those that its inputs do not name did not hold then."""
    named = set(part.plans)
    return bill([plan for plan in plans if plan.number in named], part.payer(), count, part.exact_uses(), part.months)


def components_of(lines: Sequence[LineRow]) -> dict[str, int]:
    """Fen of each component, in the lines' order."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.component] = found.get(line.component, 0) + line.fen
    return found


def whole_months(start: int, end: int) -> int:
    """How many calendar months lie wholly within [``start``, ``end``)."""
    first, after = day_to_date(start), day_to_date(end)
    begun = first.year * 12 + first.month + (first.day > 1)
    return max(0, after.year * 12 + after.month - begun)


class _Used(NamedTuple):
    """What a link adds: volumes and versions of its days from ``first`` on."""

    first: int
    volumes: Sequence[int]
    versions: Sequence[int]

    def volume(self, left: int, right: int) -> int:
        return sum(self.volumes[left - self.first : right - self.first])


def _used(link: MeterLink, days: MeterDays, first: int, end: int) -> _Used:
    """The days [``first``, ``end``) of a link; refuses where one is not there or not whole. A day on which the meter was hung or taken off
    counts from or to the register that was read then; without a stored row its version is 0."""
    low = next((place for place, day in enumerate(days.days) if day >= first), len(days.days))
    high = low + end - first
    cut = {link.first_day: link.opening, link.end_day - 1: link.closing}
    cut_days = {day for day, register in cut.items() if register is not None and first <= day < end}
    if not cut_days and not days.partial and list(days.days[low:high]) == list(range(first, end)):
        return _Used(first, days.totals[low:high], days.versions[low:high])
    known = {day: place for place, day in enumerate(days.days)}
    partial = set(days.partial)
    lacking = [day for day in range(first, end) if (day not in known or day in partial) and day not in cut_days]
    if lacking:
        raise _RefusedError("missing-days", lacking[0], link.meter_id, len(lacking))
    volumes = [_cut(link, days, day) if day in cut_days else days.totals[known[day]] for day in range(first, end)]
    return _Used(first, volumes, [days.versions[known[day]] if day in known else 0 for day in range(first, end)])


def _cut(link: MeterLink, days: MeterDays, day: int) -> int:
    """Volume of a day on which the meter was hung or taken off: between the register read then and the midnight before or after it. What
    the day's own values add up to says less: those before it was hung, and any that were not heard, are not among them."""
    left = link.opening if day == link.first_day else None
    right = link.closing if day == link.end_day - 1 else None
    if left is None:
        left = days.midnight(day)
    if right is None:
        right = days.midnight(day + 1)
    if left is None or right is None:
        raise _RefusedError("missing-days", day, link.meter_id)
    return right - left


def _spans(asked: Sequence[tuple[MeterLink, int, int]]) -> Iterator[tuple[Terms, int, int, list[MeterLink]]]:
    """Days with one set of terms and the same meters; between a meter taken away and the next nothing is used."""
    bounds = sorted({day for _, first, end in asked for day in (first, end)})
    for left, right in pairwise(bounds):
        those = [link for link, first, end in asked if first <= left and right <= end]
        if not those:
            continue
        if len({link.terms for link in those}) > 1:
            raise _RefusedError("two-tariffs", left, None, right - left)
        yield those[0].terms, left, right, those
