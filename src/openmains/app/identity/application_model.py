# SPDX-License-Identifier: Apache-2.0
"""Client applications as the use cases and the API see them. No secret is ever part of a record."""

from datetime import datetime
from typing import Literal

import msgspec

from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import TenantId, UserId

ApplicationState = Literal["active", "expired", "revoked", "unanswered"]


class ClientSecret(msgspec.Struct, frozen=True):
    """When one was made, and when it ends; none: while the application is valid. What it is, nobody knows here."""

    made_at: datetime
    expires_at: datetime | None


class ApplicationTerms(msgspec.Struct, frozen=True):
    """What of an application people set. ``meters``: numbers of its bound devices; what is empty limits nothing. ``rate``: requests in a
    second."""

    name: str
    scopes: list[Permission]
    places: list[int]
    media: list[str]
    products: list[int]
    meters: list[str]
    addresses: list[str]
    rate: int | None
    expires_at: datetime | None

    @property
    def reach(self) -> Reach:
        """Its places, media and products."""
        return Reach(tuple(self.places), tuple(self.media), tuple(self.products))


class ClientApplication(ApplicationTerms, frozen=True):
    """``application_id`` is the number of its account, ``client_id`` the name by which it asks. ``state``: ``unanswered`` where nobody
    who may do everything at every place is responsible: it is refused then, until somebody is."""

    application_id: UserId
    client_id: str
    responsible_id: UserId | None
    responsible: str | None
    made_by: str
    made_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revision: int
    state: ApplicationState
    secrets: list[ClientSecret]


class ApplicationRecord(msgspec.Struct, frozen=True):
    """What is needed of one that asks for a token, before a tenant is known. ``is_right``: the secret; ``is_valid``: it is neither revoked
    nor over, and somebody is responsible for it."""

    application_id: UserId
    tenant_id: TenantId
    name: str
    scopes: list[str]
    addresses: list[str]
    expires_at: datetime | None
    is_right: bool
    is_valid: bool


class AccessToken(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1. ``expires_in``: s; ``scope``: what it may do, separated by spaces."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str

    def __repr__(self) -> str:
        return f"AccessToken({self.expires_in}, {self.scope!r})"
