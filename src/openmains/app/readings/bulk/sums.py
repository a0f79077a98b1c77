# SPDX-License-Identifier: Apache-2.0
"""Sums of volume by area, customer, product or class over any days, and how much of them is a gap (R6.1, R6.2, R14.7).

Groups are the registry's of now. Water and gas are never added up. The gap share is what part of the days that are due is estimated,
partial or missing, rounded up: none is said of a sum only where none is there. Days that are not due yet count with their volume
and not as gaps. Which are due is told as the collection report tells it: by the mode of the meter, of its tasks, of its product, as
they stand on the last day that is not ahead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from msgspec import Struct

from openmains.app.fleet.areas import Area, AreaFilter
from openmains.app.fleet.choice import ChosenMeter, ChosenMeters, MeterChoice, chosen_pages, told
from openmains.app.fleet.model import Product
from openmains.app.fleet.ports import AreaStore, ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ports import BulkStore, Expected, StepSum, SumsWanted
from openmains.app.readings.tasks.ports import TaskStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, ProductId
from openmains.domain.period import DAY_S, Zone, day_to_date
from openmains.domain.quantity import decimal_of
from openmains.domain.readings.expected import MODES, Mode, Modes, due_at, period_of
from openmains.domain.readings.tasks import Level, WantedModes, line_of, modes_on

_PAGE = 5_000  # areas
By = Literal["area", "customer", "product", "class"]
Every = Literal["day", "month"]
MOST_METER_DAYS = 400_000_000
MOST_GROUPS = 10_000
_ALL = 10_000  # products of a tenant
_NO_CUSTOMER = 0
_NO_MODES = Modes()
_CLASSES = ("none", "ordinary", "protected", "critical")


class SumRow(Struct, frozen=True):
    """Volume of a group over the period, in 10^``unit_exponent`` m³ and in m³, and how its days stand that are due.

    ``gap_ppm``: millionths of ``due_days`` that are estimated, partial or missing, rounded up; null: none was due."""

    key: str
    name: str
    medium: str
    meters: int
    volume: int
    volume_m3: str
    due_days: int
    full_days: int
    estimated_days: int
    partial_days: int
    missing_days: int
    gap_ppm: int | None


class StepVolume(Struct, frozen=True):
    """Volume of all of a medium in one step, of how many meter-days."""

    start: date
    medium: str
    volume: int
    volume_m3: str
    meter_days: int


class Sums(Struct, frozen=True):
    """Sums of days ``first`` to ``last``, both included. Lines of areas include the areas below them, so they add up to more than
    ``totals``, which has a line for each medium."""

    by: By
    first: date
    last: date
    every: Every
    unit_exponent: int
    totals: list[SumRow]
    rows: list[SumRow]
    trend: list[StepVolume]


@dataclass(slots=True)
class _Sum:
    """What was added up; ``volumes`` by exponent, since drivers count in units of their own."""

    meters: int = 0
    due: int = 0
    full: int = 0
    estimated: int = 0
    partial: int = 0
    days: int = 0
    volumes: dict[int, int] = field(default_factory=dict)

    def add(self, row: StepSum, exponent: int) -> None:
        self.full += row.full
        self.estimated += row.estimated
        self.partial += row.partial
        self.days += row.days
        self.volumes[exponent] = self.volumes.get(exponent, 0) + row.volume

    def expect(self, row: Expected) -> None:
        self.meters += row.meters
        self.due += row.days


def last_due(now_s: int, mode: Mode, zone: Zone) -> int:
    """The last day that is due at an instant in a mode."""
    day = zone.day_of(now_s)
    while due_at(day, mode, zone) > now_s:
        day = period_of(day, mode)[0] - 1
    return day


def mode_day(last: int, now_s: int, zone: Zone) -> int:
    """The day whose modes tell what is due of a period: its last, or today where that is ahead."""
    return min(last, zone.day_of(now_s))


def sums_wanted(
    first: int,
    last: int,
    every: Every,
    products: Iterable[Product],
    modes: Mapping[ProductId, Modes],
    tasks: WantedModes,
    now_s: int,
    zone: Zone,
) -> SumsWanted:
    """The question to the store."""
    listed, day = list(products), mode_day(last, now_s, zone)
    return SumsWanted(
        first,
        last,
        every == "month",
        {product.product_id: product.interval_s for product in listed},
        {
            product.product_id: tasks.company or modes.get(product.product_id, _NO_MODES).on(day) or Mode.DAY
            for product in listed
        },
        {mode: last_due(now_s, mode, zone) for mode in MODES},
        {day: seconds for day in range(first, last + 1) if (seconds := zone.seconds_in(day)) != DAY_S},
        tasks,
    )


def of_page(wanted: SumsWanted, page: Iterable[ChosenMeter]) -> SumsWanted:
    """With the modes that concern these meters only: a question is as long as its page, however many areas there are."""
    listed, tasks = list(page), wanted.tasks
    meters = {int(meter.meter_id): mode for meter in listed if (mode := tasks.meters.get(meter.meter_id)) is not None}
    areas = {int(meter.area_id): mode for meter in listed if (mode := tasks.areas.get(meter.area_id)) is not None}
    return replace(wanted, tasks=WantedModes(meters, tasks.products, areas, tasks.company))


async def sums_by(
    store: Store,
    bulk: BulkStore,
    actor: Actor,
    choice: MeterChoice,
    by: By,
    first: int,
    last: int,
    every: Every,
    exponent_of: Callable[[str], int],
    zone: Zone,
    now_us: int,
    most_groups: int = MOST_GROUPS,
) -> Sums:
    """Sums of the choice's meters by group.

    :raises Problem: ``too-many-meter-days``, ``too-many-groups``: the text says how many are.
    """
    async with store.tenant(actor.tenant_id) as work:
        asking = await work[TaskStore].wanting_modes()
        modes = await work[TaskStore].product_modes()
        is_tree_needed = by == "area" or any(task.level is Level.AREA for task in asking)
        areas = await _tree(work[AreaStore]) if is_tree_needed else []
        products = {product.product_id: product for product in await work[ProductStore].page(_ALL, 0)}
    now_s = now_us // 1_000_000
    above = {int(area.area_id): area.parent_id for area in areas}
    tasks = modes_on(asking, above, mode_day(last, now_s, zone))
    whole = sums_wanted(first, last, every, products.values(), modes, tasks, now_s, zone)
    groups: dict[tuple[int, str], _Sum] = {}
    trend: dict[tuple[int, str], _Sum] = {}
    meters = 0
    group_of = _group_of(by)
    async for page in chosen_pages(store, actor.tenant_id, choice, MeterId(0), now_us):
        meters += len(page)
        if meters * (last - first + 1) > MOST_METER_DAYS:
            raise Problem("too-many-meter-days", fields=(("/last", "out-of-range"),), limit=MOST_METER_DAYS)
        listed, wanted = [(meter.meter_id, group_of(meter)) for meter in page], of_page(whole, page)
        for expected in await bulk.expected(actor.tenant_id, listed, wanted):
            if (product := products.get(expected.product_id)) is not None:
                groups.setdefault((expected.group, product.medium), _Sum()).expect(expected)
        for row in await bulk.sums(actor.tenant_id, listed, wanted):
            if (product := products.get(row.product_id)) is not None:
                exponent = exponent_of(product.driver)
                groups.setdefault((row.group, product.medium), _Sum()).add(row, exponent)
                trend.setdefault((row.step, product.medium), _Sum()).add(row, exponent)
        if len(groups) > most_groups:
            raise Problem("too-many-groups", fields=(("/by", "not-accepted"),), limit=most_groups)
    unit = min((e for part_sum in trend.values() for e in part_sum.volumes), default=-3)
    totals = _together(((0, medium), part_sum) for (_, medium), part_sum in groups.items())
    if by == "area":
        groups = _with_those_below(groups, areas, choice)
    names = await _names(store, actor, by, {key for key, _ in groups}, areas, products.values())
    rows = [_row(names.get(key, (f"#{key}", "")), medium, part_sum, unit) for (key, medium), part_sum in groups.items()]
    return Sums(
        by=by,
        first=day_to_date(first),
        last=day_to_date(last),
        every=every,
        unit_exponent=unit,
        totals=[_row(("", ""), medium, part_sum, unit) for (_, medium), part_sum in sorted(totals.items())],
        rows=sorted(rows, key=lambda row: (row.key, row.medium)),
        trend=[
            StepVolume(day_to_date(step), medium, _volume(part_sum, unit), _m3(part_sum, unit), part_sum.days)
            for (step, medium), part_sum in sorted(trend.items())
        ],
    )


async def note_sums(store: Store, actor: Actor, choice: MeterChoice, found: Sums, form: str) -> None:
    """A file of sums is in the trail before it goes out."""
    said = {
        "meters": told(choice),
        "by": found.by,
        "first": found.first,
        "last": found.last,
        "form": form,
        "lines": len(found.rows),
    }
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_sums", "bulk", "sums", None, said)


def _group_of(by: By) -> Callable[[ChosenMeter], int]:
    return {
        "area": lambda meter: int(meter.area_id),
        "product": lambda meter: int(meter.product_id),
        "customer": lambda meter: int(meter.customer_id or _NO_CUSTOMER),
        "class": lambda meter: _CLASSES.index(meter.customer_class),
    }[by]


def _together(parts: Iterable[tuple[tuple[int, str], _Sum]]) -> dict[tuple[int, str], _Sum]:
    found: dict[tuple[int, str], _Sum] = {}
    for key, part in parts:
        into = found.setdefault(key, _Sum())
        for name in ("meters", "due", "full", "estimated", "partial", "days"):
            setattr(into, name, getattr(into, name) + getattr(part, name))
        for exponent, volume in part.volumes.items():
            into.volumes[exponent] = into.volumes.get(exponent, 0) + volume
    return found


def _with_those_below(
    groups: Mapping[tuple[int, str], _Sum], areas: Sequence[Area], choice: MeterChoice
) -> dict[tuple[int, str], _Sum]:
    """Each area's sum with those of the areas below it, up to the area that was asked for."""
    parents: dict[int, int | None] = {area.area_id: area.parent_id for area in areas}
    parts: list[tuple[tuple[int, str], _Sum]] = []
    for (area_id, medium), part_sum in groups.items():
        line = line_of(area_id, parents)
        upto = line.index(choice.area_id) + 1 if choice.area_id in line else len(line)
        parts += [((here, medium), part_sum) for here in line[:upto]]
    return _together(parts)


async def _tree(store: AreaStore) -> list[Area]:
    found: list[Area] = []
    while page := await store.page(AreaFilter(limit=_PAGE, after=found[-1].code if found else None)):
        found += page
    return found


async def _names(
    store: Store, actor: Actor, by: By, keys: set[int], areas: Sequence[Area], products: Iterable[Product]
) -> dict[int, tuple[str, str]]:
    if by == "area":
        return {int(area.area_id): (area.code, area.name) for area in areas}
    if by == "product":
        return {int(product.product_id): (product.code, product.name) for product in products}
    if by == "class":
        return {place: (name, "") for place, name in enumerate(_CLASSES)}
    async with store.tenant(actor.tenant_id) as work:
        return {_NO_CUSTOMER: ("", ""), **await work[ChosenMeters].customer_names(sorted(keys - {_NO_CUSTOMER}))}


def _volume(part_sum: _Sum, unit: int) -> int:
    return sum(volume * 10 ** (exponent - unit) for exponent, volume in part_sum.volumes.items())


def _m3(part_sum: _Sum, unit: int) -> str:
    return f"{decimal_of(_volume(part_sum, unit), unit)}"


def _row(name: tuple[str, str], medium: str, part_sum: _Sum, unit: int) -> SumRow:
    missing = max(0, part_sum.due - part_sum.full - part_sum.estimated - part_sum.partial)
    gaps = part_sum.estimated + part_sum.partial + missing
    return SumRow(
        key=name[0],
        name=name[1],
        medium=medium,
        meters=part_sum.meters,
        volume=_volume(part_sum, unit),
        volume_m3=_m3(part_sum, unit),
        due_days=part_sum.due,
        full_days=part_sum.full,
        estimated_days=part_sum.estimated,
        partial_days=part_sum.partial,
        missing_days=missing,
        gap_ppm=None if not part_sum.due else -(-gaps * 1_000_000 // part_sum.due),
    )
