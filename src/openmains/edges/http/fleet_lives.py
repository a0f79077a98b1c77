# SPDX-License-Identifier: Apache-2.0
"""Lives of meters and their installations at accounts (R8)."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, get, patch, post
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.fleet.lives import issue_file, stock
from openmains.app.fleet.lives.acts import LifeActs
from openmains.app.fleet.lives.model import (
    AcceptanceRequest,
    ActKey,
    ExchangeRequest,
    Installation,
    InstallationRequest,
    Issued,
    IssueRequest,
    MeterFactsChange,
    MeterLife,
    MoveRequest,
    NewStockMeter,
    RemoveRequest,
    StockMeter,
    StoreRequest,
)
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.problems import Problem
from openmains.domain.fleet.meter_life import Life
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AccountId, InstallationId, MeterId
from openmains.domain.period import zone
from openmains.edges.http.deps import actor_of, deps_of, today_of
from openmains.edges.http.fleet_meters import dimensions_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    IfMatch,
    Limit,
    OptionalId,
    Page,
    WhyQuery,
    after_id,
    changes,
    optional,
    page,
    revision_of,
)
from openmains.edges.http.permissions import may
from openmains.edges.http.uploads import keep_upload, kind_of

LARGEST_ISSUE = 8 * 1024 * 1024

ToAccept = Annotated[bool, QueryParameter(description="Only those that wait for another person's acceptance.")]


class Delivery(Struct, frozen=True, forbid_unknown_fields=True):
    """Meters that come into the warehouse, all or none."""

    key: ActKey
    meters: Annotated[list[NewStockMeter], Meta(min_length=1, max_length=1000)]
    at: datetime | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""


def _acts(request: Request[Any, Any, Any]) -> LifeActs:
    deps = deps_of(request)
    return LifeActs(deps.store, dimensions_of(deps), actor_of(request), deps.drivers.number_digits, deps.now_us())


@get("/meters/{meter_id:int}/life", operation_id="read_meter_life", tags=["meters"], opt=may(Permission.SEE_METERS))
async def read_meter_life(request: Request[Any, Any, Any], meter_id: Id) -> MeterLife:
    """Where a meter stands in its life, what it is, when it is due, where it hung and all that was done to it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[LifeStore].life(MeterId(meter_id))
    if found is None:
        raise Problem("not-found")
    return found


@patch(
    "/meters/{meter_id:int}/life", operation_id="change_meter_facts", tags=["meters"], opt=may(Permission.MANAGE_METERS)
)
async def change_meter_facts(
    request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[MeterFactsChange], if_match: IfMatch = None
) -> MeterLife:
    """Change what a meter is: role and the meter above, Q3, kind of gas, verification, lifetime, pulse value."""
    deps, actor = deps_of(request), actor_of(request)
    revision = revision_of(if_match)
    return await stock.change_facts(
        deps.store, actor, MeterId(meter_id), revision, changes(data), today_of(deps, actor)
    )  # fmt: skip


@get("/stock", operation_id="list_stock", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_stock(
    request: Request[Any, Any, Any],
    life: FromQuery[Literal["stock", "issued", "removed", "repair", "scrap"]] = "stock",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StockMeter]:
    """Meters that hang nowhere: in the warehouse, with a person, removed, in repair or scrapped."""
    scope = f"stock {life}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[LifeStore].store(Life(life), limit + 1, after_id(scope, cursor) or 0)
    return page(scope, rows, limit, lambda row: row.meter_id)


@post("/stock", operation_id="receive_meters", tags=["meters"], opt=may(Permission.MANAGE_STOCK))
async def receive_meters(request: Request[Any, Any, Any], data: JSONBody[Delivery]) -> Issued:
    """Meters come into the warehouse: nothing is expected of them until they are installed. The same key again is the same delivery."""
    deps, actor = deps_of(request), actor_of(request)
    return await stock.receive_meters(
        deps.store, actor, data.key, data.meters, data.at, data.reason, today_of(deps, actor), deps.now_s()
    )  # fmt: skip


@post("/stock/issue", operation_id="issue_meters", status_code=200, tags=["meters"], opt=may(Permission.MANAGE_STOCK))
async def issue_meters(request: Request[Any, Any, Any], data: JSONBody[IssueRequest]) -> Issued:
    """Issue meters from the warehouse to a person, all lines or none."""
    deps = deps_of(request)
    return await stock.issue_meters(deps.store, actor_of(request), data, deps.now_s())


@post(
    "/stock/issue/file",
    operation_id="issue_by_file",
    status_code=200,
    tags=["meters"],
    request_max_body_size=LARGEST_ISSUE,
    opt=may(Permission.MANAGE_STOCK),
)
async def issue_by_file(
    request: Request[Any, Any, Any], data: MultipartBody[UploadFile], reason: WhyQuery = ""
) -> issue_file.IssueFileResult:
    """Issue meters by a list (CSV, XLSX) with model, number, quantity, person, contractor and date: all rows, or none and what is wrong
    with which. The same file again is the same act."""
    deps, actor = deps_of(request), actor_of(request)
    kind = await kind_of(data)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    digest, path = await asyncio.to_thread(keep_upload, data, folder, kind)
    return await issue_file.issue_by_file(
        deps.store, actor, path, digest, reason, zone(actor.zone), deps.now_s()
    )  # fmt: skip


@post("/stock/acts", operation_id="act_on_stock", status_code=200, tags=["meters"], opt=may(Permission.MANAGE_STOCK))
async def act_on_stock(request: Request[Any, Any, Any], data: JSONBody[StoreRequest]) -> MeterLife:
    """Bring back what was issued, send to repair, put back into stock, scrap."""
    return await _acts(request).act(data)


@get("/installations", operation_id="list_installations", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_installations(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    to_accept: ToAccept = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Installation]:
    """Meters at accounts, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[LifeStore].installations(
            account_id=optional(AccountId, account_id),
            to_accept=to_accept,
            limit=limit + 1,
            after=after_id("installations", cursor),
        )
    return page("installations", rows, limit, lambda row: row.installation_id)


@post("/installations", operation_id="install_meter", tags=["meters"], opt=may(Permission.INSTALL_METERS))
async def install_meter(request: Request[Any, Any, Any], data: JSONBody[InstallationRequest]) -> MeterLife:
    """Hang a meter that was issued at an account; its messages are accepted from then on. Another person accepts it."""
    return await _acts(request).install(data)


@post("/installations/exchange", operation_id="exchange_meter", tags=["meters"], opt=may(Permission.INSTALL_METERS))
async def exchange_meter(request: Request[Any, Any, Any], data: JSONBody[ExchangeRequest]) -> MeterLife:
    """One meter for another, as one act at one instant: the old one's closing and the new one's opening register. Answers the new meter."""
    return await _acts(request).exchange(data)


@post(
    "/installations/remove",
    operation_id="take_off_meter",
    status_code=200,
    tags=["meters"],
    opt=may(Permission.INSTALL_METERS),
)
async def take_off_meter(request: Request[Any, Any, Any], data: JSONBody[RemoveRequest]) -> MeterLife:
    """Take a meter off with its closing register; nothing comes in its place."""
    return await _acts(request).remove(data)


@post(
    "/installations/move",
    operation_id="move_meter",
    status_code=200,
    tags=["meters"],
    opt=may(Permission.INSTALL_METERS),
)
async def move_meter(request: Request[Any, Any, Any], data: JSONBody[MoveRequest]) -> MeterLife:
    """Let a meter that stays on its wall belong to another account: one register ends the one and opens the other."""
    return await _acts(request).move(data)


@post(
    "/installations/{installation_id:int}/accept",
    operation_id="accept_installation",
    status_code=200,
    tags=["meters"],
    opt=may(Permission.ACCEPT_INSTALLATIONS),
)
async def accept_installation(
    request: Request[Any, Any, Any], installation_id: Id, data: JSONBody[AcceptanceRequest]
) -> MeterLife:
    """Put in use what another person installed; refused with both numbers where the meter's frames carry another one."""
    return await _acts(request).accept(InstallationId(installation_id), data)


HANDLERS: list[Any] = [
    read_meter_life,
    change_meter_facts,
    list_stock,
    receive_meters,
    issue_meters,
    issue_by_file,
    act_on_stock,
    list_installations,
    install_meter,
    exchange_meter,
    take_off_meter,
    move_meter,
    accept_installation,
]
