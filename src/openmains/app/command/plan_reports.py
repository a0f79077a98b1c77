# SPDX-License-Identifier: Apache-2.0
"""Report times from the measured load of each cell (R2.2): a preview, and the batch that tells the meters.

who      meters that report once a day, were heard this week, and whose product has a report time to set; the others stay
         and count as what the cell carries anyway
limit    half of what the cell's network carries: alarms, retries and what goes down need the rest
plan     ``domain.command.planner``: who fits stays
tell     ``Spreading.settings_for``: the meter adds a delay of its own, so a report time alone would miss the minute
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.lead import MadeBatch, make_batch
from openmains.app.command.model import BatchFilter, BatchMeter, Key, NewBatch
from openmains.app.command.plan_ports import CellLoads, CellMeter, Measured, PlanStore
from openmains.app.command.ports import StopSwitch
from openmains.app.fleet.model import AreaRef, ProductRef
from openmains.app.identity.model import Actor
from openmains.app.unit_of_work import Store
from openmains.domain.command.kinds import Kind
from openmains.domain.command.planner import (
    DAY_MIN,
    ONE,
    CellLoad,
    CellPlan,
    MoveReason,
    TownPlan,
    expected,
    plan_town,
    share_in_ppm,
)
from openmains.domain.network.capacity import CellCapacity, capacity_of
from openmains.domain.network.spreading import Scheme, Spreading, digits_of
from openmains.domain.period import DAY_S, zone
from openmains.domain.readings.expected import reports_once_a_day

DEADLINE_MIN = 8 * 60
WEEK_S = 7 * DAY_S
USABLE_PPM = 500_000  # of a cell's capacity for planned reports
LEAST_SHARE_PPM = 500  # of a cell's reports that come so many minutes late
BUSIEST = 6  # cells whose curves are shown
SPREADING = "spreading"  # of a product's settings: scheme and interval where they are not the driver page's


class LeftOut(StrEnum):
    """Why a meter is not planned. It stays as it is."""

    NOT_HEARD = "not_heard"  # no report in the last seven days: nobody knows when it reports
    OTHER_PERIOD = "other_period"  # reports more or less often than once a day
    NO_SETTING = "no_setting"  # its product has no report time to set
    NO_NUMBER = "no_number"  # its number ends in no digits: what it adds to its report time is not known


class PlanRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which meters to spread. ``limit_per_min``: reports a minute from good coverage that a cell may carry; null: half of the
    capacity of its network."""

    limit_per_min: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    area_id: AreaRef | None = None
    product_id: ProductRef | None = None


class ApplyPlan(PlanRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, with the name and key of the batch."""

    unique_key: Key
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "report times"


class PlannedCell(Struct, frozen=True):
    """A cell before and after. Peaks and limit are loads of the fullest minute, counted in reports from good coverage.

    ``unplaced``: they are late or in a crowded minute and there is no minute for them at this limit.
    """

    cell: int
    network: str
    meters: int
    moved: int
    unplaced: int
    limit_per_min: float
    peak_before: float
    peak_after: float
    in_by_eight_before_ppm: int
    in_by_eight_after_ppm: int


class CellCurve(Struct, frozen=True):
    """Reports of a cell by minute of the day: as measured, and as they will come, with those that are late or sent again."""

    cell: int
    before_by_minute: list[float]
    after_by_minute: list[float]


class ReportPlan(Struct, frozen=True):
    """The whole plan. ``moved_for``, ``left_out``: how many for each reason. The curves are means of a day, by minute of the
    day: of the whole town, and of the busiest cells."""

    meters: int
    moved: int
    unplaced: int
    moved_for: dict[MoveReason, int]
    left_out: dict[LeftOut, int]
    cells: list[PlannedCell]
    busiest: list[CellCurve]
    before_by_minute: list[float]
    after_by_minute: list[float]


class Candidate(NamedTuple):
    """A meter that can be planned: ``digits`` is the number that its spreading counts with."""

    meter: CellMeter
    rule: Spreading
    digits: int


class Candidates(NamedTuple):
    """Those that can, by cell, and why the others cannot."""

    in_cell: Mapping[int, Sequence[Candidate]]
    left_out: Mapping[LeftOut, int]


async def plan(
    store: Store, loads: CellLoads, drivers: CommandDrivers, actor: Actor, wanted: PlanRequest, now_s: int
) -> ReportPlan:
    """Compute it from the last seven days."""
    candidates, measured, capacities = await _read(store, loads, drivers, actor, wanted, now_s)
    # A million meters take seconds: others have their turn meanwhile.
    return await asyncio.to_thread(lambda: show(candidates, measured, capacities, wanted))


async def apply_plan(
    store: Store,
    loads: CellLoads,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    wanted: ApplyPlan,
    now_s: int,
) -> MadeBatch:
    """Draft the batch that tells every meter that moves its time; it obeys canary groups and the daily share as any other."""
    candidates, measured, capacities = await _read(store, loads, drivers, actor, wanted, now_s)
    town = await asyncio.to_thread(lambda: planned(candidates, measured, capacities, wanted))
    meters = [
        BatchMeter(
            one.meter.meter_id, {"values": one.rule.settings_for(one.digits, made.minute_of[one.meter.meter_id])}
        )
        for made in town.cells
        for one in candidates.in_cell[made.cell]
        if one.meter.meter_id in made.moved
    ]
    # cells take turns, so that the first groups of the batch are spread over all of them
    meters.sort(key=lambda meter: meter.meter_id * 2_654_435_761 % 2**32)
    batch = NewBatch(
        name=wanted.name, kind=Kind.SET_PARAMETERS, unique_key=wanted.unique_key, chosen=BatchFilter(numbers=[])
    )
    return await make_batch(store, None, switch, drivers, actor, batch, None, meters)


async def _read(
    store: Store, loads: CellLoads, drivers: CommandDrivers, actor: Actor, wanted: PlanRequest, now_s: int
) -> tuple[Candidates, Measured, list[CellCapacity]]:
    place = zone(actor.zone)
    midnight_s = place.start_of(place.day_of(now_s))
    async with store.tenant(actor.tenant_id) as work:
        meters = await work[PlanStore].cell_meters(wanted.area_id, wanted.product_id)
        capacities = [line.line() for line in await work[PlanStore].capacities()]
    measured = await loads.measured(actor.tenant_id, midnight_s - WEEK_S, midnight_s, midnight_s)
    return candidates_of(meters, measured, drivers), measured, capacities


def candidates_of(meters: Sequence[CellMeter], measured: Measured, drivers: CommandDrivers) -> Candidates:
    """Who can be planned."""
    in_cell: dict[int, list[Candidate]] = {}
    left_out: Counter[LeftOut] = Counter()
    for meter in meters:
        rule, digits = rule_of(drivers, meter), digits_of(meter.number)
        usual = measured.usual.get(meter.meter_id)
        in_cell.setdefault(meter.cell, [])
        if rule is None:
            left_out[LeftOut.NO_SETTING] += 1
        elif digits is None:
            left_out[LeftOut.NO_NUMBER] += 1
        elif usual is None:
            left_out[LeftOut.NOT_HEARD] += 1
        elif not reports_once_a_day(meter.settings, meter.mode, meter.report_s) or usual.reports * 2 > usual.days * 3:
            left_out[LeftOut.OTHER_PERIOD] += 1
        else:
            in_cell[meter.cell].append(Candidate(meter, rule, digits))
    return Candidates(in_cell, left_out)


def rule_of(drivers: CommandDrivers, meter: CellMeter) -> Spreading | None:
    """What the meter adds to its report time: the driver's page says it, the product may say otherwise (R2.1)."""
    driver = drivers.command_driver(meter.driver)
    rule: Spreading | None = None if driver is None else driver.spreading
    if rule is None or meter.spreading is None:
        return rule
    return replace(
        rule,
        scheme=Scheme(meter.spreading.get("scheme", rule.scheme)),
        interval_s=meter.spreading.get("interval_s", rule.interval_s),
    )


def planned(
    candidates: Candidates, measured: Measured, capacities: Sequence[CellCapacity], wanted: PlanRequest
) -> TownPlan:
    """Cells that carry something though none of their meters is planned count for the town, too."""
    cells = [
        cell_load(cell, candidates.in_cell.get(cell, ()), measured, capacities, wanted)
        for cell in sorted({*candidates.in_cell, *measured.by_minute})
    ]
    return plan_town(cells, DEADLINE_MIN)


def cell_load(
    cell: int,
    candidates: Sequence[Candidate],
    measured: Measured,
    capacities: Sequence[CellCapacity],
    wanted: PlanRequest,
) -> CellLoad:
    """A cell as the planner sees it."""
    capacity = _capacity(candidates, capacities)
    limit = capacity.ce0_per_min * ONE * USABLE_PPM // 1_000_000
    if wanted.limit_per_min is not None:
        limit = wanted.limit_per_min * ONE
    present: dict[int, int] = {one.meter.meter_id: measured.usual[one.meter.meter_id].minute for one in candidates}
    costs: dict[int, int] = {one.meter.meter_id: capacity.cost(one.meter.coverage, ONE) for one in candidates}
    return CellLoad(cell, present, max(1, limit), other_load(cell, present, measured), costs)


def _capacity(candidates: Sequence[Candidate], capacities: Sequence[CellCapacity]) -> CellCapacity:
    """Of the network that most of the cell's meters are in."""
    found = Counter(capacity_of(capacities, one.meter.imsi) for one in candidates)
    return found.most_common(1)[0][0] if found else capacity_of(capacities, "")


def _mean(cell: int, measured: Measured) -> list[int]:
    """Reports of a usual day by minute, in thousandths."""
    by_minute = measured.by_minute.get(cell, {})
    return [by_minute.get(minute, 0) * ONE // max(1, measured.days) for minute in range(DAY_MIN)]


def other_load(cell: int, present: Mapping[int, int], measured: Measured) -> list[int]:
    """What the cell carries beside the meters that are planned: the measured load without their reports, late ones too."""
    own = expected(Counter(present.values()), lateness_ppm(cell, measured))
    return [max(0, busy - ours) for busy, ours in zip(_mean(cell, measured), own, strict=True)]


def lateness_ppm(cell: int, measured: Measured) -> dict[int, int]:
    """Reports of a meter and day by how late they come; at their minute where nothing is known. Shares too small to be seen are
    left out, and with them the part of the load stays where it is."""
    found = measured.lateness_ppm.get(cell) or {0: 1_000_000}
    return {late: share for late, share in found.items() if share >= LEAST_SHARE_PPM}


def predicted(load: CellLoad, made: CellPlan, measured: Measured) -> list[int]:
    """Reports of the cell by minute after the plan, in thousandths: with those that come late as they do now."""
    own = expected(Counter(made.minute_of.values()), lateness_ppm(made.cell, measured))
    return [busy + ours for busy, ours in zip(load.other, own, strict=True)]


def show(
    candidates: Candidates, measured: Measured, capacities: Sequence[CellCapacity], wanted: PlanRequest
) -> ReportPlan:
    """The plan and what it makes of each cell and of the town."""
    town = planned(candidates, measured, capacities, wanted)
    cells: list[PlannedCell] = []
    curves: list[CellCurve] = []
    before_all, after_all = [0] * DAY_MIN, [0] * DAY_MIN
    moved_for: Counter[MoveReason] = Counter()
    for made in town.cells:
        inside = candidates.in_cell.get(made.cell, ())
        load = cell_load(made.cell, inside, measured, capacities, wanted)
        before, after = _mean(made.cell, measured), predicted(load, made, measured)
        before_all = [so_far + here for so_far, here in zip(before_all, before, strict=True)]
        after_all = [so_far + here for so_far, here in zip(after_all, after, strict=True)]
        moved_for.update(made.moved.values())
        curves.append(CellCurve(made.cell, _reports(before), _reports(after)))
        cells.append(
            PlannedCell(
                made.cell,
                _capacity(inside, capacities).network,
                len(inside),
                len(made.moved),
                len(made.unplaced),
                load.limit / ONE,
                max(made.before) / ONE,
                max(made.after) / ONE,
                share_in_ppm(load, load.meters, DEADLINE_MIN),
                share_in_ppm(load, made.minute_of, DEADLINE_MIN),
            )
        )
    busiest = {cell.cell for cell in sorted(cells, key=lambda cell: (-cell.peak_before, cell.cell))[:BUSIEST]}
    return ReportPlan(
        meters=sum(cell.meters for cell in cells),
        moved=sum(cell.moved for cell in cells),
        unplaced=sum(cell.unplaced for cell in cells),
        moved_for=dict(moved_for),
        left_out=dict(candidates.left_out),
        cells=cells,
        busiest=[curve for curve in curves if curve.cell in busiest],
        before_by_minute=_reports(before_all),
        after_by_minute=_reports(after_all),
    )


def _reports(curve: Sequence[int]) -> list[float]:
    return [value / ONE for value in curve]


def check_spreading(settings: Mapping[str, Any]) -> bool:
    """Whether what a product says of its spreading can be used: {"scheme": "none" | "a" | "b" | "c", "interval_s": 0…86400}."""
    said = settings.get(SPREADING)
    if said is None:
        return True
    if not isinstance(said, dict) or said.keys() - {"scheme", "interval_s"}:
        return False
    interval_s = said.get("interval_s", 0)
    is_whole = isinstance(interval_s, int) and not isinstance(interval_s, bool)
    return said.get("scheme", Scheme.NONE) in set(Scheme) and is_whole and 0 <= interval_s <= DAY_S
