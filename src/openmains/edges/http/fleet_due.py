# SPDX-License-Identifier: Apache-2.0
"""Meters due for replacement or verification, by area and month, and the rules they are due by (R8.2, R8.5)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from litestar import Request, get, put
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.response import File
from msgspec import Meta, Struct, structs

from openmains.app.fleet.lives import stock
from openmains.app.fleet.lives.model import DueAction, DueCount, DueFilter, DueMeter, LifetimeRule
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.ports import AreaStore
from openmains.app.identity.model import Actor
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.app.readings.bulk.files import csv_pages
from openmains.app.unit_of_work import Work
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId
from openmains.edges.http.bulk_inputs import CSV
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_of
from openmains.edges.http.inputs import Cursor, Key, Limit, OptionalId32, Page, WhyQuery, optional, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings_bulk import kept_file, sheets

Until = Annotated[date | None, QueryParameter(description="Last day, included; without it two years ahead.")]
DueFrom = Annotated[date | None, QueryParameter(description="First day, included; without it all that is overdue too.")]
Unknown = Annotated[
    bool, QueryParameter(description="Only those of which nobody can say when: DN, kind of gas or Qmax is missing.")
]
HEADS = {
    "zh": ("表号", "条码", "介质", "区域", "地址", "户号", "口径", "燃气种类", "安装日期", "检定日期", "到期日", "处理"),
    "en": (
        "meter number", "bar code", "medium", "area", "address", "account", "DN", "kind of gas", "installed on", "verified on", "due on",
        "to do",
    ),
}  # fmt: skip
WORDS = {
    "zh": {"replace": "更换", "verify": "检定", "water": "水", "gas": "燃气", "natural": "天然气", "town": "人工煤气", "lpg": "液化石油气"},
    "en": {"replace": "replace", "verify": "verify", "natural": "natural gas", "town": "town gas", "lpg": "LPG"},
}  # fmt: skip
PAGE = 1000
AHEAD = timedelta(days=731)


class LifetimeRules(Struct, frozen=True, forbid_unknown_fields=True):
    """The first rule that fits a meter counts."""

    rules: Annotated[list[LifetimeRule], Meta(min_length=1, max_length=100)]


def chosen(
    deps: ApiDeps,
    actor: Actor,
    area_id: int | None,
    action: DueAction | None,
    first: date | None,
    last: date | None,
    *,
    unknown: bool,
    limit: int,
    after: tuple[str, int] | None,
) -> DueFilter:
    """Raises ``invalid-input`` for a span that is backwards."""
    until = last or today_of(deps, actor) + AHEAD
    if first is not None and first > until:
        raise Problem("invalid-input", fields=(("/last", "before-the-first"),))
    if after is not None and not unknown:
        try:
            date.fromisoformat(after[0])
        except ValueError as error:
            raise Problem("invalid-input", fields=(("/cursor", "wrong-format"),)) from error
    return DueFilter(optional(AreaId, area_id), action, first, None if unknown else until, unknown, limit, after)


@get("/meters/due", operation_id="list_due_meters", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_due_meters(
    request: Request[Any, Any, Any],
    area_id: OptionalId32 = None,
    action: FromQuery[DueAction | None] = None,
    first: DueFrom = None,
    last: Until = None,
    unknown: Unknown = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DueMeter]:
    """Meters that hang and are due for replacement or verification, by day; an area includes those below it."""
    deps, actor = deps_of(request), actor_of(request)
    after = decode_cursor("due", cursor, tuple[str, Key])
    asked = chosen(deps, actor, area_id, action, first, last, unknown=unknown, limit=limit + 1, after=after)
    async with deps.store.tenant(actor.tenant_id) as work:
        await _check_area(work, asked.area_id)
        rows = await work[LifeStore].due(asked)
    return page("due", [_shown(actor, row) for row in rows], limit, _place)


@get("/meters/due/counts", operation_id="count_due_meters", tags=["meters"], opt=may(Permission.SEE_METERS))
async def count_due_meters(
    request: Request[Any, Any, Any], area_id: OptionalId32 = None, last: Until = None
) -> list[DueCount]:
    """How many of an area, with those below it, by month; the last line says of how many nobody can say when."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        await _check_area(work, optional(AreaId, area_id))
        return await work[LifeStore].due_counts(optional(AreaId, area_id), last or today_of(deps, actor) + AHEAD)


@get(
    "/meters/due/file",
    operation_id="download_due_meters",
    media_type="application/octet-stream",
    tags=["meters"],
    opt=may(Permission.EXPORT_METERS),
)
async def download_due_meters(
    request: Request[Any, Any, Any],
    kind: FromQuery[Literal["csv", "xlsx"]] = "xlsx",
    area_id: OptionalId32 = None,
    action: FromQuery[DueAction | None] = None,
    first: DueFrom = None,
    last: Until = None,
    unknown: Unknown = False,
) -> File:
    """The list as a file, every page of it."""
    deps, actor, language = deps_of(request), actor_of(request), language_of(request)
    asked = chosen(deps, actor, area_id, action, first, last, unknown=unknown, limit=PAGE, after=None)
    await stock.note_due_export(deps.store, actor, asked, kind)

    async def lines() -> AsyncGenerator[list[Sequence[Any]]]:
        async with deps.store.tenant(actor.tenant_id) as work:
            async for rows in work[LifeStore].due_pages(asked):
                yield [_line(_shown(actor, row), language) for row in rows]

    # Made whole before the first byte goes out: the transaction lasts as long as the search, and not as a slow reader takes.
    async with aclosing(lines()) as found:
        if kind == "xlsx":
            return await sheets("due-meters.xlsx", HEADS[language], found)
        return await kept_file("due-meters.csv", CSV, csv_pages(HEADS[language], found))


@get("/lifetime-rules", operation_id="list_lifetime_rules", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_lifetime_rules(request: Request[Any, Any, Any]) -> LifetimeRules:
    """How long meters may be used, or when they are verified anew."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return LifetimeRules(await work[LifeStore].lifetime_rules())


@put("/lifetime-rules", operation_id="set_lifetime_rules", tags=["meters"], opt=may(Permission.MANAGE_LIFETIMES))
async def set_lifetime_rules(
    request: Request[Any, Any, Any], data: JSONBody[LifetimeRules], reason: WhyQuery = ""
) -> LifetimeRules:
    """All rules, in their order; lists follow at once."""
    await stock.set_lifetime_rules(deps_of(request).store, actor_of(request), data.rules, reason)
    return data


async def _check_area(work: Work, area_id: AreaId | None) -> None:
    if area_id is not None and await work[AreaStore].get(area_id) is None:
        raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))


def _shown(actor: Actor, row: DueMeter) -> DueMeter:
    """Where it hangs, not to a maker's people."""
    return structs.replace(row, address="") if actor.reach.products else row


def _place(row: DueMeter) -> tuple[str, int]:
    return ("" if row.due_on is None else row.due_on.isoformat(), row.meter_id)


def _line(row: DueMeter, language: str) -> Sequence[Any]:
    words = WORDS[language]
    dates = [None if day is None else day.isoformat() for day in (row.installed_on, row.verified_on, row.due_on)]
    return (
        row.number, row.bar_code, words.get(row.medium, row.medium), row.area_name, row.address, row.account_number, row.dn or None,
        words.get(row.gas_kind, row.gas_kind), *dates, words.get(row.action or "", ""),
    )  # fmt: skip


HANDLERS: list[Any] = [
    list_due_meters,
    count_due_meters,
    download_due_meters,
    list_lifetime_rules,
    set_lifetime_rules,
]
