# SPDX-License-Identifier: Apache-2.0
"""The versions of a day: who or what made each, when, why, and what it changed."""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import PathParameter, QueryParameter
from msgspec import Struct

from openmains.app.problems import Problem
from openmains.app.readings.model import DayVersion
from openmains.app.readings.versions import cited_version, versions_of_days
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import Zone, date_to_day, day_text, utc, zone
from openmains.domain.quantity import decimal_of, to_m3
from openmains.domain.readings.quality import rule_names, slot_names
from openmains.domain.readings.versions import VersionCause
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponent_of, store_of

MOST_DAYS = 400
PathDay = Annotated[date, PathParameter(description="Calendar day of the tenant.")]
FirstDay = Annotated[date, QueryParameter(name="from", description="First day, included.")]
LastDay = Annotated[date, QueryParameter(name="to", description="Last day, included.")]
HEADS = {
    "zh": ("日期", "版本", "现行", "原因", "时刻", "修改人", "审批人", "理由", "旧日用量 (m³)", "日用量 (m³)", "变化起", "变化止", "旧值 (m³)",
           "新值 (m³)", "旧质量", "新质量"),
    "en": ("day", "version", "in force", "cause", "at", "person", "second person", "reason", "old day's use (m³)", "day's use (m³)",
           "changed from", "to", "old value (m³)", "value (m³)", "old quality", "quality"),
}  # fmt: skip
CAUSES = {
    "zh": {"meter": "表具上报", "late": "迟到补报", "estimated": "估算", "restated": "重述", "history": "7 日历史补齐", "edit": "人工修改",
           "undo": "撤销修改", "replay": "重放", "manual": "人工抄表", "insert": "批量写入"},
    "en": {"meter": "meter", "late": "late", "estimated": "estimated", "restated": "restated", "history": "7-day history",
           "edit": "edit", "undo": "undo", "replay": "replay", "manual": "manual reading", "insert": "bulk insert"},
}  # fmt: skip
YES = {"zh": "是", "en": "yes"}


class Change(Struct, frozen=True):
    """A part of the day that a version changed. Qualities by name; none: measured, and nothing was found about it."""

    start: datetime
    end: datetime
    old_volume: int
    volume: int
    old_quality: list[str] | None
    quality: list[str]


class Version(Struct, frozen=True):
    """One version of a day; volumes in 10^``unit_exponent`` m³. ``old_total`` null: the first version that is kept.

    ``made_at``: when its message came, or a person did it. ``person``, ``approver``, ``reason``, ``edit_id``: of what a
    person made.
    """

    version: int
    is_newest: bool
    cause: VersionCause
    made_at: datetime
    person_id: int | None
    person: str
    approver: str
    reason: str
    edit_id: int | None
    received_at: datetime
    base: int
    total: int
    total_m3: str
    old_total: int | None
    old_total_m3: str | None
    rules: list[str]
    changes: list[Change]


class CitedVersion(Struct, frozen=True):
    """The value that a bill, say, cites by meter, day and version: the version, and its slots from the day's start.

    A slot is ``interval_s`` long, the last one as short as the day leaves it. Volumes in 10^``unit_exponent`` m³.
    """

    meter_id: int
    day: str
    zone: str
    unit_exponent: int
    value: Version
    interval_s: int
    volumes: list[int]
    qualities: list[list[str]]


class Versions(Struct, frozen=True):
    """The versions of a day that are kept, from new to old."""

    meter_id: int
    day: str
    zone: str
    unit_exponent: int
    items: list[Version]


@get(
    "/meters/{meter_id:int}/days/{day:date}/versions",
    operation_id="list_day_versions",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def list_day_versions(request: Request[Any, Any, Any], meter_id: Id, day: PathDay) -> Versions:
    """The history of a day's value. Earlier versions are kept for ``day_version_days`` after they were superseded."""
    deps, actor = deps_of(request), actor_of(request)
    number = _number(day, "day")
    rows, driver = await versions_of_days(deps.store, store_of(deps), actor, MeterId(meter_id), number, number)
    exponent, place = exponent_of(deps, driver), zone(actor.zone)
    items = [_version(row, exponent, place) for row in reversed(rows)]
    return Versions(meter_id, day.isoformat(), actor.zone, exponent, items)


@get(
    "/meters/{meter_id:int}/days/{day:date}/versions/{version:int}",
    operation_id="read_day_version",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def read_day_version(
    request: Request[Any, Any, Any],
    meter_id: Id,
    day: PathDay,
    version: Annotated[int, PathParameter(ge=0, le=2**63 - 1)],
) -> CitedVersion:
    """One version of a day, in force or superseded: the same answer for as long as it is kept."""
    deps, actor = deps_of(request), actor_of(request)
    row, driver = await cited_version(
        deps.store, store_of(deps), actor, MeterId(meter_id), _number(day, "day"), version
    )
    exponent, place, stored = exponent_of(deps, driver), zone(actor.zone), row.stored
    return CitedVersion(
        meter_id, day.isoformat(), actor.zone, exponent, _version(row, exponent, place), stored.interval_s,
        list(stored.increments), [slot_names(quality) for quality in stored.quality],
    )  # fmt: skip


@get(
    "/meters/{meter_id:int}/versions.csv",
    operation_id="download_versions_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
)
async def download_versions_csv(
    request: Request[Any, Any, Any], meter_id: Id, first: FirstDay, last: LastDay
) -> Response[bytes]:
    """The versions of at most 400 days as CSV, a line for each part of a day that a version changed."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = _number(first, "from"), _number(last, "to")
    if not left <= right < left + MOST_DAYS:
        raise Problem("bad-range", fields=(("/to", "out-of-range"),), limit=f"{MOST_DAYS} d")
    rows, driver = await versions_of_days(deps.store, store_of(deps), actor, MeterId(meter_id), left, right)
    language = language_of(request)
    exponent, place = exponent_of(deps, driver), zone(actor.zone)
    lines: list[Any] = [HEADS[language]]
    for row in rows:
        lines += _lines(row, exponent, place, language)
    headers = {"Content-Disposition": f'attachment; filename="versions-{meter_id}.csv"'}
    return Response(b"".join(csv_bytes(lines)), media_type="text/csv; charset=utf-8", headers=headers)


def _number(day: date, name: str) -> int:
    if not 1970 <= day.year <= 2100:
        raise Problem("invalid-input", fields=((f"/{name}", "out-of-range"),))
    return date_to_day(day)


def _changes(row: DayVersion, place: Zone) -> list[Change]:
    opens, ends = place.start_of(row.stored.day), place.start_of(row.stored.day + 1)
    return [
        Change(
            start=utc(opens + change.first * row.interval_s),
            end=utc(min(ends, opens + (change.first + change.count) * row.interval_s)),
            old_volume=change.old,
            volume=change.new,
            old_quality=None if change.old_quality is None else slot_names(change.old_quality),
            quality=slot_names(change.new_quality),
        )
        for change in row.changes
    ]


def _version(row: DayVersion, exponent: int, place: Zone) -> Version:
    cause, stored = row.cause, row.stored
    return Version(
        version=stored.version,
        is_newest=row.is_newest,
        cause=row.why,
        made_at=utc(row.made_s),
        person_id=None if cause is None else cause.user_id,
        person=row.person,
        approver=row.approver,
        reason="" if cause is None else cause.reason,
        edit_id=(cause.edit_id or None) if cause is not None else None,
        received_at=utc(stored.received_s),
        base=stored.base,
        total=stored.total,
        total_m3=f"{to_m3(stored.total, exponent):f}",
        old_total=row.old_total,
        old_total_m3=None if row.old_total is None else f"{to_m3(row.old_total, exponent):f}",
        rules=rule_names(stored.flags),
        changes=_changes(row, place),
    )


def _lines(row: DayVersion, exponent: int, place: Zone, language: str) -> list[Any]:
    shown = _version(row, exponent, place)
    head = (
        day_text(row.stored.day), shown.version, YES[language] if shown.is_newest else "",
        CAUSES[language][shown.cause], place.iso(row.made_s), shown.person, shown.approver, shown.reason,
        None if shown.old_total is None else decimal_of(shown.old_total, exponent), decimal_of(shown.total, exponent),
    )  # fmt: skip
    if not shown.changes:
        return [(*head, None, None, None, None, None, None)]
    return [
        (
            *head, place.iso(int(change.start.timestamp())), place.iso(int(change.end.timestamp())),
            decimal_of(change.old_volume, exponent), decimal_of(change.volume, exponent),
            None if change.old_quality is None else " ".join(change.old_quality), " ".join(change.quality),
        )
        for change in shown.changes
    ]  # fmt: skip


HANDLERS: list[Any] = [list_day_versions, read_day_version, download_versions_csv]
