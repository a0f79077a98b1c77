# SPDX-License-Identifier: Apache-2.0
"""Sums of volume by area, customer, product or class, with the share of gaps."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import File, Stream

from openmains.app.fleet.choice import check_choice
from openmains.app.problems import Problem
from openmains.app.readings.bulk.files import csv_pages
from openmains.app.readings.bulk.sums import MOST_GROUPS, By, Every, SumRow, Sums, note_sums, sums_by
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.domain.period import zone
from openmains.domain.quantity import decimal_of
from openmains.edges.http.bulk_inputs import CHOICE, CSV, Chosen, First, Last, bulk_of, days_of
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponent_of
from openmains.edges.http.readings_bulk import sheets

MOST_LINES = 1_000_000
HEADS = {
    "zh": ("编码", "名称", "介质", "表数", "用量 (m³)", "应抄表日", "完整", "含估算", "不完整", "未抄", "缺口 %"),
    "en": ("code", "name", "medium", "meters", "volume (m³)", "due days", "full", "estimated", "partial", "missing", "gap %"),
}  # fmt: skip
MEDIA = {"zh": {"water": "水", "gas": "燃气"}, "en": {"water": "water", "gas": "gas"}}
CLASSES = {
    "zh": {"none": "无用户", "ordinary": "普通", "protected": "受保护", "critical": "重要"},
    "en": {"none": "no customer", "ordinary": "ordinary", "protected": "protected", "critical": "critical"},
}
TOTAL = {"zh": "合计", "en": "total"}
Steps = Annotated[Every, QueryParameter(description="Step of ``trend``.")]


@get("/bulk/sums", operation_id="read_sums", tags=["readings"], opt=may(Permission.SEE_SUMS), dependencies=CHOICE)
async def read_sums(
    request: Request[Any, Any, Any],
    meters: Chosen,
    first: First,
    last: Last,
    by: FromQuery[By] = "area",
    every: Steps = "day",
) -> Sums:
    """Volume of all meters of a filter over days, by group and by step, with the share of days that are estimated or missing. At most
    10,000 groups; files hold a million."""
    return await _sums(request, meters, first, last, by, every, MOST_GROUPS)


@get(
    "/bulk/sums.csv",
    operation_id="download_sums_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.SEE_SUMS),
    dependencies=CHOICE,
)
async def download_sums_csv(
    request: Request[Any, Any, Any], meters: Chosen, first: First, last: Last, by: FromQuery[By] = "area"
) -> Stream:
    """The same by group as CSV (UTF-8 with byte order mark); the totals of each medium are its last lines."""
    found = await _file(request, meters, first, last, by, "csv")
    language = language_of(request)
    headers = {"Content-Disposition": f'attachment; filename="sums-{by}.csv"'}
    return Stream(csv_pages(HEADS[language], _lines(found, language)), media_type=CSV, headers=headers)


@get(
    "/bulk/sums.xlsx",
    operation_id="download_sums_xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    tags=["readings"],
    opt=may(Permission.SEE_SUMS),
    dependencies=CHOICE,
)
async def download_sums_xlsx(
    request: Request[Any, Any, Any], meters: Chosen, first: First, last: Last, by: FromQuery[By] = "area"
) -> File:
    """The same as a workbook."""
    found = await _file(request, meters, first, last, by, "xlsx")
    language = language_of(request)
    return await sheets(f"sums-{by}.xlsx", HEADS[language], _lines(found, language))


async def _file(request: Request[Any, Any, Any], meters: Chosen, first: First, last: Last, by: By, form: str) -> Sums:
    found = await _sums(request, meters, first, last, by, "month", MOST_LINES)
    await note_sums(deps_of(request).store, actor_of(request), meters, found, form)
    return found


async def _sums(
    request: Request[Any, Any, Any], meters: Chosen, first: First, last: Last, by: By, every: Every, most: int
) -> Sums:
    deps, actor = deps_of(request), actor_of(request)
    if (by == "customer" or meters.numbers) and not actor.may(Permission.SEE_READINGS):
        words = PERMISSIONS[Permission.SEE_READINGS]  # such a sum is a customer's own
        raise Problem("not-allowed", needed=(words.zh, words.en))
    left, right = days_of(first, last)
    await check_choice(deps.store, actor.tenant_id, meters)
    return await sums_by(
        deps.store,
        bulk_of(deps),
        actor,
        meters,
        by,
        left,
        right,
        every,
        lambda driver: exponent_of(deps, driver),
        zone(actor.zone),
        deps.now_us(),
        most,
    )


async def _lines(found: Sums, language: str) -> AsyncIterator[list[Sequence[Any]]]:
    yield [_line(row, found, language, row.key) for row in found.rows]
    yield [_line(row, found, language, TOTAL[language]) for row in found.totals]


def _line(row: SumRow, found: Sums, language: str, key: str) -> Sequence[Any]:
    gap = None if row.gap_ppm is None else Decimal(row.gap_ppm) / 10_000
    name = CLASSES[language].get(row.key, "") if found.by == "class" else row.name
    return (
        key, name, MEDIA[language].get(row.medium, row.medium), row.meters, decimal_of(row.volume, found.unit_exponent), row.due_days,
        row.full_days, row.estimated_days, row.partial_days, row.missing_days, gap,
    )  # fmt: skip


HANDLERS: list[Any] = [read_sums, download_sums_csv, download_sums_xlsx]
