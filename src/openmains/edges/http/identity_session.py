# SPDX-License-Identifier: Apache-2.0
"""Sign in and out, one's own password."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Request, Response, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.fleet.ports import AreaStore
from openmains.app.identity.model import Actor
from openmains.app.identity.preferences import Preferences, PreferencesChange, change_preferences, own_preferences
from openmains.app.identity.session import sign_out as end_session
from openmains.app.unit_of_work import Store
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId
from openmains.edges.http.deps import actor_of, client_address, deps_of
from openmains.edges.http.guard import BROWSER_COOKIE, browser_cookie, session_cookie
from openmains.edges.http.permissions import ANY_PASSWORD, SIGN_IN, SIGNED_IN
from openmains.edges.http.problems import request_id_of

Password = Annotated[str, Meta(min_length=1, max_length=1024)]
Login = Annotated[str, Meta(min_length=1, max_length=100)]


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """``tenant``: code of the utility; not needed where there is only one."""

    login: Login
    password: Password
    tenant: Annotated[str, Meta(max_length=64)] | None = None


class PasswordBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One's own password, the present one and the next. ``keep_tokens``: the own API tokens go on; else they end, for whoever knew
    the old password may have made one."""

    current: Password
    new: Password
    keep_tokens: bool = False


class SessionPlace(Struct, frozen=True):
    """A place that the rights are limited to, with all below it."""

    area_id: int
    name: str


class SessionInfo(Struct, frozen=True):
    """Who is signed in. ``permissions``: what this session or token may do; ``must_change``: nothing but the password can be
    changed until it is. ``places``, ``media``, ``products``: where the rights hold; what is empty limits nothing."""

    user_id: int
    login: str
    name: str
    role: str
    permissions: list[Permission]
    locale: str
    zone: str
    kind: str
    must_change: bool
    preferences: Preferences
    places: list[SessionPlace]
    media: list[str]
    products: list[int]
    expires_at: datetime | None = None


async def _info(store: Store, actor: Actor, expires_at: datetime | None = None) -> SessionInfo:
    preferences = await own_preferences(store, actor)
    places = []
    if actor.places:
        async with store.tenant(actor.tenant_id) as work:
            found = [await work[AreaStore].get(AreaId(place)) for place in actor.places]
        places = [SessionPlace(area.area_id, area.name) for area in found if area is not None]
    return SessionInfo(
        user_id=actor.user_id,
        login=actor.login,
        name=actor.name,
        role=actor.role,
        permissions=sorted(actor.permissions),
        locale=actor.locale,
        zone=actor.zone,
        kind=actor.kind,
        must_change=actor.must_change,
        preferences=preferences,
        places=places,
        media=list(actor.media),
        products=list(actor.products),
        expires_at=expires_at,
    )


@post("/session", operation_id="sign_in", status_code=201, tags=["identity"], opt=SIGN_IN)
async def sign_in(request: Request[Any, Any, Any], data: JSONBody[SignInBody]) -> Response[SessionInfo]:
    """Sign in; the session is a cookie that scripts cannot read."""
    deps = deps_of(request)
    signed = await deps.sign_in(
        data.tenant,
        data.login,
        data.password,
        address=client_address(request),
        browser=request.cookies.get(BROWSER_COOKIE, "")[:256],
        request_id=request_id_of(request.scope),
    )
    cookies = [session_cookie(request, signed.secret, deps.settings.session), browser_cookie(request, signed.browser)]
    info = await _info(deps.store, signed.actor, signed.expires_at)
    return Response(info, status_code=201, cookies=cookies)


@get("/session", operation_id="read_session", tags=["identity"], opt=ANY_PASSWORD)
async def read_session(request: Request[Any, Any, Any]) -> SessionInfo:
    """Who is signed in."""
    return await _info(deps_of(request).store, actor_of(request))


@patch("/session/preferences", operation_id="change_preferences", tags=["identity"], opt=SIGNED_IN)
async def change_own_preferences(request: Request[Any, Any, Any], data: JSONBody[PreferencesChange]) -> Preferences:
    """One's own language, way of writing numbers, rows a page and columns of lists; what is left out stays."""
    return await change_preferences(deps_of(request).store, actor_of(request), data)


@delete("/session", operation_id="sign_out", tags=["identity"], opt=ANY_PASSWORD)
async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
    """End this session."""
    await end_session(deps_of(request).store, actor_of(request), request.scope["state"]["secret_hash"])
    return Response(None, status_code=204, cookies=[session_cookie(request, "", timedelta())])


@post("/session/password", operation_id="change_password", status_code=204, tags=["identity"], opt=ANY_PASSWORD)
async def change_password(request: Request[Any, Any, Any], data: JSONBody[PasswordBody]) -> None:
    """Change one's own password; all other sessions end, and the own API tokens unless they are kept."""
    await deps_of(request).change_password(
        actor_of(request),
        data.current,
        data.new,
        request.scope["state"]["secret_hash"],
        keep_tokens=data.keep_tokens,
    )


HANDLERS: list[Any] = [sign_in, read_session, sign_out, change_password, change_own_preferences]
