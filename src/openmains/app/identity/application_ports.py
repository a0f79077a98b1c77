# SPDX-License-Identifier: Apache-2.0
"""What client applications ask of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from openmains.app.identity.application_model import ApplicationTerms, ClientApplication
from openmains.domain.ids import UserId


class ApplicationStore(Protocol):
    """Of one tenant."""

    async def page(self, limit: int, after: int) -> list[ClientApplication]: ...
    async def get(self, application_id: UserId) -> ClientApplication | None: ...
    async def unknown_meters(self, numbers: Sequence[str]) -> set[str]:
        """Of these numbers those that no meter has."""

    async def add(
        self, client_id: str, form: ApplicationTerms, responsible_id: UserId, made_by: str, secret_hash: bytes
    ) -> UserId:
        """The account with its first secret."""

    async def change(self, application_id: UserId, revision: int, form: ApplicationTerms) -> bool:
        """False: it was changed meanwhile."""

    async def take_over(self, application_id: UserId, responsible_id: UserId) -> None: ...
    async def add_secret(self, application_id: UserId, secret_hash: bytes, others_until: datetime) -> None:
        """A new secret; of those before it the newest is valid until then, or until its own end, and all others are gone."""

    async def revoke(self, application_id: UserId) -> bool:
        """Its secrets and tokens are gone; False: it is revoked already."""

    async def open(
        self, application_id: UserId, token_hash: bytes, scopes: Sequence[str] | None, expires_at: datetime, address: str, most: int
    ) -> None:  # fmt: skip
        """A new access token; of the application's the newest ``most`` stay. ``scopes``: fewer than it has."""

    async def note_use(self, application_id: UserId) -> None: ...
