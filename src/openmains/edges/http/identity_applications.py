# SPDX-License-Identifier: Apache-2.0
"""Client applications, and the token endpoint of OAuth 2.0 (RFC 6749) by which they sign in."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import unquote_plus

from litestar import Request, delete, get, patch, post
from litestar.params import JSONBody, URLEncodedBody
from msgspec import Meta, Struct

from openmains.app.identity import applications as use
from openmains.app.identity.application_model import AccessToken, ApplicationTerms, ClientApplication
from openmains.app.identity.application_ports import ApplicationStore
from openmains.app.identity.application_tokens import open_access
from openmains.app.problems import Problem
from openmains.domain.identity.application import GRANT, MOST_ADDRESSES, MOST_METERS, MOST_OVERLAP_H, PERSONS_ONLY
from openmains.domain.identity.lockout import place_of_address
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import UserId
from openmains.domain.period import date_to_day, utc, zone
from openmains.edges.http.deps import actor_of, client_address, deps_of, let_wait
from openmains.edges.http.identity import Media, Name, Places, Products
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Reason, ReasonText, WhyQuery, after_id, page
from openmains.edges.http.permissions import SIGN_IN, may
from openmains.edges.http.problems import request_id_of

MANAGES = may(Permission.MANAGE_USERS)
Scopes = Annotated[list[Permission], Meta(min_length=1, max_length=len(Permission))]
MeterNumber = Annotated[str, Meta(min_length=1, max_length=32)]
Meters = Annotated[list[MeterNumber], Meta(max_length=MOST_METERS, description="Numbers of the bound devices.")]
Network = Annotated[str, Meta(min_length=2, max_length=49, pattern=r"^[0-9A-Fa-f.:/]+$")]
Addresses = Annotated[
    list[Network], Meta(max_length=MOST_ADDRESSES, description="Addresses and networks (CIDR) it may ask from.")
]
Rate = Annotated[int, Meta(ge=1, le=1000, description="Requests in a second.")]


class NewApplication(Struct, frozen=True, forbid_unknown_fields=True):
    """An account for another system. ``places``, ``media``, ``products``, ``meters``: where its scopes hold; what is empty limits nothing.
    ``last_day``: of the utility's calendar, included; without one it holds until it is revoked."""

    name: Name
    scopes: Scopes
    places: Places = []
    media: Media = []
    products: Products = []
    meters: Meters = []
    addresses: Addresses = []
    rate: Rate | None = None
    last_day: date | None = None
    reason: ReasonText = ""


class ApplicationChange(NewApplication, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole application as it is to be; ``revision``: of the one that was read."""

    revision: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class SecretRenewal(Struct, frozen=True, forbid_unknown_fields=True):
    """``overlap_h``: hours for which the secret before is valid as well; 0: it ends at once, with all that it opened."""

    overlap_h: Annotated[int, Meta(ge=0, le=MOST_OVERLAP_H)] = 24
    reason: ReasonText = ""


class ApplicationWithSecret(Struct, frozen=True):
    """The secret is shown this once."""

    application: ClientApplication
    client_secret: str

    def __repr__(self) -> str:
        return f"ApplicationWithSecret({self.application.client_id!r})"


class TokenRequest(Struct, frozen=True):
    """RFC 6749 section 4.4.2. Parameters that are not known mean nothing (section 3.2). ``scope``: fewer than all, separated by spaces."""

    grant_type: Annotated[str, Meta(max_length=100, pattern="^[ -~]*$")] = ""
    scope: Annotated[str, Meta(max_length=4000, pattern="^[ -~]*$")] = ""
    client_id: Annotated[str, Meta(max_length=100, pattern="^[ -~]*$")] = ""
    client_secret: Annotated[str, Meta(max_length=256)] = ""

    def __repr__(self) -> str:
        return f"TokenRequest({self.grant_type!r}, {self.client_id!r})"


@get("/applications", operation_id="list_applications", tags=["identity"], opt=MANAGES)
async def list_applications(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[ClientApplication]:
    """Accounts of other systems, those that were revoked too."""
    after = after_id("applications", cursor) or 0
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ApplicationStore].page(limit + 1, after)
    return page("applications", rows, limit, lambda one: one.application_id)


@get(
    "/applications/scopes", operation_id="list_application_scopes", tags=["identity"], opt=MANAGES, sync_to_thread=False
)
def list_application_scopes(request: Request[Any, Any, Any]) -> list[Permission]:
    """What oneself may give to an application: one's own permissions but those of persons."""
    return sorted(actor_of(request).permissions - PERSONS_ONLY)


@get("/applications/{application_id:int}", operation_id="read_application", tags=["identity"], opt=MANAGES)
async def read_application(request: Request[Any, Any, Any], application_id: Id) -> ClientApplication:
    """One of them."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ApplicationStore].get(UserId(application_id))
    if found is None:
        raise Problem("not-found")
    return found


@post("/applications", operation_id="add_application", tags=["identity"], opt=MANAGES)
async def add_application(request: Request[Any, Any, Any], data: JSONBody[NewApplication]) -> ApplicationWithSecret:
    """Make one; its secret is told in this answer and never again."""
    deps, actor = deps_of(request), actor_of(request)
    made, secret = await use.add_application(deps.store, actor, _form(request, data), data.reason, deps.now())
    return ApplicationWithSecret(made, secret)


@patch("/applications/{application_id:int}", operation_id="change_application", tags=["identity"], opt=MANAGES)
async def change_application(
    request: Request[Any, Any, Any], application_id: Id, data: JSONBody[ApplicationChange]
) -> ClientApplication:
    """Other scopes, devices, addresses or an end; it holds from the next request on."""
    deps, actor = deps_of(request), actor_of(request)
    return await use.change_application(
        deps.store, actor, UserId(application_id), data.revision, _form(request, data), data.reason, deps.now()
    )


@post(
    "/applications/{application_id:int}/secret", operation_id="renew_client_secret", tags=["identity"], opt=MANAGES
)  # fmt: skip
async def renew_client_secret(
    request: Request[Any, Any, Any], application_id: Id, data: JSONBody[SecretRenewal]
) -> ApplicationWithSecret:
    """A new secret, told in this answer and never again; the one before is valid for some hours more."""
    deps, actor = deps_of(request), actor_of(request)
    found, secret = await use.renew_secret(
        deps.store, actor, UserId(application_id), data.overlap_h, data.reason, deps.now()
    )
    return ApplicationWithSecret(found, secret)


@post(
    "/applications/{application_id:int}/responsible", operation_id="take_over_application", status_code=200, tags=["identity"],
    opt=MANAGES,
)  # fmt: skip
async def take_over_application(
    request: Request[Any, Any, Any], application_id: Id, data: JSONBody[Reason]
) -> ClientApplication:
    """Be responsible for it oneself, as where its maker has left."""
    return await use.take_over(deps_of(request).store, actor_of(request), UserId(application_id), data.reason)


@delete("/applications/{application_id:int}", operation_id="revoke_application", tags=["identity"], opt=MANAGES)
async def revoke_application(request: Request[Any, Any, Any], application_id: Id, reason: WhyQuery = "") -> None:
    """End it for good: its secrets and tokens at once, its open live views within 5 s. What it did stays in the trail."""
    await use.revoke_application(deps_of(request).store, actor_of(request), UserId(application_id), reason)


@post(
    "/oauth/token",
    operation_id="open_access",
    status_code=200,
    tags=["identity"],
    request_max_body_size=16 * 1024,
    opt=SIGN_IN,
)
async def open_access_token(request: Request[Any, Any, Any], data: URLEncodedBody[TokenRequest]) -> AccessToken:
    """For applications: an access token of an hour for the secret (OAuth 2.0 client credentials). The credentials go by HTTP Basic or in the
    form. Wrong ones are counted by the address that they come from."""
    deps, address = deps_of(request), client_address(request)
    client_id, secret = _credentials(request, data)
    if not data.grant_type or not client_id or not secret:
        raise Problem("token-request-incomplete")
    if data.grant_type != GRANT:
        raise Problem("grant-not-offered")
    place = f"secrets {place_of_address(address)}"
    let_wait(deps.guess_limiter.left_s(place))
    try:
        return await open_access(
            deps.store, deps.sign_in_store, client_id, secret, data.scope, address=address, request_id=request_id_of(request.scope),
            now=deps.now(),
        )  # fmt: skip
    except Problem as problem:
        if problem.code == "client-refused":
            deps.guess_limiter.wait_s(place)
        raise


def _credentials(request: Request[Any, Any, Any], data: TokenRequest) -> tuple[str, str]:
    """By HTTP Basic, both parts form-encoded first (RFC 6749 section 2.3.1), or in the form. Raises ``token-request-incomplete`` where they
    come both ways or cannot be read."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return data.client_id, data.client_secret
    try:
        text = base64.b64decode(value.strip()[:1000], validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise Problem("token-request-incomplete") from error
    client_id, colon, secret = text.partition(":")
    if not colon or data.client_secret or data.client_id not in ("", unquote_plus(client_id)):
        raise Problem("token-request-incomplete")
    return unquote_plus(client_id), unquote_plus(secret)


def _form(request: Request[Any, Any, Any], data: NewApplication | ApplicationChange) -> ApplicationTerms:
    return ApplicationTerms(
        name=data.name, scopes=data.scopes, places=data.places, media=list(data.media), products=data.products, meters=data.meters,
        addresses=data.addresses, rate=data.rate, expires_at=_end_of(request, data.last_day),
    )  # fmt: skip


def _end_of(request: Request[Any, Any, Any], last: date | None) -> datetime | None:
    if last is None:
        return None
    if not 1970 <= last.year <= 2100:
        raise Problem("invalid-input", fields=(("/last_day", "out-of-range"),))
    return utc(zone(actor_of(request).zone).start_of(date_to_day(last) + 1))


HANDLERS: list[Any] = [
    list_applications,
    list_application_scopes,
    read_application,
    add_application,
    change_application,
    renew_client_secret,
    take_over_application,
    revoke_application,
    open_access_token,
]
