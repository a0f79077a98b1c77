# SPDX-License-Identifier: Apache-2.0
"""Insert a file of values (ADR 0049): read → check rows → hold against what is stored → into the stream.

All or nothing, unless ``partial``: the whole file is looked at before the first value is sent, and then once more while it is sent; so a
fault in the last row leaves everything as it was. Nothing of it is held in memory but a chunk of meters. A killed insertion goes on where
it stood: what was sent is stored, and is not new any more. The stream holds no more of it at a time than one block: meters are
answered meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openmains.app.fleet.imports.import_meters import ImportCancelled
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.bulk.export import wanted_values
from openmains.app.readings.bulk.insert.message import MOST_VALUES, DayOf, Inserted, LoggedOf, RunOf, insert_uplink
from openmains.app.readings.bulk.insert.plan import Known, MeterPlan, plan_meter
from openmains.app.readings.bulk.insert.ports import InsertMeters, InsertStore
from openmains.app.readings.bulk.insert.reader import ValueChunk, ValueOrders, reading
from openmains.app.readings.bulk.insert.value_row import ValueFault, ValueRow
from openmains.app.readings.bulk.ports import BulkMeter
from openmains.app.readings.manual.model import ReadMeter
from openmains.app.readings.manual.take import limits_of_meter
from openmains.app.readings.quantities import REGISTER, VOLUME
from openmains.domain.ids import MeterId, ProductId, TenantId, UserId
from openmains.domain.period import Zone, zone
from openmains.domain.quantity import LITRE_EXPONENT
from openmains.domain.readings.model import Limits

INSERT = "value_import"
MOST_FAULTS = 10_000
AT_ONCE = 100_000  # values that are compared at once
METERS = 1_000
BLOCK = 200  # messages that wait in the stream at most
PAUSE_S = 0.2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class InsertRequest:
    """Whose file, and how it is taken. ``name``: as it was uploaded, the reason of the versions it makes."""

    path: Path
    name: str
    tenant_id: TenantId
    user_id: UserId
    job_id: int
    zone: str
    partial: bool
    preview: bool


@dataclass(slots=True)
class InsertResult:
    """Counts and faults. ``applied`` is False for a preview, and when an all-or-nothing file had a fault."""

    rows: int = 0
    taken: int = 0
    unchanged: int = 0
    rejected: int = 0
    faults: list[ValueFault] = field(default_factory=list)  # the first MOST_FAULTS as they were found
    ignored: list[str] = field(default_factory=list)
    applied: bool = False

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.taken, "unchanged": self.unchanged, "rejected": self.rejected,
            "errors": self.rejected, "applied": self.applied, "ignored": self.ignored,
        }  # fmt: skip


class BulkInsert:
    """One file."""

    def __init__(
        self,
        task: InsertRequest,
        meters: InsertMeters,
        store: InsertStore,
        stream: UplinkReplay,
        exponents: Mapping[str, int],
        now_us: Callable[[], int],
        *,
        progress: Progress = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._task, self._meters, self._store, self._stream = task, meters, store, stream
        self._exponents, self._now_us, self._pause = exponents, now_us, pause
        self._progress, self._should_stop = progress, should_stop
        self._place: Zone = zone(task.zone)
        self._grids: Mapping[ProductId, int] = {}
        self._last_us = 0

    async def run(self) -> InsertResult:
        """Raises ``HeaderError`` for a file that can not be read, ``ImportCancelled``."""
        task = self._task
        self._grids = await self._meters.grids(task.tenant_id)
        if task.partial and not task.preview:
            result = await self._pass(sends=True)
        else:
            result = await self._pass(sends=False)
            if not task.preview and not result.rejected:
                result = await self._pass(sends=True)
        result.applied = not task.preview and (task.partial or not result.rejected)
        if not result.applied and not task.preview:
            result.taken = result.unchanged = 0
        result.faults.sort(key=lambda fault: fault.row)
        return result

    async def _pass(self, *, sends: bool) -> InsertResult:
        result, done = InsertResult(), 0
        async with reading(ValueOrders(str(self._task.path), self._task.zone)) as chunks:
            async for chunk in chunks:
                if self._should_stop():
                    raise ImportCancelled
                if chunk.read or chunk.ignored:
                    result.rows, result.ignored = chunk.read, chunk.ignored
                    result.rejected += chunk.fault_count
                    result.faults += chunk.faults
                await self._chunk(chunk, result, sends=sends)
                done += sum(len(rows) for _, rows in chunk.meters)
                self._progress(done, max(done, result.rows))
        return result

    async def _chunk(self, chunk: ValueChunk, result: InsertResult, *, sends: bool) -> None:
        for first in range(0, len(chunk.meters), METERS):
            part = dict(chunk.meters[first : first + METERS])
            found = {meter.number: meter for meter in await self._meters.meters(self._task.tenant_id, sorted(part))}
            for number in part.keys() - found.keys():
                self._refuse(result, [ValueFault(row.row, "number", number, "unknown_meter") for row in part[number]])
            plans = await self._plans(sorted(found.values(), key=lambda meter: meter.meter_id), part)
            for plan in plans.values():
                result.taken += plan.taken
                result.unchanged += plan.unchanged
                self._refuse(result, plan.faults)
            if sends:
                await self._send([(found[number], plan) for number, plan in plans.items() if not plan.is_empty])

    @staticmethod
    def _refuse(result: InsertResult, faults: Sequence[ValueFault]) -> None:
        result.rejected += len(faults)
        result.faults += faults[: max(0, MOST_FAULTS - len(result.faults))]

    async def _plans(self, meters: Sequence[ReadMeter], part: Mapping[str, Sequence[ValueRow]]) -> dict[str, MeterPlan]:
        """By meter number; what is stored is asked for by so many meters that an answer stays small."""
        if not meters:
            return {}
        rows = [row for meter in meters for row in part[meter.number]]
        left, right = min(row.at for row in rows), max(row.at for row in rows) + 1
        wanted = wanted_values(sorted({row.point for row in rows}), left, right, self._task.zone)
        counts = await self._store.value_counts(self._task.tenant_id, [meter.meter_id for meter in meters], wanted)
        now_s = self._now_us() // 1_000_000
        plans: dict[str, MeterPlan] = {}
        for some in _pieces(meters, counts):
            asked = [BulkMeter(meter.meter_id, meter.number, self._exponent(meter), meter.dial) for meter in some]
            known = await self._store.known(self._task.tenant_id, asked, wanted)
            days = sorted({
                (meter.meter_id, day + beside)
                for meter in some
                for day in {self._place.day_of(row.at) for row in part[meter.number] if row.point in (VOLUME, REGISTER)}
                for beside in (-1, 0, 1)
            })  # fmt: skip
            stored = await self._store.stored_rows(self._task.tenant_id, days) if days else {}
            for meter in some:
                of_meter: Known = known.get(meter.meter_id, {})
                plans[meter.number] = plan_meter(
                    meter, self._exponent(meter), self._limits(meter), part[meter.number], of_meter,
                    stored.get(meter.meter_id, {}), self._place, now_s,
                )  # fmt: skip
                await asyncio.sleep(0)
        return plans

    def _exponent(self, meter: ReadMeter) -> int:
        return self._exponents.get(meter.driver, LITRE_EXPONENT)

    def _limits(self, meter: ReadMeter) -> Limits:
        limits = limits_of_meter(meter, self._exponent(meter), self._place)
        interval_s = self._grids.get(meter.product_id, 1_800)
        return Limits(
            limits.qmax_per_h,
            limits.dial,
            limits.ceiling,
            limits.installed_at,
            interval_s=interval_s,
            cadence_s=interval_s,
        )

    async def _send(self, plans: Sequence[tuple[ReadMeter, MeterPlan]]) -> None:
        waiting: list[Uplink] = []
        for meter, plan in plans:
            for word in self._words(plan):
                self._last_us = max(self._last_us + 1, self._now_us())
                waiting.append(
                    insert_uplink(word, meter.meter_id, self._task.tenant_id, meter.product_id, self._last_us)
                )
                if len(waiting) == BLOCK:
                    await self._through(waiting)
                    waiting = []
        if waiting:
            await self._through(waiting)

    async def _through(self, uplinks: Sequence[Uplink]) -> None:
        """Into the stream, a message of it at a time, until all are applied."""
        for uplink in uplinks:
            await self._stream.replay([uplink])
        keys = [(MeterId(uplink.meter_id), uplink.received_us) for uplink in uplinks]
        while await self._store.applied(self._task.tenant_id, keys) < len(keys):
            if self._should_stop():
                raise ImportCancelled
            await self._pause(PAUSE_S)

    def _words(self, plan: MeterPlan) -> Iterator[Inserted]:
        runs: list[RunOf] = []
        logged: list[LoggedOf] = []
        days: list[DayOf] = []
        instants: set[int] = set()  # of logged ones: a version has one row of each
        held = 0
        items: list[RunOf | LoggedOf | DayOf] = [*plan.runs, *plan.logged, *plan.days]
        for item in items:
            size = len(item.values) if not isinstance(item, DayOf) else len(item.increments)
            is_another = isinstance(item, LoggedOf) and item.at in instants
            if held and (held + size > MOST_VALUES or is_another):
                yield self._word(runs, logged, days)
                runs, logged, days, held = [], [], [], 0
                instants.clear()
            if isinstance(item, RunOf):
                runs.append(item)
            elif isinstance(item, LoggedOf):
                logged.append(item)
                instants.add(item.at)
            else:
                days.append(item)
            held += size
        yield self._word(runs, logged, days)

    def _word(self, runs: list[RunOf], logged: list[LoggedOf], days: list[DayOf]) -> Inserted:
        return Inserted(self._task.user_id, self._task.job_id, self._task.name, runs, logged, days)


def _pieces(meters: Sequence[ReadMeter], counts: Mapping[int, int]) -> Iterator[list[ReadMeter]]:
    some: list[ReadMeter] = []
    held = 0
    for meter in meters:
        count = counts.get(meter.meter_id, 0)
        if some and held + count > AT_ONCE:
            yield some
            some, held = [], 0
        some.append(meter)
        held += count
    if some:
        yield some
