# SPDX-License-Identifier: Apache-2.0
"""People, tokens and the trail as the use cases and the API see them. No secret is ever part of a record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, TokenId, UserId


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, from where: made from a session or token for one request."""

    tenant_id: TenantId
    user_id: UserId
    login: str
    name: str
    role: Role
    locale: str
    zone: str
    kind: str  # 'session' or 'token'
    must_change: bool = False
    address: str = ""
    request_id: str = ""


class SignInRecord(msgspec.Struct, frozen=True):
    """What sign-in needs of a user, before a tenant is known. Stays inside the use case.

    ``place``: where the failures are counted (``domain/identity/lockout.py``); ``is_known``: the person signed in there before;
    ``failed_elsewhere``: within a day, at places where the person never did.
    """

    user_id: UserId
    tenant_id: TenantId
    name: str
    password_hash: str
    role: Role
    locale: str
    disabled: bool
    must_change: bool
    zone: str
    place: str
    failed_count: int = 0
    locked_until: datetime | None = None
    is_known: bool = False
    failed_elsewhere: int = 0


class User(msgspec.Struct, frozen=True):
    """A person of a tenant. ``locked_until``: the latest end of a lock at one of the places from which wrong passwords came; from
    other places the person can sign in meanwhile."""

    user_id: UserId
    login: str
    name: str
    role: Role
    locale: str
    disabled: bool
    must_change: bool
    locked_until: datetime | None
    created_at: datetime


class ApiToken(msgspec.Struct, frozen=True):
    """An API token without its secret."""

    token_id: TokenId
    user_id: UserId
    name: str
    role: Role
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


class TrailFilter(msgspec.Struct, frozen=True):
    """Which lines of the trail; what is None takes all. ``since`` is included, ``until`` is not."""

    object_type: str | None = None
    object_id: str | None = None
    user_id: UserId | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Tenant(msgspec.Struct, frozen=True):
    """A utility. ``zone``: IANA name, fixed since the tenant was made."""

    tenant_id: TenantId
    code: str
    name: str
    zone: str
