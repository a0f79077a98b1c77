# SPDX-License-Identifier: Apache-2.0
"""Issue from the warehouse by a file (CSV, XLSX): model, number, how many, person, contractor, date. All rows or none; every fault is named
with its row and cell. The same file again is the same act as long as nothing else was done to its meters; after that it is a new one."""

from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct

from openmains.app.fleet.imports.area_reader import AreaOrders, reading
from openmains.app.fleet.lives.ports import ActNote, KnownIssue, LifeStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.fleet.cells import HeaderError, RowError
from openmains.domain.fleet.issue_rows import IssueError, NamedMeter, numbers_of, plan_issue, too_many
from openmains.domain.ids import MeterId
from openmains.domain.period import Zone, date_to_day, utc

MOST_ROWS = 10_000
SHOWN_ERRORS = 1000
Group = tuple[str, str, str]  # person, contractor, date
Rows = list[tuple[int, dict[str, Any]]]


class IssueFault(Struct, frozen=True):
    """What is wrong with a cell of a row, in both languages."""

    row: int
    column: str
    value: str
    zh: str
    en: str


class IssueFileResult(Struct, frozen=True):
    """``meters`` that were issued; none where there are faults, of which the first 1000 are told. ``ignored``: headings nobody reads.
    ``already``: when this same file issued them before; null: they were issued now."""

    rows: int
    meters: int
    faults: list[IssueFault]
    fault_count: int
    ignored: list[str]
    already: datetime | None = None


async def issue_by_file(
    store: Store, actor: Actor, path: Path, digest: str, reason: str, zone: Zone, now_s: int
) -> IssueFileResult:
    """:raises Problem: ``reason-needed``; ``file-unreadable`` with why."""
    why = stated(reason)
    rows, errors, headers, ignored, read = await _read(path)
    if not read:
        raise Problem("file-unreadable", why=("文件没有数据行", "the file has no rows"))
    quantities = [row.get("quantity", 1) for _, row in rows]
    if (over := too_many(quantities)) is not None:
        errors.append(RowError(rows[over][0], headers["quantity"], str(quantities[over]), "too-many-issued"))
        return _refused(read, errors, ignored)
    async with store.tenant(actor.tenant_id) as work:
        lives = work[LifeStore]
        key, before = await _round(lives, f"file:{digest[:48]}")
        if before is not None and before.stands:
            return IssueFileResult(read, before.meters, [], 0, ignored, before.made_at)
        names = {name for _, row in rows for name in numbers_of(row["number"], row.get("quantity", 1))}
        known = await lives.named(sorted(names))
        groups, faults = _planned(rows, known, headers, zone, now_s)
        if errors or faults:
            return _refused(read, [*errors, *faults], ignored)
        issued = 0
        for (person, contractor, day), meters in groups.items():
            at = _at(day, zone, now_s)
            note = ActNote(key, "issue", at, person, contractor, why, digest[:32], actor.user_id)
            if await lives.issue(meters, note) != len(meters):
                raise Problem("changed-meanwhile")
            issued += len(meters)
        told = {"meters": issued, "persons": sorted({person for person, _, _ in groups}), "key": key}
        await work[AuditTrail].record(actor, "issue_meters", "meter", key, None, told, reason=why)
    return IssueFileResult(read, issued, [], 0, ignored)


async def _round(lives: LifeStore, base: str) -> tuple[str, KnownIssue | None]:
    """The key of the file's next round, and its last one."""
    await lives.lock_key(base)
    last: KnownIssue | None = None
    for number in count(1):
        key = base if number == 1 else f"{base}/{number}"
        found = await lives.issued_before(key)
        if found is None:
            return key, last
        last = found
    raise AssertionError  # the loop has no end


def _refused(read: int, errors: list[RowError], ignored: list[str]) -> IssueFileResult:
    errors = sorted(errors, key=lambda error: error.row)
    return IssueFileResult(read, 0, [_told(error) for error in errors[:SHOWN_ERRORS]], len(errors), ignored)


async def _read(path: Path) -> tuple[Rows, list[RowError], dict[str, str], list[str], int]:
    rows: Rows = []
    errors: list[RowError] = []
    headers: dict[str, str] = {}
    ignored: list[str] = []
    read = 0
    try:
        async with reading(AreaOrders(str(path), MOST_ROWS, "issues")) as chunks:
            async for chunk in chunks:
                headers, read = chunk.headers, read + chunk.read
                rows += chunk.rows
                errors += chunk.errors
                ignored += chunk.ignored
    except HeaderError as error:
        zh, _, en = str(error).partition(" / ")
        raise Problem("file-unreadable", why=(zh, en or zh)) from error
    return rows, errors, headers, ignored, read


def _planned(
    rows: Rows, known: dict[str, NamedMeter], headers: dict[str, str], zone: Zone, now_s: int
) -> tuple[dict[Group, list[MeterId]], list[RowError]]:
    groups: dict[Group, list[MeterId]] = {}
    faults: list[RowError] = []
    taken: set[MeterId] = set()
    today = zone.day_of(now_s)
    for place, row in rows:
        day = row.get("date", "")
        if day and date_to_day(date.fromisoformat(day)) > today:
            faults.append(RowError(place, headers["date"], day, "day-ahead"))
        planned = plan_issue(
            row["product"], row["number"], row.get("quantity", 1), int(_at(day, zone, now_s).timestamp()), known, taken
        )
        if isinstance(planned, IssueError):
            faults.append(RowError(place, headers[planned.field], planned.name, planned.reason))
            continue
        taken.update(planned)
        groups.setdefault((row["person"], row.get("contractor", ""), day), []).extend(planned)
    return groups, faults


def _at(day: str, zone: Zone, now_s: int) -> datetime:
    """The end of a day that was, or now: a meter may have come into the warehouse that day."""
    return utc(now_s if not day else min(now_s, zone.start_of(date_to_day(date.fromisoformat(day)) + 1) - 1))


def _told(error: RowError) -> IssueFault:
    return IssueFault(error.row, error.column, error.value, error.text("zh"), error.text("en"))
