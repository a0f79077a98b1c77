# SPDX-License-Identifier: Apache-2.0
"""Import a file of readings: read → check rows → find the meters → the ledger, in one transaction; then into the stream.

All or nothing, unless ``partial``: then good rows go in and bad ones are reported. A killed import leaves nothing, or, once its
transaction is committed, goes on where it stood: the ledger knows what was not sent. Where its job was given up there, the same
file again, as another job, takes those readings over and sends them. Else the same file again changes nothing: a reading that is
there is not entered again, and neither is a register that is stored already, whoever said it – so what this system exports
it takes back without a change.

A meter's readings go into the stream in the order in which they were read, whatever the order of the file, and no more of
them wait there at a time than ``AHEAD``: meters are answered meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openmains.app.fleet.imports.import_meters import MOST_ERRORS, ImportCancelled
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.readings.manual.message import manual_uplink
from openmains.app.readings.manual.model import NewManualReading, ReadMeter
from openmains.app.readings.manual.ports import KnownRegisters, ManualImport
from openmains.app.readings.manual.reader import ReadingChunk, ReadingOrders, reading
from openmains.app.readings.manual.reading_row import ReadingError, ReadingRow
from openmains.app.readings.manual.take import limits_of_meter
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import zone
from openmains.domain.quantity import LITRE_EXPONENT, to_m3
from openmains.domain.readings.manual import reading_fault, units_of
from openmains.domain.readings.model import Limits

IMPORT = "reading_import"
AHEAD = 10_000
SENT_AT_ONCE = 2_000
PAUSE_S = 0.2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ReadingRequest:
    """Whose file, and how it is taken. ``author_id``: who uploaded it; ``time``: of dates without one (HH:MM, or empty)."""

    path: Path
    tenant_id: TenantId
    author_id: UserId
    job_id: int
    zone: str
    time: str
    now_us: int
    partial: bool
    preview: bool


@dataclass(slots=True)
class ReadingResult:
    """Counts and errors of one import. ``applied`` is False when an all-or-nothing file had an error, and for a preview."""

    rows: int = 0
    taken: int = 0
    unchanged: int = 0
    rejected: int = 0  # rows with at least one error
    error_count: int = 0
    errors: list[ReadingError] = field(default_factory=list)  # the first MOST_ERRORS in the order of rows
    ignored: list[str] = field(default_factory=list)
    applied: bool = False

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.taken, "unchanged": self.unchanged, "rejected": self.rejected,
            "errors": self.error_count, "applied": self.applied, "ignored": self.ignored,
        }  # fmt: skip


async def import_readings(
    task: ReadingRequest,
    store: ManualImport,
    registers: KnownRegisters,
    exponents: Mapping[str, int],
    *,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ReadingResult:
    """Into the ledger; ``send_readings`` follows. ``exponents``: unit by driver.

    Raises ``HeaderError`` for a file that can not be read, ``ImportCancelled``; whatever the store raises leaves the ledger as it was.
    """
    result = ReadingResult()
    await store.begin(task.tenant_id, task.author_id, task.job_id, task.now_us)
    entry = _Entry(task, store, registers, exponents, result)
    try:
        async with reading(ReadingOrders(str(task.path), task.zone, task.time)) as chunks:
            async for chunk in chunks:
                if should_stop():
                    raise ImportCancelled
                result.ignored += chunk.ignored
                await entry.take(chunk)
                progress(result.rows, max(chunk.total, result.rows))
        result.applied = not task.preview and (task.partial or not result.error_count)
        if not result.applied:
            await store.rollback()
            if not task.preview:
                result.taken = result.unchanged = 0
        else:
            await store.commit()
    except BaseException:
        await store.rollback()
        raise
    return result


async def send_readings(
    job_id: int,
    store: ManualImport,
    stream: UplinkReplay,
    now_us: Callable[[], int],
    *,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], Any] = asyncio.sleep,
) -> int:
    """Put what an import committed and has not sent into the stream; how many. Raises ``ImportCancelled``: it can be gone on with."""
    sent = 0
    while waiting := await store.waiting(job_id, SENT_AT_ONCE):
        while await store.unapplied(job_id) > AHEAD:
            if should_stop():
                raise ImportCancelled
            await pause(PAUSE_S)
        if should_stop():
            raise ImportCancelled
        await stream.replay([manual_uplink(one) for one in waiting])
        await store.sent([one.reading_id for one in waiting], now_us())
        sent += len(waiting)
        progress(sent, sent)
    return sent


class _Entry:
    """One file on its way into the ledger."""

    def __init__(
        self,
        task: ReadingRequest,
        store: ManualImport,
        registers: KnownRegisters,
        exponents: Mapping[str, int],
        result: ReadingResult,
    ) -> None:
        self._task, self._store, self._registers, self._exponents, self._result = (
            task,
            store,
            registers,
            exponents,
            result,
        )
        self._place = zone(task.zone)
        self._limits: dict[tuple[str, int, int, int], Limits] = {}

    async def take(self, chunk: ReadingChunk) -> None:
        """Enter the good rows of a chunk; the others are in the result's errors."""
        errors, result, task = chunk.errors, self._result, self._task
        numbers = {row.number for row in chunk.rows if row.number}
        codes = {row.bar_code for row in chunk.rows if row.bar_code}
        found = await self._store.meters(sorted(numbers), sorted(codes))
        by_number = {meter.number: meter for meter in found}
        by_code: dict[str, list[ReadMeter]] = {}
        for meter in found:
            by_code.setdefault(meter.bar_code, []).append(meter)
        fit: dict[tuple[MeterId, int], tuple[ReadingRow, NewManualReading, ReadMeter]] = {}
        unchanged = 0
        for row in chunk.rows:
            checked = self._checked(row, by_number, by_code, chunk.headers)
            if isinstance(checked, ReadingError):
                errors.append(checked)
                continue
            meter, new = checked
            twin = fit.get((new.meter_id, new.at))
            if twin is None:
                fit[new.meter_id, new.at] = (row, new, meter)
            elif twin[1].register == new.register:
                unchanged += 1
            else:
                errors.append(self._twice(row, chunk, str(twin[0].row)))
        stored = await self._registers.known(task.tenant_id, list(fit)) if fit else {}
        fresh = [new for key, (_, new, _) in fit.items() if new.register not in stored.get(key, ())]
        unchanged += len(fit) - len(fresh)
        taken = 0
        there = await self._store.add(fresh) if fresh else []
        for meter_id, at, register, job_id in there:
            row, new, meter = fit[meter_id, at]
            if register != new.register:
                known = f"{to_m3(register, self._exponents.get(meter.driver, LITRE_EXPONENT)):f} m³"
                errors.append(ReadingError(row.row, chunk.headers["register"], _m3(row), "reading_differs", known))
            elif job_id == task.job_id:
                taken += 1
            else:
                unchanged += 1
        bad = len({error.row for error in errors})
        result.rows += chunk.read
        result.taken += taken
        result.unchanged += unchanged
        result.rejected += bad
        result.error_count += len(errors)
        errors.sort(key=lambda error: error.row)
        result.errors.extend(errors[: MOST_ERRORS - len(result.errors)])

    def _twice(self, row: ReadingRow, chunk: ReadingChunk, other: str) -> ReadingError:
        return ReadingError(row.row, chunk.headers["register"], _m3(row), "duplicate_in_file", f"# {other}")

    def _checked(
        self,
        row: ReadingRow,
        by_number: Mapping[str, ReadMeter],
        by_code: Mapping[str, Sequence[ReadMeter]],
        headers: Mapping[str, str],
    ) -> tuple[ReadMeter, NewManualReading] | ReadingError:
        task, name = self._task, "number" if row.number else "bar_code"
        if row.number:
            meter = by_number.get(row.number)
            if meter is not None and row.bar_code and meter.bar_code != row.bar_code:
                return ReadingError(row.row, headers["bar_code"], row.bar_code, "bar_code_differs")
        else:
            of_code = by_code.get(row.bar_code, ())
            if len(of_code) > 1:
                return ReadingError(row.row, headers["bar_code"], row.bar_code, "bar_code_twice")
            meter = of_code[0] if of_code else None
        if meter is None:
            return ReadingError(row.row, headers[name], row.number or row.bar_code, "unknown_meter")
        if meter.kind != DeviceKind.METER:
            return ReadingError(row.row, headers[name], row.number or row.bar_code, "no_registers")
        exponent = self._exponents.get(meter.driver, LITRE_EXPONENT)
        read = units_of(row.coefficient, row.decimals, exponent)
        fault = reading_fault(
            row.at, read, self._limits_of(meter, exponent), meter.removed_day, task.now_us // 1_000_000, self._place
        )
        if fault is not None or read is None:
            is_value = fault in ("beyond-dial", "too-many-decimals")
            value = _m3(row) if is_value else self._place.iso(row.at)
            return ReadingError(row.row, headers["register" if is_value else "at"], value, str(fault))
        new = NewManualReading(meter.meter_id, row.at, read.register, read.digit, row.note, task.author_id, task.now_us)
        return meter, new

    def _limits_of(self, meter: ReadMeter, exponent: int) -> Limits:
        key = (meter.driver, meter.qmax_l_h, meter.dial, meter.installed_day)
        found = self._limits.get(key)
        if found is None:
            if len(self._limits) > 50_000:
                self._limits.clear()
            found = self._limits[key] = limits_of_meter(meter, exponent, self._place)
        return found


def _m3(row: ReadingRow) -> str:
    return f"{to_m3(row.coefficient, -row.decimals):f}"
