# SPDX-License-Identifier: Apache-2.0
"""Collection reports (R2.4, R6.2)."""

from datetime import date, timedelta
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from openmains.app.fleet.ports import AreaStore
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.readings.report.accuracy_model import AccuracyReport, FileKind
from openmains.app.readings.report.model import (
    CollectionReport,
    DayVolume,
    Figures,
    MissingMeter,
    ReportBy,
    ReportDays,
)
from openmains.app.readings.report.ports import CollectionReports
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, MeterId
from openmains.domain.period import date_to_day, zone
from openmains.edges.http.bulk_inputs import XLSX
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id32, Limit, Page, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponents_of

Day = Annotated[date | None, QueryParameter(description="Calendar day of the tenant; yesterday without it.")]
MOST_VOLUME_DAYS = 31
MOST_REPORT_DAYS = 62


def _reports(deps: ApiDeps) -> CollectionReports:
    if deps.reports is None:
        raise Problem("not-offered")
    return deps.reports


def _day(deps: ApiDeps, day: date | None, actor: Actor) -> int:
    if day is None:
        return zone(actor.zone).day_of(deps.now_s()) - 1
    if not 1970 <= day.year <= 2100:
        raise Problem("invalid-input", fields=(("/day", "out-of-range"),))
    return date_to_day(day)


@get("/reports/collection", operation_id="read_collection_report", tags=["reports"], opt=may(Permission.SEE_SUMS))
async def read_collection_report(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> CollectionReport:
    """Expected, received, on time, estimated and missing meters of a day: as of now, and as it stood when it was due."""
    actor = actor_of(request)
    deps = deps_of(request)
    return await _reports(deps).collection(actor.tenant_id, _day(deps, day, actor), by, deps.now_s())


@get("/reports/days", operation_id="read_report_days", tags=["reports"], opt=may(Permission.SEE_SUMS))
async def read_report_days(
    request: Request[Any, Any, Any],
    first: Annotated[date, QueryParameter(description="First calendar day of the tenant.")],
    last: Annotated[date, QueryParameter(description="Last one; at most 62 days.")],
    figures: Annotated[
        Figures,
        QueryParameter(
            description="``due``: a day whose figures as due are kept is told by these alone, which is quick."
        ),
    ] = "due",
) -> ReportDays:
    """Each day of a span: the collection report's total, and the volumes of gas and of water."""
    deps, actor = deps_of(request), actor_of(request)
    first_day, last_day = _day(deps, first, actor), _day(deps, last, actor)
    if not first_day <= last_day < first_day + MOST_REPORT_DAYS:
        raise Problem("invalid-input", fields=(("/last", "out-of-range"),))
    days = await _reports(deps).days(actor.tenant_id, first_day, last_day, figures, exponents_of(deps), deps.now_s())
    return ReportDays(first, last, days)


@get("/reports/accuracy", operation_id="read_accuracy", tags=["reports"], opt=may(Permission.SEE_SUMS))
async def read_accuracy(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> AccuracyReport:
    """Registers that meters said at other times – spot and check reads among them – and that persons read, against what is stored: share
    that agrees."""
    actor, deps = actor_of(request), deps_of(request)
    return await _reports(deps).accuracy(actor.tenant_id, _day(deps, day, actor), by)


@get(
    "/reports/accuracy.csv",
    operation_id="download_accuracy_csv",
    media_type="text/csv",
    tags=["reports"],
    opt=may(Permission.SEE_SUMS),
)
async def download_accuracy_csv(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> Response[bytes]:
    """The same as CSV (UTF-8 with byte order mark, for spreadsheets)."""
    return await _accuracy_file(request, day, by, "csv")


@get(
    "/reports/accuracy.xlsx",
    operation_id="download_accuracy_xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    tags=["reports"],
    opt=may(Permission.SEE_SUMS),
)
async def download_accuracy_xlsx(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> Response[bytes]:
    """The same as a workbook."""
    return await _accuracy_file(request, day, by, "xlsx")


async def _accuracy_file(
    request: Request[Any, Any, Any], day: date | None, by: ReportBy, kind: FileKind
) -> Response[bytes]:
    actor, deps = actor_of(request), deps_of(request)
    number = _day(deps, day, actor)
    data = await _reports(deps).accuracy_file(actor.tenant_id, number, by, language_of(request), kind)
    media_type = XLSX if kind == "xlsx" else "text/csv; charset=utf-8"
    return _file(data, media_type, f"accuracy-{by}-{number}.{kind}")


@get(
    "/reports/collection.csv",
    operation_id="download_collection_csv",
    media_type="text/csv",
    tags=["reports"],
    opt=may(Permission.SEE_SUMS),
)
async def download_collection_csv(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> Response[bytes]:
    """The same as CSV (UTF-8 with byte order mark, for spreadsheets)."""
    actor = actor_of(request)
    number = _day(deps_of(request), day, actor)
    data = await _reports(deps_of(request)).csv(
        actor.tenant_id, number, by, language_of(request), deps_of(request).now_s()
    )
    return _file(data, "text/csv; charset=utf-8", f"collection-{by}-{number}.csv")


@get(
    "/reports/collection.xlsx",
    operation_id="download_collection_xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    tags=["reports"],
    opt=may(Permission.SEE_SUMS),
)
async def download_collection_xlsx(
    request: Request[Any, Any, Any], day: Day = None, by: FromQuery[ReportBy] = "area"
) -> Response[bytes]:
    """The same as a workbook."""
    actor = actor_of(request)
    number = _day(deps_of(request), day, actor)
    data = await _reports(deps_of(request)).xlsx(
        actor.tenant_id, number, by, language_of(request), deps_of(request).now_s()
    )
    return _file(data, XLSX, f"collection-{by}-{number}.xlsx")


@get(
    "/reports/collection/missing",
    operation_id="list_missing_meters",
    tags=["reports"],
    opt=may(Permission.SEE_READINGS),
)
async def list_missing_meters(
    request: Request[Any, Any, Any],
    day: Day = None,
    by: FromQuery[ReportBy] = "area",
    key: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=200, description="One line of the report by ``by``; all without it."),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[MissingMeter]:
    """Expected meters whose day is due and not (fully) there, by meter."""
    actor = actor_of(request)
    scope = f"missing {by} {key or ''}"
    after = MeterId(after_id(scope, cursor) or 0)
    group = None if key is None else (by, key)
    deps = deps_of(request)
    rows = await _reports(deps).missing(actor.tenant_id, _day(deps, day, actor), limit + 1, after, deps.now_s(), group)
    return page(scope, rows, limit, lambda meter: meter.meter_id)


def _file(data: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


class AreaVolumes(Struct, frozen=True):
    """What the meters of an area and of all below it used, by day and medium."""

    area_id: AreaId
    items: list[DayVolume]


@get("/areas/{area_id:int}/volumes", operation_id="read_area_volumes", tags=["reports"], opt=may(Permission.SEE_SUMS))
async def read_area_volumes(
    request: Request[Any, Any, Any],
    area_id: Id32,
    first: Annotated[date, QueryParameter(description="First calendar day of the tenant.")],
    last: Annotated[date, QueryParameter(description="Last one; at most 31 days.")],
) -> AreaVolumes:
    """Daily volume of an area with all below it, wherever its areas lay before: a branch takes its past with it."""
    deps, actor = deps_of(request), actor_of(request)
    if not first <= last < first + timedelta(days=MOST_VOLUME_DAYS):
        raise Problem("invalid-input", fields=(("/last", "out-of-range"),))
    async with deps.store.tenant(actor.tenant_id) as work:
        seen = await work[AreaStore].get(AreaId(area_id))
        areas = await work[AreaStore].below(AreaId(area_id)) if seen else []
        is_whole = len(areas) == await work[AreaStore].count()  # asked without a list of 200,000 ids
    if not areas:
        raise Problem("not-found")
    days = await _reports(deps).volumes(
        actor.tenant_id,
        [] if is_whole else areas,
        date_to_day(first),
        date_to_day(last),
        exponents_of(deps),
    )
    return AreaVolumes(AreaId(area_id), days)


HANDLERS: list[Any] = [
    read_collection_report,
    read_report_days,
    read_accuracy,
    download_accuracy_csv,
    download_accuracy_xlsx,
    download_collection_csv,
    download_collection_xlsx,
    list_missing_meters,
    read_area_volumes,
]
