# SPDX-License-Identifier: Apache-2.0
"""Import a registry file: read → check rows → find repeats → stage → check against the registry → apply, chunk by chunk.

Everything happens in one transaction of the store, so a killed import leaves nothing. The next chunk is read and checked
in a process of its own while the store works on the one before: on two cores the slower of the two decides, not their sum.

The same file twice changes nothing: a row is compared by content with what is stored.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from openmains.app.fleet.imports.ports import Applied, RegistryImport, StagedMeter
from openmains.app.fleet.imports.reader import Chunk, Orders, reading
from openmains.domain.fleet.cells import RowError
from openmains.domain.ids import TenantId

FIRST_ROWS = 10  # of a file, shown in a preview
MOST_ERRORS = 10_000  # kept in the report; all are counted

Progress = Callable[[int, int], None]


class ImportCancelled(Exception):
    """``should_stop`` said so; nothing was changed."""


@dataclass(frozen=True, slots=True)
class PreviewedRow:
    """What would become of a row: new, changed, unchanged, or rejected with the reason. ``row``: as in the error report."""

    row: int
    number: str
    outcome: Literal["new", "changed", "unchanged", "rejected"]
    product: str = ""
    area: str = ""
    address: str = ""
    column: str = ""
    value: str = ""
    reason_zh: str = ""
    reason_en: str = ""


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
    first: list[PreviewedRow] = field(default_factory=list)  # of a preview: what would become of the first rows
    ignored: list[str] = field(default_factory=list)  # headings of the file below which nothing was imported
    meter_ids: "array[int]" = field(default_factory=lambda: array("q"))  # new and changed meters

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged,
            "rejected": self.rejected, "errors": self.error_count, "areas_created": self.areas_created,
            "applied": self.applied, "ignored": self.ignored,
            **({"first": [asdict(row) for row in self.first]} if self.first else {}),
        }  # fmt: skip


async def import_meters(
    path: Path,
    tenant_id: TenantId,
    store: RegistryImport,
    *,
    today: date,
    job_id: int | None = None,
    partial: bool = False,
    create_areas: bool = False,
    preview: bool = False,
    progress: Progress = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ImportResult:
    """Import a file. All or nothing, unless ``partial``: then good rows go in and bad ones are reported. A ``preview`` does all of it and
    keeps nothing: its counts are what would happen to the good rows, and ``first`` tells it of the first rows.

    ``today`` is the newest installation date allowed. Raises ``HeaderError`` for a file that can not be read,
    ``ImportCancelled``; whatever the store raises leaves the registry as it was.
    """
    result = ImportResult()
    await store.begin(tenant_id, job_id)
    try:
        products, areas = await store.products(), await store.areas()
        orders = Orders(str(path), today, set(products), set(areas), create_areas, await store.headings())
        async with reading(orders) as chunks:
            async for chunk in chunks:
                if should_stop():
                    raise ImportCancelled
                result.ignored += chunk.ignored
                if chunk.new_areas:
                    await store.create_areas(chunk.new_areas)
                    result.areas_created += len(chunk.new_areas)
                await _import_chunk(chunk, store, result, partial=partial, preview=preview)
                progress(result.rows, max(chunk.total, result.rows))
        if preview:
            await store.rollback()
            del result.meter_ids[:]
        elif result.error_count and not partial:
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


async def _import_chunk(
    chunk: Chunk, store: RegistryImport, result: ImportResult, *, partial: bool, preview: bool
) -> None:
    errors = chunk.errors
    for conflict in await store.stage(chunk.copy, chunk.staged):
        errors.append(RowError(conflict.line, chunk.headers[conflict.column], conflict.value, conflict.reason))
    bad = len({error.row for error in errors})
    result.rows += chunk.read
    result.rejected += bad
    result.error_count += len(errors)
    errors.sort(key=lambda error: error.row)
    result.errors.extend(errors[: MOST_ERRORS - len(result.errors)])
    if result.error_count and not partial and not preview:
        return  # nothing will be kept: only look for further errors
    is_first = result.rows == chunk.read
    applied = await store.apply()
    if preview and is_first:
        result.first = _first_rows(await store.staged(FIRST_ROWS), applied, errors)
    result.inserted += len(applied.inserted)
    result.updated += len(applied.updated)
    result.unchanged += chunk.read - bad - len(applied.inserted) - len(applied.updated)
    result.meter_ids.extend(applied.inserted)
    result.meter_ids.extend(applied.updated)


def _first_rows(staged: Sequence[StagedMeter], applied: Applied, errors: Sequence[RowError]) -> list[PreviewedRow]:
    """The first rows of a chunk with what would become of each, good and bad ones in the order of the file."""
    new, changed = set(applied.inserted), set(applied.updated)
    rows = [
        PreviewedRow(
            row.line,
            row.number,
            "new" if row.meter_id in new else "changed" if row.meter_id in changed else "unchanged",
            row.product,
            row.area,
            row.address,
        )
        for row in staged
    ]
    rows += [
        PreviewedRow(
            error.row,
            "",
            "rejected",
            column=error.column,
            value=error.value,
            reason_zh=error.text("zh"),
            reason_en=error.text("en"),
        )
        for error in {
            error.row: error for error in reversed(errors[: FIRST_ROWS * 10])
        }.values()  # the first fault of each row
    ]
    return sorted(rows, key=lambda row: row.row)[:FIRST_ROWS]
