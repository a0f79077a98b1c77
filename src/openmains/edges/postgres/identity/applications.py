# SPDX-License-Identifier: Apache-2.0
"""Client applications: the account among the people, and what stands beside it (0119). A secret and a token stand here as their hashes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from openmains.app.identity.application_model import (
    ApplicationTerms,
    ClientApplication,
    ClientSecret,
)
from openmains.domain.identity.role import known
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "applications.sql")
_SESSIONS = load(__package__)


class Applications:
    """``ApplicationStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int) -> list[ClientApplication]:
        return await self._rows(limit, after, None)

    async def get(self, application_id: UserId) -> ClientApplication | None:
        return next(iter(await self._rows(1, 0, application_id)), None)

    async def unknown_meters(self, numbers: Sequence[str]) -> set[str]:
        return set(numbers) - set(await self._meters(numbers))

    async def add(
        self, client_id: str, form: ApplicationTerms, responsible_id: UserId, made_by: str, secret_hash: bytes
    ) -> UserId:
        made = await _QUERIES["add_application_account"].fetchval(
            self._connection, tenant_id=self._tenant_id, client_id=client_id, **_account(form)
        )
        await _QUERIES["add_application"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=made, client_id=client_id, responsible_id=responsible_id,
            made_by=made_by, **await self._columns(form),
        )  # fmt: skip
        await self._add_secret(made, secret_hash)
        return UserId(made)

    async def change(self, application_id: UserId, revision: int, form: ApplicationTerms) -> bool:
        done = await _QUERIES["change_application"].fetchval(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, revision=revision, **await self._columns(form)
        )  # fmt: skip
        if done is None:
            return False
        await _QUERIES["change_application_account"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, **_account(form)
        )
        return True

    async def take_over(self, application_id: UserId, responsible_id: UserId) -> None:
        await _QUERIES["take_over_application"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, responsible_id=responsible_id
        )

    async def add_secret(self, application_id: UserId, secret_hash: bytes, others_until: datetime) -> None:
        await _QUERIES["end_client_secrets"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, until=others_until
        )
        await self._forget_secrets(application_id, everything=False)
        await self._add_secret(application_id, secret_hash)

    async def revoke(self, application_id: UserId) -> bool:
        done = await _QUERIES["revoke_application"].fetchval(
            self._connection, tenant_id=self._tenant_id, application_id=application_id
        )
        await self._forget_secrets(application_id, everything=True)
        await _SESSIONS["end_sessions_of"].execute(self._connection, user_id=application_id, keep=None)
        return done is not None

    async def open(
        self, application_id: UserId, token_hash: bytes, scopes: Sequence[str] | None, expires_at: datetime, address: str, most: int
    ) -> None:  # fmt: skip
        await _SESSIONS["forget_sessions"].execute(self._connection)
        await _QUERIES["add_access"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, token_hash=token_hash, expires_at=expires_at,
            address=address, scopes=None if scopes is None else list(scopes),
        )  # fmt: skip
        await _QUERIES["keep_newest_access"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, most=most
        )

    async def note_use(self, application_id: UserId) -> None:
        await _QUERIES["note_application_use"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id
        )

    async def _rows(self, limit: int, after: int, application_id: UserId | None) -> list[ClientApplication]:
        rows = await _QUERIES["applications"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, most=limit, application_id=application_id
        )
        return [_application(row) for row in rows]

    async def _meters(self, numbers: Sequence[str]) -> dict[str, int]:
        rows = await _QUERIES["known_numbers"].fetch(self._connection, tenant_id=self._tenant_id, numbers=list(numbers))
        return {row["number"]: row["meter_id"] for row in rows}

    async def _columns(self, form: ApplicationTerms) -> dict[str, Any]:
        known_meters = await self._meters(form.meters)
        return {
            "scopes": [scope.value for scope in form.scopes],
            "meters": [known_meters[number] for number in form.meters],
            "addresses": form.addresses,
            "rate": form.rate,
            "expires_at": form.expires_at,
        }

    async def _add_secret(self, application_id: int, secret_hash: bytes) -> None:
        await _QUERIES["add_client_secret"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, secret_hash=secret_hash
        )

    async def _forget_secrets(self, application_id: UserId, *, everything: bool) -> None:
        await _QUERIES["forget_client_secrets"].execute(
            self._connection, tenant_id=self._tenant_id, application_id=application_id, everything=everything
        )


def _account(form: ApplicationTerms) -> dict[str, Any]:
    return {"name": form.name, "places": form.places, "media": form.media, "products": form.products}


def _application(row: Row) -> ClientApplication:
    values = dict(row)
    terms = msgspec.convert(values.pop("terms"), list[ClientSecret])
    return ClientApplication(**values | {"scopes": sorted(known(frozenset(row["scopes"]))), "secrets": terms})
