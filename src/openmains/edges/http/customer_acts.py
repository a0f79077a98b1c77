# SPDX-License-Identifier: Apache-2.0
"""What customers do by their pages: pay, ask for a repair or a word (ADR 0059)."""

import io
from typing import Any

import segno
from litestar import Request, get, post
from litestar.params import JSONBody
from msgspec import Struct

from openmains.app.payment.ordering import ask_order
from openmains.app.portal import act
from openmains.app.portal import homes as see
from openmains.app.portal.model import ActKey, HomePayment, HomeRequest, RequestKind, RequestText
from openmains.app.problems import Problem
from openmains.edges.http.deps import deps_of, limit_visitor, visitor_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.payment_orders import Money, Row, tools_of
from openmains.edges.http.permissions import CUSTOMER


class NewHomePayment(Struct, frozen=True, forbid_unknown_fields=True):
    """``meter_id``: for the meter itself, which is given it by a signed command; without one for the account. ``in_wechat``: the page is in
    WeChat, whose bound person pays there."""

    key: ActKey
    channel_id: Row
    fen: Money
    meter_id: Row | None = None
    in_wechat: bool = False


class CodePicture(Struct, frozen=True):
    """``svg``: the code as a picture."""

    svg: str


class NewHomeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """``text``: what it is about, in the customer's words."""

    key: ActKey
    kind: RequestKind
    text: RequestText


@post("/my/homes/{account_id:int}/payments", operation_id="make_home_payment", tags=["customer pages"], opt=CUSTOMER)
async def make_home_payment(
    request: Request[Any, Any, Any], account_id: Id, data: JSONBody[NewHomePayment]
) -> HomePayment:
    """An order that one pays in the provider's app within half an hour. The same key again is the same order."""
    deps, visitor = deps_of(request), visitor_of(request)
    limit_visitor(request, "payments")
    return await act.pay(
        deps.store, tools_of(request), visitor, data.key, data.channel_id, account_id, data.meter_id, data.fen, deps.now_us(),
        in_wechat=data.in_wechat,
    )  # fmt: skip


@get("/my/payments/{order_id:int}", operation_id="read_home_payment", tags=["customer pages"], opt=CUSTOMER)
async def read_home_payment(request: Request[Any, Any, Any], order_id: Id) -> HomePayment:
    """Where its money is."""
    return await see.own_payment(deps_of(request).store, visitor_of(request), order_id)


@get(
    "/my/payments/{order_id:int}/code",
    operation_id="draw_home_payment_code",
    tags=["customer pages"],
    opt=CUSTOMER,
)
async def draw_home_payment_code(request: Request[Any, Any, Any], order_id: Id) -> CodePicture:
    """The code to scan with the provider's app, as a picture; ``not-found`` when nothing is to be paid."""
    found = await see.own_payment(deps_of(request).store, visitor_of(request), order_id)
    if not found.code:
        raise Problem("not-found")
    out = io.BytesIO()
    segno.make_qr(found.code, error="m").save(out, kind="svg", scale=6, border=3, light="#fff", xmldecl=False)
    return CodePicture(out.getvalue().decode())


@post(
    "/my/payments/{order_id:int}/ask",
    operation_id="ask_home_payment",
    status_code=200,
    tags=["customer pages"],
    opt=CUSTOMER,
)
async def ask_home_payment(request: Request[Any, Any, Any], order_id: Id) -> HomePayment:
    """Ask the provider now what became of it, as the platform does by itself."""
    deps, visitor = deps_of(request), visitor_of(request)
    await see.own_payment(deps.store, visitor, order_id)
    limit_visitor(request, "asking")
    await ask_order(deps.store, tools_of(request), visitor.tenant_id, visitor.zone.key, order_id, deps.now_us())
    return await see.own_payment(deps.store, visitor, order_id)


@get("/my/homes/{account_id:int}/requests", operation_id="list_home_requests", tags=["customer pages"], opt=CUSTOMER)
async def list_home_requests(request: Request[Any, Any, Any], account_id: Id) -> list[HomeRequest]:
    """What one asked for, newest first, with the answers."""
    return await act.requests(deps_of(request).store, visitor_of(request), account_id)


@post("/my/homes/{account_id:int}/requests", operation_id="make_home_request", tags=["customer pages"], opt=CUSTOMER)
async def make_home_request(
    request: Request[Any, Any, Any], account_id: Id, data: JSONBody[NewHomeRequest]
) -> HomeRequest:
    """Ask for a repair or a word: a work order. The same key again is the same request."""
    deps = deps_of(request)
    return await act.ask(deps.store, visitor_of(request), data.key, account_id, data.kind, data.text, deps.now_us())


HANDLERS: list[Any] = [
    make_home_payment,
    read_home_payment,
    draw_home_payment_code,
    ask_home_payment,
    list_home_requests,
    make_home_request,
]
