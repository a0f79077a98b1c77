# SPDX-License-Identifier: Apache-2.0
"""Bills of thousands of accounts at once, as they are written. Most accounts of a month are plain: one meter, all of its days there and
whole, one plan. Of these the engine has summed the days already, and the bill is made in integers (``domain/tariff/plain.py``); the others
go the long way of ``decide``, and both ways make the same bill (``tests/app/billing/test_decide_many.py``).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from openmains.app.billing.decide import (
    AccountMonth,
    Decided,
    Edges,
    MeterLink,
    Plans,
    Refused,
    bill_part,
    components_of,
    decide,
    whole_months,
)
from openmains.app.billing.rows import BillPart, BillRow, CountRow, LineRow
from openmains.domain.tariff.billing import BillingError, Count, Payer
from openmains.domain.tariff.plain import PlainRates, plain_bill, plain_rates
from openmains.domain.tariff.plan import LateFeeRule

NO_FEE = LateFeeRule(0, 0, 0)
_encode = msgspec.json.encode
_count_of = msgspec.json.Decoder(CountRow).decode


class MeterSum(NamedTuple):
    """Days of a meter over one span, summed where they are stored: how many are there, those that lack a value, those with one that is
    estimated, their total in its unit, and the steps of their versions as text (``CitedDays.steps``)."""

    days: int
    partial: int
    estimated: int
    total: int
    steps: str


class PlainMonth(NamedTuple):
    """An account of one meter whose days from ``first_day`` to the month's end are all there and whole. ``counted``: what its last bill
    counted, as it is kept; None: it has none."""

    account_id: int
    meter_id: int
    tariff_id: int
    persons: int
    households: int
    anniversary: tuple[int, int]
    unit_ml: int
    first_day: int
    counted: str | None
    estimated: int
    total: int
    steps: str


class Rates:
    """``plain_rates`` of payers over spans, kept: most accounts have the same."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._kept: dict[tuple[int, int, int, tuple[int, int], int, int], PlainRates | None] = {}

    def of(
        self, tariff_id: int, persons: int, households: int, anniversary: tuple[int, int], first: int, end: int
    ) -> PlainRates | None:
        """None: not plain, or of no tariff."""
        key = tariff_id, persons, households, anniversary, first, end
        if key not in self._kept:
            payer, plans = Payer(persons, households, anniversary), self._plans.get(tariff_id, ())
            self._kept[key] = plain_rates(plans, payer, first, end) if plans else None
        return self._kept[key]


def is_plain(links: Sequence[MeterLink], start: int, end_day: int, rates: Rates) -> MeterLink | None:
    """The one meter of an account that pays for every day from ``start`` to ``end_day``, whole ones, at plain rates; None otherwise."""
    found = links[0] if len(links) == 1 else None
    if len(links) > 1:
        within = [link for link in links if link.first_day < end_day and link.end_day > start]
        found = within[0] if len(within) == 1 else None
    if (
        found is None
        or not (found.first_day <= start < end_day <= found.end_day)
        or (found.first_day == start and found.opening is not None)
        or (found.end_day == end_day and found.closing is not None)
        or found.unit_ml <= 0
        or not found.tariff_id
        or rates.of(found.tariff_id, found.persons, found.households, found.anniversary, start, end_day) is None
    ):
        return None
    return found


def decide_many(
    accounts: Sequence[AccountMonth | PlainMonth], plans: Plans, month: int, end_day: int
) -> list[BillRow | Refused | None]:
    """Each account's bill of the month [``month``, ``end_day``), and of what was not billed before it."""
    rates, known = Rates(plans), Edges(plans)
    months: dict[int, int] = {}
    found: list[BillRow | Refused | None] = []
    for one in accounts:
        if isinstance(one, PlainMonth):
            if one.first_day not in months:
                months[one.first_day] = whole_months(one.first_day, end_day)
            found.append(_plain(one, plans, rates, end_day, months[one.first_day]))
        else:
            made = decide(one, plans, month, end_day, known)
            found.append(row_of(made) if isinstance(made, Decided) else made)
    return found


def _plain(one: PlainMonth, plans: Plans, rates: Rates, end_day: int, months: int) -> BillRow | Refused:
    rate = rates.of(one.tariff_id, one.persons, one.households, one.anniversary, one.first_day, end_day)
    assert rate is not None  # noqa: S101 is_plain said so
    before = Count(one.first_day) if one.counted is None else _count_of(one.counted).count()
    counted = _counted(before) if one.counted is None else one.counted
    volume = one.total * one.unit_ml
    numbers = [plan.number for plan in plans[one.tariff_id] if plan.from_day < end_day]
    named = ",".join(map(str, numbers))
    try:
        made = plain_bill(rate, before, volume, months)
        if made is None:
            uses = [(one.first_day, end_day, volume, 0)]
            part = BillPart(one.tariff_id, numbers, one.persons, one.households, one.anniversary, uses, months)
            long = bill_part(part, plans[one.tariff_id], before)
            lines = [LineRow.of(0, line) for line in long.lines]
            texts, total, after, components = _encode(lines).decode(), long.total_fen, long.after, components_of(lines)
        else:
            total, after, components = made.total_fen, made.after, dict[str, int]()
            for line in made.lines:
                components[line.component] = components.get(line.component, 0) + line.fen
            head = f"[0,{rate.plan.number},{rate.first_day},{rate.end_day},{_text(rate.season)},"
            texts = ",".join(
                f"{head}{line.tier},{_text(line.component)},{line.price},0,{line.volume_ml},{line.fen}]" for line in made.lines
            )  # fmt: skip
            texts = f"[{texts}]"
    except BillingError as error:
        return Refused(one.account_id, error.code, None, error.day, 1)
    anniversary = one.anniversary
    inputs = (
        f"[{counted},[[{one.tariff_id},[{named}],{one.persons},{one.households},[{anniversary[0]},{anniversary[1]}],"
        f"[[{one.first_day},{end_day},{volume},0]],{months}]],[[{one.meter_id},{one.first_day},{one.unit_ml},{one.steps}]]]"
    )
    fee = rate.plan.late_fee or NO_FEE
    return BillRow(
        one.account_id, one.first_day, after.until, one.tariff_id, one.meter_id, volume, total, one.estimated, False,
        fee.per_day_ppm, fee.grace_days, fee.cap_ppm, inputs, texts, _counted(after), components,
    )  # fmt: skip


_TEXTS: dict[str, str] = {}


def _text(plain: str) -> str:
    """As JSON. Names of components and seasons: as many as tariffs have."""
    found = _TEXTS.get(plain)
    if found is None:
        found = _TEXTS[plain] = _encode(plain).decode()
    return found


def _counted(count: Count) -> str:
    """``CountRow`` as it is kept."""
    return (
        f"[{count.until},{count.cycle_day},{count.cycle_ml},{count.season_day},{count.season_ml},"
        f'"{count.remainder}",{count.unsettled_fen}]'
    )


def row_of(made: Decided) -> BillRow:
    """As it is written."""
    fee = made.fee or NO_FEE
    return BillRow(
        made.account_id, made.first_day, made.end_day, made.tariff_id, made.meter_id, made.volume_ml, made.total_fen,
        made.estimated_days, made.by_days, fee.per_day_ppm, fee.grace_days, fee.cap_ppm, _encode(made.inputs).decode(),
        _encode(made.lines).decode(), _encode(made.counted).decode(), made.components,
    )  # fmt: skip


def plain_months(
    plain: Mapping[int, MeterLink],
    counted: Mapping[int, str],
    sums: Mapping[int, MeterSum],
    first_day: int,
    end_day: int,
) -> list[PlainMonth]:
    """Accounts whose one meter has every day of the span, whole. ``plain``, ``counted``: by account; ``sums``: by meter."""
    found, length = list[PlainMonth](), end_day - first_day
    for account_id, link in plain.items():
        one = sums.get(link.meter_id)
        if one is not None and one.days == length and not one.partial:
            found.append(
                PlainMonth(
                    account_id, link.meter_id, link.tariff_id, link.persons, link.households, link.anniversary, link.unit_ml,
                    first_day, counted.get(account_id), one.estimated, one.total, one.steps,
                )
            )  # fmt: skip
    return found
