# SPDX-License-Identifier: Apache-2.0
"""Import a registry file: read → check rows → find repeats → stage → check against the registry → apply, chunk by chunk.

Everything happens in one transaction of the store, so a killed import leaves nothing. The next chunk is read and checked
in a thread while the store works on the one before: on two cores the slower of the two decides, not their sum.

The same file twice changes nothing: a row is compared by content with what is stored.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from openmains.app.fleet_import.ports import RegistryImport
from openmains.app.fleet_import.table import Table, open_table
from openmains.app.report.cells import csv_bytes
from openmains.app.search import fields_of, grams_of, search_text
from openmains.domain.fleet.meter_row import MeterRow, RowCheck, RowError

CHUNK_ROWS = 25_000
MOST_ERRORS = 10_000  # kept in the report; all are counted

Progress = Callable[[int, int], None]


class ImportCancelled(Exception):
    """``should_stop`` said so; nothing was changed."""


@dataclass(slots=True)
class ImportResult:
    """Counts and errors of one import. ``applied`` is False when an all-or-nothing file had an error."""

    rows: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0  # rows with at least one error
    error_count: int = 0
    errors: list[RowError] = field(default_factory=list)  # the first MOST_ERRORS in the order of rows
    areas_created: int = 0
    applied: bool = False
    meter_ids: "array[int]" = field(default_factory=lambda: array("q"))  # new and changed meters

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged,
            "rejected": self.rejected, "errors": self.error_count, "areas_created": self.areas_created,
            "applied": self.applied,
        }  # fmt: skip


@dataclass(slots=True)
class _Chunk:
    rows: list[MeterRow]
    errors: list[RowError]
    read: int
    texts: list[str] = field(default_factory=list)
    grams: list[list[int]] = field(default_factory=list)


class _Repeats:
    """Repeats within the file, by number, IMEI and customer. About 250 MB for a million rows."""

    def __init__(self, check: RowCheck) -> None:
        self._check = check
        self._numbers: dict[str, int] = {}
        self._imeis: dict[int, int] = {}
        self._customers: dict[str, tuple[int, int]] = {}

    def find(self, row: MeterRow) -> RowError | None:
        """The error, or None and the row is remembered."""
        other = self._numbers.get(row.number)
        if other is not None:
            return RowError(row.row, self._check.header_of("number"), row.number, "duplicate_in_file", other)
        if row.imei is not None:
            other = self._imeis.get(row.imei)
            if other is not None:
                header = self._check.header_of("imei")
                return RowError(row.row, header, f"{row.imei:015d}", "duplicate_in_file", other)
        if row.customer_code is not None:
            mark = hash((row.customer_name, row.phone, row.address, row.is_protected))
            known = self._customers.setdefault(row.customer_code, (mark, row.row))
            if known[0] != mark:
                header = self._check.header_of("customer_code")
                return RowError(row.row, header, row.customer_code, "customer_differs", known[1])
        self._numbers[row.number] = row.row
        if row.imei is not None:
            self._imeis[row.imei] = row.row
        return None


def _read_chunk(table: Table, check: RowCheck, repeats: _Repeats) -> _Chunk | None:
    rows: list[MeterRow] = []
    errors: list[RowError] = []
    read = 0
    for number, cells in table.rows:
        read += 1
        found = check.check(number, cells)
        if isinstance(found, MeterRow):
            repeat = repeats.find(found)
            if repeat is None:
                rows.append(found)
            else:
                errors.append(repeat)
        else:
            errors.extend(found)
        if read == CHUNK_ROWS:
            break
    if not read:
        return None
    chunk = _Chunk(rows, errors, read)
    chunk.texts = [
        search_text(
            fields_of(r.number, r.bar_code or "", r.imei, r.customer_name or "", r.phone or "", r.address or "")
        )
        for r in rows
    ]
    found_grams, starts = grams_of(chunk.texts)
    values, bounds = found_grams.tolist(), starts.tolist()
    chunk.grams = [values[bounds[i] : bounds[i + 1]] for i in range(len(rows))]
    return chunk


async def import_meters(
    path: Path,
    tenant_id: int,
    store: RegistryImport,
    *,
    today: date,
    partial: bool = False,
    create_areas: bool = False,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ImportResult:
    """Import a file. All or nothing, unless ``partial``: then good rows go in and bad ones are reported.

    ``today`` is the newest installation date allowed. Raises ``HeaderError`` for a file that can not be read,
    ``ImportCancelled``; whatever the store raises leaves the registry as it was.
    """
    table = await asyncio.to_thread(open_table, path)
    check = RowCheck(table.header, today)
    repeats = _Repeats(check)
    result = ImportResult()
    await store.begin(tenant_id)
    try:
        products, areas = await store.products(), await store.areas()
        coming = asyncio.create_task(asyncio.to_thread(_read_chunk, table, check, repeats))
        try:
            while (chunk := await coming) is not None:
                coming = asyncio.create_task(asyncio.to_thread(_read_chunk, table, check, repeats))
                if should_stop():
                    raise ImportCancelled
                if create_areas:
                    fresh = sorted({row.area for row in chunk.rows} - areas.keys())
                    if fresh:
                        areas |= await store.create_areas(fresh)
                        result.areas_created += len(fresh)
                await _import_chunk(chunk, store, check, products, areas, result, partial=partial)
                progress(result.rows, max(table.total, result.rows))
        finally:
            await asyncio.wait([coming])  # the thread reads the file; it must end before the file may go
        if result.error_count and not partial:
            await store.rollback()
            result.inserted = result.updated = result.unchanged = result.areas_created = 0
            del result.meter_ids[:]
        else:
            if should_stop():
                raise ImportCancelled
            await store.commit()
            result.applied = True
    except BaseException:
        await store.rollback()
        raise
    return result


async def _import_chunk(
    chunk: _Chunk,
    store: RegistryImport,
    check: RowCheck,
    products: dict[str, int],
    areas: dict[str, int],
    result: ImportResult,
    *,
    partial: bool,
) -> None:
    errors = chunk.errors
    staged = []
    by_line: dict[int, MeterRow] = {}
    for row, text, grams in zip(chunk.rows, chunk.texts, chunk.grams, strict=True):
        product, area = products.get(row.product), areas.get(row.area)
        if product is None:
            errors.append(RowError(row.row, check.header_of("product"), row.product, "unknown_product"))
        if area is None:
            errors.append(RowError(row.row, check.header_of("area"), row.area, "unknown_area"))
        if product is not None and area is not None:
            by_line[row.row] = row
            staged.append((
                row.row, row.number, row.bar_code, row.imei, row.imsi, row.iccid, product, area, row.customer_code,
                row.customer_name, row.phone, row.address, row.is_protected, row.place, row.dn, row.qmax_l_h,
                row.installed_on, text, grams,
            ))  # fmt: skip
    for conflict in await store.stage(staged):
        row = by_line[conflict.line]
        value = f"{row.imei:015d}" if conflict.column == "imei" and row.imei is not None else row.number
        errors.append(RowError(row.row, check.header_of(conflict.column), value, conflict.reason))
    bad = len({error.row for error in errors})
    result.rows += chunk.read
    result.rejected += bad
    result.error_count += len(errors)
    errors.sort(key=lambda error: error.row)
    result.errors.extend(errors[: MOST_ERRORS - len(result.errors)])
    if result.error_count and not partial:
        return  # nothing will be kept: only look for further errors
    applied = await store.apply()
    result.inserted += len(applied.inserted)
    result.updated += len(applied.updated)
    result.unchanged += chunk.read - bad - len(applied.inserted) - len(applied.updated)
    result.meter_ids.extend(meter_id for _, meter_id in applied.inserted)
    result.meter_ids.extend(meter_id for _, meter_id in applied.updated)


def error_report(result: ImportResult, locale: str) -> Iterator[bytes]:
    """The errors as CSV: row, column, value, reason in ``zh`` or ``en``, and its code."""

    def rows() -> Iterator[list[object]]:
        yield ["行", "列", "值", "原因", "代码"] if locale == "zh" else ["row", "column", "value", "reason", "code"]
        for error in result.errors:
            yield [error.row, error.column, error.value, error.text(locale), error.reason]
        left_out = result.error_count - len(result.errors)
        if left_out:
            said = f"另有 {left_out} 条错误未列出" if locale == "zh" else f"{left_out} more errors are not listed"
            yield ["", "", "", said, "more"]

    return csv_bytes(rows())
