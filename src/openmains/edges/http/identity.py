# SPDX-License-Identifier: Apache-2.0
"""People, API tokens, the trail."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from litestar import Request, delete, get, patch, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.identity import change_user as use
from openmains.app.identity.create_user import create_user as add_person
from openmains.app.identity.model import Actor, ApiToken, AuditEntry, TrailFilter, TrailSort, User
from openmains.app.identity.ports import AuditTrail, CredentialStore, UserStore
from openmains.app.identity.tokens import create_token as make_token
from openmains.app.identity.tokens import revoke_token as end_token
from openmains.app.identity.tokens import whose_tokens
from openmains.app.problems import Problem
from openmains.domain.identity.login import WRITTEN
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import MOST_PLACES, MOST_PRODUCTS, Reach
from openmains.domain.ids import TokenId, UserId
from openmains.domain.period import date_to_day, utc, zone
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    Page,
    Reason,
    ReasonText,
    WhyQuery,
    Word,
    after_id,
    changes,
    optional,
    page,
)
from openmains.edges.http.permissions import SIGNED_IN, may

Locale = Literal["zh", "en"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
RoleCode = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9-]{1,31}$", description="Code of a role, built-in or the utility's own.")
]
Places = Annotated[list[Number], Meta(max_length=MOST_PLACES, description="Areas, each with all below it.")]
Media = Annotated[list[Literal["gas", "water"]], Meta(max_length=2)]
Products = Annotated[list[Number], Meta(max_length=MOST_PRODUCTS, description="A maker's own models.")]


class NewUser(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add; a role that manages people needs a reason. ``places``, ``media``, ``products``: where the role holds; what is
    empty limits nothing."""

    login: Annotated[str, Meta(min_length=2, max_length=64, pattern=f"^{WRITTEN}$")]
    name: Name
    role: RoleCode
    locale: Locale = "zh"
    reason: ReasonText = ""
    places: Places = []
    media: Media = []
    products: Products = []


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a person may change; ``unlock`` ends a lock after failed sign-ins. Another role, other places,
    media or products, ``disabled`` and its end need a reason."""

    name: Name | UnsetType = UNSET
    role: RoleCode | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    unlock: bool | UnsetType = UNSET
    places: Places | UnsetType = UNSET
    media: Media | UnsetType = UNSET
    products: Products | UnsetType = UNSET
    reason: ReasonText = ""


class UserWithPassword(Struct, frozen=True):
    """A new person; the password is shown this once and must be changed at the first sign-in."""

    user: User
    password: str


class NewPassword(Struct, frozen=True):
    """Shown once; must be changed at the next sign-in."""

    password: str


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make; without ``valid_days`` it holds until revoked. Such a one, or one that manages people, needs a reason."""

    name: Name
    role: RoleCode
    valid_days: Annotated[int, Meta(ge=1, le=3650)] | None = 365
    reason: ReasonText = ""


class TokenWithSecret(Struct, frozen=True):
    """A new token; the secret is shown this once."""

    token: ApiToken
    secret: str


@get("/users", operation_id="list_users", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def list_users(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[User]:
    """People of the tenant."""
    after = after_id("users", cursor) or 0
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return page("users", await work[UserStore].page(limit + 1, after), limit, lambda user: user.user_id)


@get("/users/{user_id:int}", operation_id="read_user", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def read_user(request: Request[Any, Any, Any], user_id: Id) -> User:
    """One person."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[UserStore].get(UserId(user_id))
    if found is None:
        raise Problem("not-found")
    return found


@post("/users", operation_id="create_user", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def create_user(request: Request[Any, Any, Any], data: JSONBody[NewUser]) -> UserWithPassword:
    """Add a person."""
    user, password = await add_person(
        deps_of(request).store,
        actor_of(request),
        login=data.login,
        name=data.name,
        role=data.role,
        locale=data.locale,
        reason=data.reason,
        reach=Reach(
            tuple(dict.fromkeys(data.places)), tuple(dict.fromkeys(data.media)), tuple(dict.fromkeys(data.products))
        ),
    )
    return UserWithPassword(user, password)


@patch("/users/{user_id:int}", operation_id="change_user", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def change_user(request: Request[Any, Any, Any], user_id: Id, data: JSONBody[UserChange]) -> User:
    """Change a person's name, role, language, lock."""
    values = changes(data)
    reason = values.pop("reason")
    return await use.change_user(deps_of(request).store, actor_of(request), UserId(user_id), values, reason)


@post(
    "/users/{user_id:int}/password",
    operation_id="reset_user_password",
    tags=["identity"],
    opt=may(Permission.MANAGE_USERS),
)
async def reset_user_password(
    request: Request[Any, Any, Any], user_id: Id, data: JSONBody[Reason | None] = None
) -> NewPassword:
    """Give a person a new random password; the person's sessions and tokens end."""
    why = "" if data is None else data.reason
    return NewPassword(await use.reset_password(deps_of(request).store, actor_of(request), UserId(user_id), why))


@delete("/users/{user_id:int}", operation_id="remove_user", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def remove_user(request: Request[Any, Any, Any], user_id: Id, reason: WhyQuery = "") -> None:
    """Remove a person; what the person did stays in the trail."""
    await use.remove_user(deps_of(request).store, actor_of(request), UserId(user_id), reason)


@get("/tokens", operation_id="list_tokens", tags=["identity"], opt=SIGNED_IN)
async def list_tokens(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[ApiToken]:
    """One's own tokens; who manages people sees all."""
    actor = actor_of(request)
    after = after_id("tokens", cursor) or 0
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        rows = await work[CredentialStore].tokens(whose_tokens(actor), limit + 1, after)
    return page("tokens", rows, limit, lambda token: token.token_id)


@post("/tokens", operation_id="create_token", tags=["identity"], opt=SIGNED_IN)
async def create_token(request: Request[Any, Any, Any], data: JSONBody[NewToken]) -> TokenWithSecret:
    """Make an API token that may do at most what oneself may."""
    deps = deps_of(request)
    token, secret = await make_token(
        deps.store, actor_of(request), name=data.name, role=data.role, valid_days=data.valid_days, now=deps.now(),
        reason=data.reason,
    )  # fmt: skip
    return TokenWithSecret(token, secret)


@delete("/tokens/{token_id:int}", operation_id="revoke_token", tags=["identity"], opt=SIGNED_IN)
async def revoke_token(request: Request[Any, Any, Any], token_id: Id, reason: WhyQuery = "") -> None:
    """Revoke a token at once."""
    await end_token(deps_of(request).store, actor_of(request), TokenId(token_id), reason)


def bounds_of(actor: Actor, first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Days of the actor's utility as instants: from the start of the first to the end of the last."""
    for name, day in (("/first", first), ("/last", last)):
        if day is not None and not 1970 <= day.year <= 2100:
            raise Problem("invalid-input", fields=((name, "out-of-range"),))
    if first is not None and last is not None and last < first:
        raise Problem("invalid-input", fields=(("/last", "out-of-range"),))
    place = zone(actor.zone)
    return (
        None if first is None else utc(place.start_of(date_to_day(first))),
        None if last is None else utc(place.start_of(date_to_day(last) + 1)),
    )


@get("/audit", operation_id="list_audit", tags=["identity"], opt=may(Permission.SEE_TRAIL))
async def list_audit(
    request: Request[Any, Any, Any],
    limit: Limit = 50,
    cursor: Cursor = None,
    object_type: Word = None,
    object_id: Word = None,
    user_id: OptionalId = None,
    action: Word = None,
    first: Annotated[date | None, QueryParameter(description="First calendar day of the tenant.")] = None,
    last: Annotated[date | None, QueryParameter(description="Last one, included.")] = None,
    sort: FromQuery[TrailSort] = "-at",
) -> Page[AuditEntry]:
    """The trail, newest first (``-at``) or oldest first: of a person, of an object, of an act, of days."""
    actor = actor_of(request)
    since, until = bounds_of(actor, first, last)
    chosen = TrailFilter(object_type, object_id, optional(UserId, user_id), action, since, until, sort)
    scope = f"audit {sort}"
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        rows = await work[AuditTrail].page(limit + 1, after_id(scope, cursor), chosen)
    return page(scope, rows, limit, lambda entry: entry.audit_id)


HANDLERS: list[Any] = [
    list_users,
    read_user,
    create_user,
    change_user,
    reset_user_password,
    remove_user,
    list_tokens,
    create_token,
    revoke_token,
    list_audit,
]
