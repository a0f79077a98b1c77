# SPDX-License-Identifier: Apache-2.0
"""Operators' platforms (CTWing, IoTDA, OneNET): a utility's connections, the meters there, and what the platforms push."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.link.operators import hear_push, platforms
from openmains.app.link.operators.codecs import MOST
from openmains.app.link.operators.model import OperatorDevice, OperatorPlatform, PlatformKind, PlatformTrial
from openmains.app.link.operators.platforms import PlatformSettings
from openmains.app.link.operators.ports import OperatorPlatformStore
from openmains.app.notice.sealing import Sealer
from openmains.app.payment.channels.port import ProviderRequest
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import TenantId
from openmains.edges.http.deps import ApiDeps, actor_of, client_address, deps_of, let_wait, today_number
from openmains.edges.http.inputs import Cursor, Id, Id32, Limit, Page, ReasonText, WhyQuery, after_id, page, seconds
from openmains.edges.http.permissions import PUBLIC, may
from openmains.wire.operators.model import MOST_BODY, PlatformAnswer, PlatformRequest

FAULT_DAYS = 30
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Values = Annotated[dict[str, Annotated[str, Meta(max_length=MOST)]], Meta(max_length=20)]
Products = Annotated[list[Annotated[int, Meta(ge=1, le=2**31 - 1)]], Meta(max_length=200)]


class OperatorPlatformForm(Struct, frozen=True, forbid_unknown_fields=True):
    """``secrets``: what is left out stays as it is; ``products``: whose meters come through it, each through one platform; ``creates``: make
    their meters known there."""

    name: Name
    settings: Values
    secrets: Values = {}
    products: Products = []
    creates: bool = True
    is_on: bool = True
    reason: ReasonText = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class NewOperatorPlatform(OperatorPlatformForm, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A connection to add."""

    kind: PlatformKind

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class AskedSince(Struct, frozen=True, forbid_unknown_fields=True):
    """From when on messages may be missing; thirty days back at most."""

    since: datetime
    reason: ReasonText = ""


def _sealer(request: Request[Any, Any, Any]) -> Sealer:
    found = deps_of(request).sealer
    if found is None:
        raise Problem("not-offered")
    return found


def _form(data: OperatorPlatformForm) -> PlatformSettings:
    return PlatformSettings(data.name.strip(), data.settings, data.secrets, data.products, data.creates, data.is_on)


@get(
    "/operator-platforms", operation_id="list_operator_platforms", tags=["fleet"], opt=may(Permission.SEE_METERS, whole=True)
)  # fmt: skip
async def list_operator_platforms(request: Request[Any, Any, Any]) -> list[OperatorPlatform]:
    """Connections with the pushes of 30 days that were refused; secrets by name only."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[OperatorPlatformStore].all(today_number(request) - FAULT_DAYS)


@post(
    "/operator-platforms", operation_id="add_operator_platform", tags=["fleet"], opt=may(Permission.MANAGE_OPERATOR_PLATFORMS)
)  # fmt: skip
async def add_operator_platform(
    request: Request[Any, Any, Any], data: JSONBody[NewOperatorPlatform]
) -> OperatorPlatform:
    """Its secrets are sealed at once. From now on its pushes are taken, and meters of its products are made known there."""
    deps = deps_of(request)
    return await platforms.add_platform(
        deps.store, actor_of(request), _sealer(request), data.kind, _form(data), data.reason, deps.now_us()
    )


@put(
    "/operator-platforms/{platform_id:int}", operation_id="change_operator_platform", tags=["fleet"],
    opt=may(Permission.MANAGE_OPERATOR_PLATFORMS),
)  # fmt: skip
async def change_operator_platform(
    request: Request[Any, Any, Any], platform_id: Id, data: JSONBody[OperatorPlatformForm]
) -> OperatorPlatform:
    """All but its kind. One that is off refuses what is pushed, and gives the platform no command."""
    deps = deps_of(request)
    return await platforms.change_platform(
        deps.store, actor_of(request), _sealer(request), platform_id, _form(data), data.reason, deps.now_us()
    )


@delete(
    "/operator-platforms/{platform_id:int}", operation_id="remove_operator_platform", tags=["fleet"],
    opt=may(Permission.MANAGE_OPERATOR_PLATFORMS),
)  # fmt: skip
async def remove_operator_platform(request: Request[Any, Any, Any], platform_id: Id, reason: WhyQuery = "") -> None:
    """With what waits of it. Devices and commands at the platform stay there."""
    await platforms.remove_platform(deps_of(request).store, actor_of(request), platform_id, reason)


@post(
    "/operator-platforms/{platform_id:int}/trial", operation_id="try_operator_platform", status_code=200, tags=["fleet"],
    opt=may(Permission.MANAGE_OPERATOR_PLATFORMS),
)  # fmt: skip
async def try_operator_platform(request: Request[Any, Any, Any], platform_id: Id) -> PlatformTrial:
    """Ask the platform for its devices, to see whether address and keys are right. Whether it reaches us is seen by its pushes."""
    deps = deps_of(request)
    provider = deps.provider_call
    if provider is None:
        raise Problem("not-offered")

    async def call(asked: PlatformRequest) -> PlatformAnswer | None:
        told = await provider(ProviderRequest(asked.method, asked.url, asked.headers, asked.body))
        return None if told is None else PlatformAnswer(told.status, told.body, told.headers)

    return await platforms.try_platform(
        deps.store, actor_of(request), _sealer(request), call, platform_id, deps.now_us()
    )


@post(
    "/operator-platforms/{platform_id:int}/questions", operation_id="ask_operator_platform_again", status_code=200, tags=["fleet"],
    opt=may(Permission.MANAGE_OPERATOR_PLATFORMS),
)  # fmt: skip
async def ask_operator_platform_again(
    request: Request[Any, Any, Any], platform_id: Id, data: JSONBody[AskedSince]
) -> OperatorPlatform:
    """Ask it for what its devices sent since then, as is done by itself after a silence; what is there already comes once."""
    deps = deps_of(request)
    since_us = seconds(data.since, "since") * 1_000_000
    return await platforms.ask_platform_again(
        deps.store, actor_of(request), platform_id, since_us, data.reason, deps.now_us()
    )


@get(
    "/operator-platforms/{platform_id:int}/devices", operation_id="list_operator_devices", tags=["fleet"],
    opt=may(Permission.SEE_METERS, whole=True),
)  # fmt: skip
async def list_operator_devices(
    request: Request[Any, Any, Any],
    platform_id: Id,
    failed: Annotated[bool, QueryParameter(description="Only those that have no name there.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[OperatorDevice]:
    """Meters at a platform: their names there, or why they have none."""
    scope = "operator-devices"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        after = after_id(scope, cursor) or 0
        rows = await work[OperatorPlatformStore].devices(platform_id, limit + 1, after, failed=failed)
    return page(scope, rows, limit, lambda row: row.meter_id)


@post(
    "/operator-pushes/{tenant_id:int}/{platform_id:int}", operation_id="hear_operator_push", status_code=200, tags=["fleet"], opt=PUBLIC,
    media_type="application/json", request_max_body_size=MOST_BODY,
)  # fmt: skip
async def hear_operator_push(request: Request[Any, Any, Any], tenant_id: Id32, platform_id: Id) -> Response[bytes]:
    """For operators' platforms only. Answered when the message is on disk and before it is worked on; one that is not proven is refused and
    counted."""
    deps = deps_of(request)
    address = client_address(request)
    _let_in(deps, address, platform_id)
    let_wait(deps.push_limiter.wait_s(f"platform {platform_id}"))
    try:
        await hear_push.hear_push(
            deps.store, _sealer(request), TenantId(tenant_id), platform_id, dict(request.headers), dict(request.query_params),
            await request.body(), address, deps.now_us(),
        )  # fmt: skip
    except Problem as problem:
        _count(deps, problem, address, platform_id)
        raise
    return Response(b'{"code":0}', status_code=200, media_type="application/json")


@get(
    "/operator-pushes/{tenant_id:int}/{platform_id:int}", operation_id="answer_operator_check", tags=["fleet"], opt=PUBLIC,
    media_type="text/plain",
)  # fmt: skip
async def answer_operator_check(request: Request[Any, Any, Any], tenant_id: Id32, platform_id: Id) -> Response[bytes]:
    """For operators' platforms that try our address before they push to it: what they want to hear, if they are proven."""
    deps, address = deps_of(request), client_address(request)
    _let_in(deps, address, platform_id)
    try:
        said = await hear_push.answer_check(
            deps.store, _sealer(request), TenantId(tenant_id), platform_id, dict(request.query_params)
        )
    except Problem as problem:
        _count(deps, problem, address, platform_id)
        raise
    return Response(said, status_code=200, media_type="text/plain")


def _let_in(deps: ApiDeps, address: str, platform_id: int) -> None:
    """Who was refused too often waits: for this connection, or for any where it asked for what is not there. Raises ``too-many-requests``."""
    let_wait(max(deps.guess_limiter.left_s(place) for place in (f"push {address}", f"push {address} {platform_id}")))


def _count(deps: ApiDeps, problem: Problem, address: str, platform_id: int) -> None:
    if problem.code == "not-found":
        deps.guess_limiter.wait_s(f"push {address}")
    elif problem.code == "push-refused":
        deps.guess_limiter.wait_s(f"push {address} {platform_id}")


HANDLERS: list[Any] = [
    list_operator_platforms,
    add_operator_platform,
    change_operator_platform,
    remove_operator_platform,
    try_operator_platform,
    ask_operator_platform_again,
    list_operator_devices,
    hear_operator_push,
    answer_operator_check,
]
