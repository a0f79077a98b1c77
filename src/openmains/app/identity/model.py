# SPDX-License-Identifier: Apache-2.0
"""People, tokens and the trail as the use cases and the API see them. No secret is ever part of a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import WHOLE, Reach
from openmains.domain.identity.role import built_in, known
from openmains.domain.ids import TenantId, TokenId, UserId


def allowed(role: str, own: Sequence[str] | None) -> frozenset[Permission]:
    """What a role may do: a built-in one by its code; of one of the utility's own, ``own`` are the names of its permissions."""
    return built_in(role) if own is None else known(frozenset(own))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, from where: made from a session, a token or an application's access token for one request.

    ``role``: code of the role; ``own``: the permissions' names where it is one of the utility's own, the scopes of an application. A token may
    do what its role may, and never more than the person whose token it is: ``holder_role``, ``holder_own``; an application never
    more than who is responsible for it. ``meters``, ``addresses``, ``rate``: of an application: its bound devices, the
    networks that it asks from, its requests in a second.
    """

    tenant_id: TenantId
    user_id: UserId
    login: str
    name: str
    role: str
    locale: str
    zone: str
    kind: str  # 'session', 'token' or 'application'
    must_change: bool = False
    address: str = ""
    request_id: str = ""
    own: Sequence[str] | None = None
    holder_role: str | None = None
    holder_own: Sequence[str] | None = None
    places: Sequence[int] = ()
    media: Sequence[str] = ()
    products: Sequence[int] = ()
    meters: Sequence[int] = ()
    addresses: Sequence[str] = ()
    rate: int | None = None

    @property
    def reach(self) -> Reach:
        """Where its rights hold."""
        return Reach(tuple(self.places), tuple(self.media), tuple(self.products), tuple(self.meters))

    @property
    def held(self) -> frozenset[Permission]:
        """What its role may do, wherever that holds."""
        held = allowed(self.role, self.own)
        return held if self.holder_role is None else held & allowed(self.holder_role, self.holder_own)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it may do now: nothing of the whole utility where its rights are limited."""
        return self.held if self.reach.is_whole else self.held - WHOLE

    def may(self, permission: Permission) -> bool:
        """Whether it has this permission."""
        return permission in self.permissions


class SignInRecord(msgspec.Struct, frozen=True):
    """What sign-in needs of a user, before a tenant is known. Stays inside the use case.

    ``place``: where the failures are counted (``domain/identity/lockout.py``); ``is_known``: the person signed in there before;
    ``failed_elsewhere``: within a day, at places where the person never did.
    """

    user_id: UserId
    tenant_id: TenantId
    name: str
    password_hash: str
    role: str
    locale: str
    disabled: bool
    must_change: bool
    zone: str
    place: str
    failed_count: int = 0
    locked_until: datetime | None = None
    is_known: bool = False
    failed_elsewhere: int = 0
    own: Sequence[str] | None = None
    places: Sequence[int] = ()
    media: Sequence[str] = ()
    products: Sequence[int] = ()


class User(msgspec.Struct, frozen=True):
    """A person of a tenant. ``locked_until``: the latest end of a lock at one of the places from which wrong passwords came; from
    other places the person can sign in meanwhile. ``places`` (with all below them), ``media``, ``products``: where the role holds; what
    is empty limits nothing."""

    user_id: UserId
    login: str
    name: str
    role: str
    locale: str
    disabled: bool
    must_change: bool
    locked_until: datetime | None
    created_at: datetime
    places: list[int]
    media: list[str]
    products: list[int]

    @property
    def reach(self) -> Reach:
        """Where this person's rights hold."""
        return Reach(tuple(self.places), tuple(self.media), tuple(self.products))


class RoleRecord(msgspec.Struct, frozen=True):
    """A role: a built-in one, which has words in both languages and no ``role_id``, or one that the utility made, which has a name and
    a ``revision`` that grows with each change. ``people``: how many have it."""

    code: str
    name: str
    name_en: str
    permissions: list[Permission]
    role_id: int | None
    revision: int
    people: int


class ApiToken(msgspec.Struct, frozen=True):
    """An API token without its secret."""

    token_id: TokenId
    user_id: UserId
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class AuditEntry(msgspec.Struct, frozen=True):
    """One line of the trail. ``object_name``: the number, code, name or login people know the object by, where it has one;
    ``reason``: what the person gave as such."""

    audit_id: int
    at: datetime
    user_id: UserId | None
    actor: str
    action: str
    object_type: str
    object_id: str
    object_name: str | None
    before: Any
    after: Any
    reason: str
    address: str
    request_id: str


TrailSort = Literal["-at", "at"]
"""By time: newest first, oldest first."""


class TrailFilter(msgspec.Struct, frozen=True):
    """Which lines of the trail, and in which order; what is None takes all. ``since`` is included, ``until`` is not."""

    object_type: str | None = None
    object_id: str | None = None
    user_id: UserId | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    sort: TrailSort = "-at"


class Tenant(msgspec.Struct, frozen=True):
    """A utility. ``zone``: IANA name, fixed since the tenant was made."""

    tenant_id: TenantId
    code: str
    name: str
    zone: str
