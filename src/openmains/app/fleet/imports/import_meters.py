# SPDX-License-Identifier: Apache-2.0
"""Import a registry file: read → check rows → find repeats → stage → check against the registry → apply, chunk by chunk.

Everything happens in one transaction of the store, so a killed import leaves nothing. The next chunk is read and checked
in a process of its own while the store works on the one before: on two cores the slower of the two decides, not their sum.

The same file twice changes nothing: a row is compared by content with what is stored.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from openmains.app.fleet.imports.ports import RegistryImport
from openmains.app.fleet.imports.reader import Chunk, Orders, reading
from openmains.domain.fleet.cells import RowError
from openmains.domain.ids import TenantId

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
    ignored: list[str] = field(default_factory=list)  # headings of the file below which nothing was imported
    meter_ids: "array[int]" = field(default_factory=lambda: array("q"))  # new and changed meters

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged,
            "rejected": self.rejected, "errors": self.error_count, "areas_created": self.areas_created,
            "applied": self.applied, "ignored": self.ignored,
        }  # fmt: skip


async def import_meters(
    path: Path,
    tenant_id: TenantId,
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
    result = ImportResult()
    await store.begin(tenant_id)
    try:
        products, areas = await store.products(), await store.areas()
        orders = Orders(str(path), today, set(products), set(areas), create_areas)
        async with reading(orders) as chunks:
            async for chunk in chunks:
                if should_stop():
                    raise ImportCancelled
                result.ignored += chunk.ignored
                if chunk.new_areas:
                    await store.create_areas(chunk.new_areas)
                    result.areas_created += len(chunk.new_areas)
                await _import_chunk(chunk, store, result, partial=partial)
                progress(result.rows, max(chunk.total, result.rows))
        if result.error_count and not partial:
            await store.rollback()
            result.inserted = result.updated = result.unchanged = result.areas_created = 0
            del result.meter_ids[:]
        else:
            await store.commit()
            result.applied = True
    except BaseException:
        await store.rollback()
        raise
    return result


async def _import_chunk(chunk: Chunk, store: RegistryImport, result: ImportResult, *, partial: bool) -> None:
    errors = chunk.errors
    for conflict in await store.stage(chunk.copy, chunk.staged):
        errors.append(RowError(conflict.line, chunk.headers[conflict.column], conflict.value, conflict.reason))
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
    result.meter_ids.extend(applied.inserted)
    result.meter_ids.extend(applied.updated)
