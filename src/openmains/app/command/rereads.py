# SPDX-License-Identifier: Apache-2.0
"""Days that were due and are not well are asked for again (R6.3, ADR 0024): the worker's part.

    find   each piece of the collection report, once it is kept: who is not (fully) there becomes a gap
    step   each meter with open gaps that spoke meanwhile: what is stored of its days, what its task wants, what
           ``domain/readings/rereads.py`` makes of that, written in one transaction with the commands it gives

Killed anywhere it goes on where it was: a gap is written once for meter and day, a command has a key of meter, span and try, and a gap
moves only from the state it was seen in.
"""

from collections.abc import Callable, Mapping, Sequence

from openmains.app.command.give import content_of
from openmains.app.command.reread_ports import DraftedReread, GapCommands, GapMeter, GapSlots, RereadStore
from openmains.app.readings.report.build import NOT_RECEIVED
from openmains.app.readings.report.collection import AsOf, Labels
from openmains.app.readings.report.ports import DayStore, LabelStore
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import AreaId, CommandId, TenantId
from openmains.domain.period import DAY_S, zone
from openmains.domain.readings.expected import due_at
from openmains.domain.readings.rereads import (
    CELL_WINDOW_S,
    KEPT_DAYS,
    CellBudget,
    GapEvent,
    GapMove,
    MeterFacts,
    RereadRequest,
    decide,
)
from openmains.domain.readings.tasks import Level, Place, Task, chain_of, line_of, wanted_on

PAGE = 20_000
METERS = 2_000  # of one transaction
MayBeAsked = Callable[[str], bool]  # driver → whether it has a command for it


async def find_gaps(
    tenants: Sequence[tuple[TenantId, str, int]], days: DayStore, names: LabelStore, store: RereadStore, now_s: int
) -> int:
    """Write down what is not well of the pieces that were kept since. Returns how many gaps are new."""
    found = 0
    for tenant_id, zone_key, _ in tenants:
        first = zone(zone_key).day_of(now_s) - KEPT_DAYS - 31
        pieces = await store.unscanned(tenant_id, first)
        if not pieces:
            continue
        labels = await names.labels(tenant_id)
        for piece in pieces:
            due_s, after = due_at(piece.day, piece.mode, labels.zone), 0
            asked = labels.asked(piece.day, AsOf(now_s))
            while True:
                page = await days.missing(tenant_id, asked, after, PAGE, NOT_RECEIVED)
                meters = [meter.meter_id for meter in page if meter.mode is piece.mode]
                is_last = len(page) < PAGE
                found += await store.add_gaps(tenant_id, piece, due_s, meters, now_s, is_last=is_last)
                if is_last:
                    break
                after = page[-1].meter_id
    return found


async def step_gaps(
    names: LabelStore,
    slots: GapSlots,
    store: RereadStore,
    commands: GapCommands,
    may_be_asked: MayBeAsked,
    now_us: int,
) -> int:
    """One look at all gaps whose meters spoke. Returns how many commands were drafted."""
    now_s, after, drafted = now_us // 1_000_000, 0, 0
    cells = CellBudget(await store.cells(now_s - CELL_WINDOW_S))
    labels: dict[TenantId, _Tenant] = {}
    while meters := await store.meters(after, METERS, now_s):
        after = meters[-1].meter_id
        moves: list[GapMove] = []
        asks: list[DraftedReread] = []
        done: list[CommandId] = []
        for tenant_id in {meter.tenant_id for meter in meters}:
            if tenant_id not in labels:
                labels[tenant_id] = _Tenant(await names.labels(tenant_id))
            own = [meter for meter in meters if meter.tenant_id == tenant_id]
            stored = await slots.slots(tenant_id, [(meter.meter_id, gap.day) for meter in own for gap in meter.gaps])
            for meter in own:
                of_meter = {gap.day: stored[key] for gap in meter.gaps if (key := (meter.meter_id, gap.day)) in stored}
                facts = labels[tenant_id].facts(meter, now_s, can_be_asked=may_be_asked(meter.driver))
                moved, given = decide(meter.gaps, of_meter, facts, cells, now_s)
                moves += moved
                asks += [draft_of(meter, asked, now_s) for asked in given]
                done += unneeded(meter, moved)
        drafted += await store.write(meters, moves, asks, now_us)
        if done:
            await commands.cancel(done, now_us)
    return drafted


def draft_of(meter: GapMeter, asked: RereadRequest, now_s: int) -> DraftedReread:
    """The command of a re-read; its key names meter, span, try and day."""
    key = f"reread:{meter.meter_id}:{asked.since_s}:{asked.until_s}:{asked.tries}:{now_s // DAY_S}"
    return DraftedReread(meter, asked, key, content_of(meter.meter_id, Kind.READ_INTERVALS, params_of(asked)))


def unneeded(meter: GapMeter, moves: Sequence[GapMove]) -> list[CommandId]:
    """Commands of which every day came meanwhile: what was not sent yet is not asked."""
    over = {move.gap.day for move in moves if move.event in (GapEvent.FILL, GapEvent.CLOSE)}
    left = {gap.command_id for gap in meter.gaps if gap.day not in over}
    return sorted({gap.command_id for gap in meter.gaps if gap.command_id is not None} - left)


class _Tenant:
    """A tenant's tasks, at hand by the meters they speak of."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._own: dict[int, list[Task]] = {}
        self._general = [task for task in labels.tasks if task.level is not Level.METER]
        for task in labels.tasks:
            if task.level is Level.METER and task.target is not None:
                self._own.setdefault(task.target, []).append(task)
        self._lines: dict[int, list[AreaId]] = {}

    def facts(self, meter: GapMeter, now_s: int, *, can_be_asked: bool) -> MeterFacts:
        """What decides about this meter's gaps today."""
        line = self._lines.get(meter.area_id)
        if line is None:
            line = self._lines[meter.area_id] = line_of(meter.area_id, self._labels.above)
        tasks = [*self._general, *self._own.get(meter.meter_id, ())]
        wanted = wanted_on(
            chain_of(tasks, Place(line, meter.product_id, meter.meter_id)), self._labels.zone.day_of(now_s)
        )
        asked = None if wanted.frequency is None else wanted.frequency.mode
        return MeterFacts(
            mode=meter.own_mode or asked or meter.product_mode,
            need=wanted.need,
            remedy=wanted.remedy,
            rereads_a_month=wanted.rereads_a_month,
            can_be_asked=can_be_asked and not meter.is_held_back,
            is_removed=meter.is_removed,
            last_seen_s=meter.last_seen_s,
            known_s=meter.known_s,
            asked=meter.asked_this_month,
            cell=meter.cell,
            freeze_s=meter.freeze_s,
            read_s=meter.read_s,
        )


def params_of(asked: RereadRequest) -> Mapping[str, int]:
    """Of its command."""
    return {"since": asked.since_s, "until": asked.until_s}
