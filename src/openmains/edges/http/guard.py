# SPDX-License-Identifier: Apache-2.0
"""The guard of every operation: who asks, from where, how often, and whether the person may (R13.2, R13.5)."""

import ipaddress
import time
from collections import OrderedDict
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler

from openmains.app.identity.hashing import hash_secret
from openmains.app.identity.model import Actor
from openmains.app.identity.session import note_use
from openmains.app.portal.model import Visitor
from openmains.app.problems import Problem
from openmains.app.reach import NONE, Limits, limit_to
from openmains.domain.identity.application import asks_from
from openmains.domain.identity.lockout import place_of_address
from openmains.domain.identity.permission import PERMISSIONS
from openmains.edges.http.deps import ApiDeps, Connection, client_address, client_hop, deps_of, let_wait
from openmains.edges.http.permissions import access_of, operation_of
from openmains.edges.http.problems import request_id_of
from openmains.edges.http.proxies import normal

COOKIE = "openmains_session"
CUSTOMER_COOKIE = "openmains_customer"
BROWSER_COOKIE = "openmains_browser"  # no credential: failures of this browser are counted apart from its address's
_BROWSER_S = 400 * 86_400  # the longest that browsers keep one
RENEWED = "renewed_cookie"  # in a request's state: the cookie of a session that was just extended
OWN_HEADER = "x-openmains-request"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_EXTEND_EVERY_S = 300.0


class SessionTouch:
    """Remembers when a session or token was last noted as used: one write in five minutes."""

    def __init__(self, keys: int = 20_000) -> None:
        self._keys = keys
        self._at: OrderedDict[bytes, float] = OrderedDict()

    def due(self, secret_hash: bytes) -> bool:
        now = time.monotonic()
        last = self._at.get(secret_hash)
        if last is not None and now - last < _EXTEND_EVERY_S:
            return False
        self._at[secret_hash] = now
        self._at.move_to_end(secret_hash)
        if len(self._at) > self._keys:
            self._at.popitem(last=False)
        return True


async def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises the ``Problem`` that keeps the caller out; sets the actor otherwise."""
    access = access_of(handler)
    deps = deps_of(connection)
    limit_to(NONE)  # of a request before in the same task
    if access is not None and access.is_public:
        if access.is_sign_in:
            let_wait(deps.sign_in_limiter.wait_s(place_of_address(client_address(connection))))
            _check_origin(connection, deps, header_needed=False)
        return
    if operation_of(handler) == "read_metrics" and _is_local(connection, deps):
        return
    if access is not None and access.is_customer:
        await _authorize_customer(connection, deps)
        return
    actor = await identify(connection, deps)
    if actor is None:
        let_wait(deps.api_limiter.wait_s(f"address {client_address(connection)}"))
        raise Problem("sign-in-needed")
    is_socket = connection.scope["type"] == ScopeType.WEBSOCKET
    if actor.kind == "session" and (is_socket or _method(connection) not in _SAFE):
        _check_origin(connection, deps, header_needed=not is_socket)
    if access is None:
        raise Problem("not-allowed", needed="?")
    _check_application(connection, deps, actor)
    if access.permission is not None and access.permission not in actor.permissions:
        words = PERMISSIONS[access.permission]
        raise Problem("not-allowed", needed=(words.zh, words.en))
    if actor.must_change and not access.before_password_change:
        raise Problem("change-password-first")
    if access.is_whole and not actor.reach.is_whole:
        raise Problem("whole-utility-only")
    connection.scope["state"]["actor"] = actor
    limit_to(Limits(actor.reach, actor.user_id))


def _check_application(connection: Connection, deps: ApiDeps, actor: Actor) -> None:
    """From where and how often, as was said when it was made; all its tokens together."""
    if actor.kind != "application":
        return
    if actor.addresses and not asks_from(actor.address, actor.addresses):
        raise Problem("address-refused", address=actor.address)
    let_wait(deps.application_limiter(actor.rate).wait_s(f"application {actor.user_id}"))


async def _authorize_customer(connection: Connection, deps: ApiDeps) -> None:
    """A customer has a cookie of its own: no token and no session of the staff is looked at, and none of theirs is looked for here."""
    secret = connection.cookies.get(CUSTOMER_COOKIE, "")[:256]
    secret_hash, found = hash_secret(secret), None
    if secret and deps.customer_lookups is not None:
        let_wait(deps.api_limiter.wait_s(f"customer {secret_hash.hex()}"))
        found = await deps.customer_lookups.session(secret_hash)
    if found is None:
        let_wait(deps.api_limiter.wait_s(f"address {client_address(connection)}"))
        raise Problem("customer-sign-in-needed")
    if _method(connection) not in _SAFE:
        _check_origin(connection, deps, header_needed=True)
    connection.scope["state"]["visitor"] = Visitor(
        found.tenant_id, found.zone, found.expires_at, found.customer_ids, found.codes, secret_hash, client_address(connection),
        request_id_of(connection.scope),
    )  # fmt: skip


async def identify(connection: Connection, deps: ApiDeps) -> Actor | None:
    """Who the token or the cookie speaks for; the token goes first, because it is sent on purpose."""
    secret, kind = _secret(connection)
    if not secret:
        return None
    secret_hash = hash_secret(secret)
    actor = await deps.sign_in_store.find_credential(secret_hash)
    if actor is None or (actor.kind == "session") != (kind == "session"):
        return None
    let_wait(deps.api_limiter.wait_s(f"credential {secret_hash.hex()}"))
    state = connection.scope.setdefault("state", {})
    state["secret_hash"] = secret_hash
    touch: SessionTouch = connection.app.state.touch
    if touch.due(secret_hash):
        await note_use(deps.store, actor, secret_hash, deps.now() + deps.settings.session)
        if kind == "session":  # in a cookie
            state[RENEWED] = session_cookie(connection, secret, deps.settings.session).to_header(header="")
    return replace(actor, address=client_address(connection), request_id=request_id_of(connection.scope))


async def is_still_allowed(connection: Connection, deps: ApiDeps, actor: Actor) -> bool:
    """Whether the credential of an open connection still stands: not signed out, revoked or over, its person enabled, with the
    same permissions, and not asked for another password since."""
    found = await deps.sign_in_store.find_credential(connection.scope["state"]["secret_hash"])
    return (
        found is not None
        and (found.user_id, found.permissions, found.reach) == (actor.user_id, actor.permissions, actor.reach)
        and not found.must_change
    )


def _is_local(connection: Connection, deps: ApiDeps) -> bool:
    """A connection from this machine that no proxy handed on, where the settings make something of it."""
    if not deps.settings.open_metrics or deps.settings.proxies.came_through(connection.scope["headers"]):
        return False
    known = normal(connection.client.host if connection.client else "")
    return known is not None and ipaddress.ip_address(known).is_loopback


def _secret(connection: Connection) -> tuple[str, str]:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()[:256], "token"
    return connection.cookies.get(COOKIE, "")[:256], "session"


def _method(connection: Connection) -> str:
    return str(connection.scope.get("method", "GET"))


def session_cookie(connection: Connection, secret: str, age: timedelta) -> Cookie:
    """The cookie that carries a session's secret, hidden from scripts and other sites; no ``age``: it is taken back."""
    return Cookie(
        key=COOKIE,
        value=secret,
        max_age=int(age.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=_is_secure(connection),
    )


def browser_cookie(connection: Connection, value: str) -> Cookie:
    """The cookie by which a browser that signed in is known at its next sign-in."""
    return Cookie(
        key=BROWSER_COOKIE,
        value=value,
        max_age=_BROWSER_S,
        path="/api/v1/session",
        httponly=True,
        samesite="strict",
        secure=_is_secure(connection),
    )


def customer_cookie(connection: Connection, secret: str, age: timedelta) -> Cookie:
    """The cookie of a customer's session, which goes to customers' operations only; no ``age``: it is taken back."""
    return Cookie(
        key=CUSTOMER_COOKIE,
        value=secret,
        max_age=int(age.total_seconds()),
        path="/api/v1/my",
        httponly=True,
        samesite="strict",
        secure=_is_secure(connection),
    )


def _is_secure(connection: Connection) -> bool:
    forwarded = client_hop(connection).scheme == "https"
    return deps_of(connection).settings.secure_cookies or forwarded or connection.url.scheme in ("https", "wss")


def _check_origin(connection: Connection, deps: ApiDeps, *, header_needed: bool) -> None:
    """A browser names the page's origin in every change and WebSocket; other clients send the own header."""
    origin = connection.headers.get("origin")
    if origin is None:
        if header_needed and OWN_HEADER not in connection.headers:
            raise Problem("foreign-origin")
        return
    if origin in deps.settings.allowed_origins:
        return
    if not origin or urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise Problem("foreign-origin")
