# SPDX-License-Identifier: Apache-2.0
"""Customers in WeChat: signed in by WeChat's code, bound, and unbound (ADR 0066)."""

from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Meta, Struct

from openmains.app.portal import wechat
from openmains.app.portal.model import CustomerSession, WechatSignIn
from openmains.app.portal.sign_in import SESSION
from openmains.app.portal.wechat import WechatContext
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import place_of_address
from openmains.edges.http.deps import client_address, deps_of, let_wait, limit_visitor, visitor_of
from openmains.edges.http.guard import customer_cookie
from openmains.edges.http.payment_orders import tools_of
from openmains.edges.http.permissions import CUSTOMER, SIGN_IN
from openmains.edges.http.problems import request_id_of

TenantCode = Annotated[str, Meta(min_length=1, max_length=64)]
WechatCode = Annotated[
    str, Meta(min_length=8, max_length=512, pattern=r"^[A-Za-z0-9_-]+$", description="As WeChat brought it back to the page; good once.")
]  # fmt: skip


class WechatEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``tenant``: code of the utility; not needed where there is only one."""

    code: WechatCode
    tenant: TenantCode | None = None


class WechatBinding(Struct, frozen=True, forbid_unknown_fields=True):
    """A code that WeChat brought back."""

    code: WechatCode


def _context(request: Request[Any, Any, Any]) -> WechatContext:
    deps = deps_of(request)
    if deps.customer_lookups is None or deps.personal is None:
        raise Problem("not-offered")
    return WechatContext(deps.store, deps.customer_lookups, deps.personal, tools_of(request), deps.now_us)


@get("/my/wechat", operation_id="read_wechat_sign_in", tags=["customer pages"], opt=SIGN_IN)
async def read_wechat_sign_in(
    request: Request[Any, Any, Any], tenant: FromQuery[TenantCode | None] = None
) -> WechatSignIn:
    """Where WeChat's page authorisation is asked for; ``wechat-off`` where the utility has none."""
    return await wechat.offered(_context(request), tenant)


@post("/my/wechat/session", operation_id="sign_in_by_wechat", status_code=201, tags=["customer pages"], opt=SIGN_IN)
async def sign_in_by_wechat(request: Request[Any, Any, Any], data: JSONBody[WechatEntry]) -> Response[CustomerSession]:
    """Sign in by WeChat's code, where the WeChat is bound to a customer's phone; the session is as one by a code to the phone."""
    deps, address = deps_of(request), client_address(request)
    place = place_of_address(address)
    let_wait(deps.guess_limiter.left_s(place))
    try:
        session, secret = await wechat.enter(
            _context(request), data.tenant, data.code, address=address, request_id=request_id_of(request.scope)
        )
    except Problem as problem:
        if problem.code == "wechat-code-refused":
            deps.guess_limiter.wait_s(place)
        raise
    return Response(session, status_code=201, cookies=[customer_cookie(request, secret, SESSION)])


@post("/my/wechat", operation_id="bind_wechat", status_code=200, tags=["customer pages"], opt=CUSTOMER)
async def bind_wechat(request: Request[Any, Any, Any], data: JSONBody[WechatBinding]) -> CustomerSession:
    """Bind this WeChat to the phone that signed in: it signs in by itself from now on."""
    limit_visitor(request, "binding")
    return await wechat.bind(_context(request), visitor_of(request), data.code)


@delete("/my/wechat", operation_id="unbind_wechat", tags=["customer pages"], opt=CUSTOMER)
async def unbind_wechat(request: Request[Any, Any, Any]) -> None:
    """No WeChat signs in for this phone any more."""
    await wechat.unbind(deps_of(request).store, visitor_of(request))


HANDLERS: list[Any] = [read_wechat_sign_in, sign_in_by_wechat, bind_wechat, unbind_wechat]
