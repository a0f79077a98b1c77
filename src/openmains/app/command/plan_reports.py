# SPDX-License-Identifier: Apache-2.0
"""Report times from the measured load of each cell (R2.2): a preview, and the batch that tells the meters."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.lead import MadeBatch, make_batch
from openmains.app.command.model import BatchFilter, BatchMeter, Key, NewBatch
from openmains.app.command.ports import CommandStore, StopSwitch
from openmains.app.fleet.model import AreaRef, ProductRef
from openmains.app.identity.model import Actor
from openmains.app.unit_of_work import Store
from openmains.domain.command.kinds import Kind
from openmains.domain.command.planner import CellLoad, CellPlan, plan_cell, share_in_ppm
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, zone

DEADLINE_MIN = 8 * 60
WEEK_S = 7 * DAY_S


class CellLoads(Protocol):
    """Measured load."""

    async def by_minute(
        self, tenant_id: TenantId, from_s: int, to_s: int, midnight_s: int
    ) -> Mapping[int, Mapping[int, int]]:
        """Messages of a cell → minute after local midnight → mean number a day, rounded up."""

    async def usual_minute(self, tenant_id: TenantId, from_s: int, to_s: int, midnight_s: int) -> Mapping[int, int]:
        """Minute after local midnight at which each meter's first message of a day usually comes."""


class PlanRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which meters to spread, and what a cell carries a minute."""

    limit_per_min: Annotated[int, Meta(ge=1, le=100_000)]
    area_id: AreaRef | None = None
    product_id: ProductRef | None = None


class ApplyPlan(PlanRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, with the name and key of the batch."""

    unique_key: Key
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "report times"


class PlannedCell(Struct, frozen=True):
    """A cell before and after; ``unplaced`` meters do not fit into the night at this limit."""

    cell: int
    meters: int
    moved: int
    unplaced: int
    peak_before: int
    peak_after: int
    in_by_eight_before_ppm: int
    in_by_eight_after_ppm: int


class ReportPlan(Struct, frozen=True):
    """The whole plan; the curves are reports by minute from 00:00 to 08:00."""

    meters: int
    moved: int
    unplaced: int
    cells: list[PlannedCell]
    before_by_minute: list[int]
    after_by_minute: list[int]


async def plan(
    store: Store, loads: CellLoads, actor: Actor, wanted: PlanRequest, now_s: int
) -> tuple[ReportPlan, list[CellPlan]]:
    """Compute it from the last seven days."""
    place = zone(actor.zone)
    midnight_s = place.start_of(place.day_of(now_s))
    async with store.tenant(actor.tenant_id) as work:
        meters = await work[CommandStore].cell_meters(wanted.area_id, wanted.product_id)
    by_minute = await loads.by_minute(actor.tenant_id, midnight_s - WEEK_S, midnight_s, midnight_s)
    usual = await loads.usual_minute(actor.tenant_id, midnight_s - WEEK_S, midnight_s, midnight_s)
    in_cell: dict[int, dict[int, int | None]] = {}
    for cell, meter_id, _ in meters:
        in_cell.setdefault(cell, {})[meter_id] = usual.get(meter_id)
    cells: list[PlannedCell] = []
    plans: list[CellPlan] = []
    before, after = [0] * DEADLINE_MIN, [0] * DEADLINE_MIN
    for cell, present in sorted(in_cell.items()):
        load = CellLoad(cell, present, wanted.limit_per_min, _others(by_minute.get(cell, {}), present))
        made = plan_cell(load, DEADLINE_MIN)
        plans.append(made)
        was = [minute for minute in present.values() if minute is not None]
        becomes = list(made.minute_of.values())
        for curve, minutes in ((before, was), (after, becomes)):
            for minute in minutes:
                if minute < DEADLINE_MIN:
                    curve[minute] += 1
        cells.append(
            PlannedCell(
                cell,
                len(present),
                len(made.moved),
                len(made.unplaced),
                made.peak_before,
                made.peak_after,
                share_in_ppm(was, wanted.limit_per_min, DEADLINE_MIN, load.other),
                share_in_ppm(becomes, wanted.limit_per_min, DEADLINE_MIN, load.other),
            )
        )
    moved, unplaced = sum(item.moved for item in cells), sum(item.unplaced for item in cells)
    return ReportPlan(len(meters), moved, unplaced, cells, before, after), plans


def _others(measured: Mapping[int, int], present: Mapping[int, int | None]) -> Sequence[int]:
    """What the cell carries beside the meters that are planned."""
    other = [measured.get(minute, 0) for minute in range(DEADLINE_MIN)]
    for minute in present.values():
        if minute is not None and minute < DEADLINE_MIN and other[minute] > 0:
            other[minute] -= 1
    return other


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
    _, plans = await plan(store, loads, actor, wanted, now_s)
    meters = [
        BatchMeter(MeterId(meter_id), {"values": {"report_time": made.minute_of[meter_id] * 60 + place % 60}})
        for made in plans
        for place, meter_id in enumerate(made.moved)
    ]
    # cells take turns, so that the first groups of the batch are spread over all of them
    meters.sort(key=lambda meter: meter.meter_id * 2_654_435_761 % 2**32)
    batch = NewBatch(
        name=wanted.name, kind=Kind.SET_PARAMETERS, unique_key=wanted.unique_key, chosen=BatchFilter(numbers=[])
    )
    return await make_batch(store, None, switch, drivers, actor, batch, None, meters)
