# SPDX-License-Identifier: Apache-2.0
"""Customers sign in by a code to their phone, and out (ADR 0059)."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.portal import sign_in as use
from openmains.app.portal.model import CodeChallenge, CustomerSession
from openmains.app.portal.sign_in import CustomerSignIn
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import place_of_address
from openmains.edges.http.deps import ApiDeps, client_address, deps_of, let_wait, visitor_of
from openmains.edges.http.guard import customer_cookie
from openmains.edges.http.permissions import CUSTOMER, SIGN_IN
from openmains.edges.http.problems import request_id_of


class PhoneBody(Struct, frozen=True, forbid_unknown_fields=True):
    """``tenant``: code of the utility; not needed where there is only one."""

    phone: Annotated[str, Meta(min_length=5, max_length=64)]
    tenant: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class CodeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """``challenge``: of the answer to the phone; ``code``: six digits out of the message."""

    challenge: Annotated[str, Meta(pattern="^omq_[A-Za-z0-9_-]{20,100}$")]
    code: Annotated[str, Meta(pattern="^[0-9]{6}$")]


def _sign_in(deps: ApiDeps) -> CustomerSignIn:
    if deps.customer_sign_in is None:
        raise Problem("not-offered")
    return deps.customer_sign_in


@post("/my/code", operation_id="ask_for_code", status_code=202, tags=["customer pages"], opt=SIGN_IN)
async def ask_for_code(request: Request[Any, Any, Any], data: JSONBody[PhoneBody]) -> CodeChallenge:
    """Send a code to a customer's phone. A phone that is nobody's is answered alike."""
    return await _sign_in(deps_of(request)).ask(
        data.tenant, data.phone, address=client_address(request), request_id=request_id_of(request.scope)
    )


@post("/my/session", operation_id="sign_in_customer", status_code=201, tags=["customer pages"], opt=SIGN_IN)
async def sign_in_customer(request: Request[Any, Any, Any], data: JSONBody[CodeBody]) -> Response[CustomerSession]:
    """Sign in by the code; the session is a cookie that scripts cannot read, and lasts 30 days."""
    deps, address = deps_of(request), client_address(request)
    place = place_of_address(address)
    let_wait(deps.guess_limiter.left_s(place))
    try:
        session, secret, _ = await _sign_in(deps).enter(
            data.challenge, data.code, address=address, request_id=request_id_of(request.scope)
        )
    except Problem as problem:
        if problem.code == "wrong-code":
            deps.guess_limiter.wait_s(place)
        raise
    return Response(session, status_code=201, cookies=[customer_cookie(request, secret, use.SESSION)])


@get("/my/session", operation_id="read_customer_session", tags=["customer pages"], opt=CUSTOMER)
async def read_customer_session(request: Request[Any, Any, Any]) -> CustomerSession:
    """Who is signed in."""
    return await use.read_session(deps_of(request).store, visitor_of(request))


@delete("/my/session", operation_id="sign_out_customer", tags=["customer pages"], opt=CUSTOMER)
async def sign_out_customer(request: Request[Any, Any, Any]) -> Response[None]:
    """End this session."""
    await use.sign_out(deps_of(request).store, visitor_of(request))
    return Response(None, status_code=204, cookies=[customer_cookie(request, "", timedelta())])


HANDLERS: list[Any] = [ask_for_code, sign_in_customer, read_customer_session, sign_out_customer]
