# SPDX-License-Identifier: Apache-2.0
"""People, sessions and tokens. Secrets are stored as SHA-256 of 256 random bits, passwords as argon2id."""

import secrets
from datetime import datetime
from typing import Any

from openmains.app.identity.application_model import ApplicationRecord
from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Actor, ApiToken, SignInRecord, User
from openmains.domain.identity.reach import EVERYWHERE, Reach
from openmains.domain.ids import TenantId, TokenId, UserId
from openmains.edges.postgres.db import Connection, Pool, Row, connect
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_USER_FIELDS = frozenset({"name", "role", "locale", "disabled", "must_change", "places", "media", "products"})


def _user(row: Row) -> User:
    return User(**dict(row))


def _token(row: Row) -> ApiToken:
    return ApiToken(**dict(row))


class SignIn:
    """``SignInStore``: the look-ups that cross tenants, through functions of the schema's owner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def only_tenant_code(self) -> str | None:
        code: str | None = await _QUERIES["only_tenant_code"].fetchval(self._pool)
        return code

    async def find_sign_in(self, tenant_code: str, login: str, address: str, browser: str) -> SignInRecord | None:
        row = await _QUERIES["find_sign_in"].fetchrow(
            self._pool, tenant_code=tenant_code, login=login, address=address, browser=browser
        )
        return None if row is None else SignInRecord(**dict(row))

    async def find_credential(self, secret_hash: bytes) -> Actor | None:
        row = await _QUERIES["find_credential"].fetchrow(self._pool, secret_hash=secret_hash)
        return None if row is None else Actor(**dict(row))

    async def find_application(self, client_id: str, secret_hash: bytes) -> ApplicationRecord | None:
        row = await _QUERIES["find_application"].fetchrow(self._pool, client_id=client_id, secret_hash=secret_hash)
        return None if row is None else ApplicationRecord(**dict(row))


class Users:
    """``UserStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int) -> list[User]:
        rows = await _QUERIES["users"].fetch(self._connection, tenant_id=self._tenant_id, after=after, most=limit)
        return [_user(row) for row in rows]

    async def get(self, user_id: UserId) -> User | None:
        row = await _QUERIES["user"].fetchrow(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return None if row is None else _user(row)

    async def add(
        self, login: str, name: str, password_hash: str, role: str, locale: str, reach: Reach = EVERYWHERE
    ) -> User | None:
        row = await _QUERIES["add_user"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            login=login,
            name=name,
            password_hash=password_hash,
            role=role,
            locale=locale,
            places=list(reach.places),
            media=list(reach.media),
            products=list(reach.products),
        )
        return None if row is None else _user(row)

    async def change(self, user_id: UserId, values: dict[str, Any]) -> User | None:
        unknown = values.keys() - _USER_FIELDS
        if unknown:
            raise ValueError(f"not fields of a user: {sorted(unknown)}")
        row = await _QUERIES["change_user"].fetchrow(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, changes=values
        )
        return None if row is None else _user(row)

    async def remove(self, user_id: UserId) -> bool:
        done = await _QUERIES["remove_user"].execute(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return done == "DELETE 1"

    async def password_hash(self, user_id: UserId) -> str | None:
        found: str | None = await _QUERIES["password_hash"].fetchval(
            self._connection, tenant_id=self._tenant_id, user_id=user_id
        )
        return found

    async def set_password(self, user_id: UserId, password_hash: str, *, must_change: bool) -> None:
        await _QUERIES["set_password"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            password_hash=password_hash,
            must_change=must_change,
        )

    async def failures_at(self, user_id: UserId, place: str) -> tuple[int, datetime | None]:
        row = await _QUERIES["failures_at"].fetchrow(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, place=place
        )
        return (0, None) if row is None else (row["failed_count"], row["locked_until"])

    async def note_failure(self, user_id: UserId, place: str, failures: int, locked_until: datetime | None) -> None:
        await _QUERIES["note_failure"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            place=place,
            failures=failures,
            locked_until=locked_until,
        )

    async def note_known(self, user_id: UserId, place: str) -> None:
        await _QUERIES["note_known"].execute(self._connection, tenant_id=self._tenant_id, user_id=user_id, place=place)

    async def forget_places(self, user_id: UserId) -> None:
        await _QUERIES["forget_places"].execute(self._connection, tenant_id=self._tenant_id, user_id=user_id)

    async def clear_failures(self, user_id: UserId) -> None:
        await _QUERIES["clear_failures"].execute(self._connection, tenant_id=self._tenant_id, user_id=user_id)

    async def other_administrators(self, user_id: UserId) -> int:
        rows = await _QUERIES["lock_administrators"].fetch(self._connection, tenant_id=self._tenant_id)
        return sum(1 for row in rows if row["user_id"] != user_id)


class Credentials:
    """``CredentialStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add_session(self, secret_hash: bytes, user_id: UserId, expires_at: datetime, address: str) -> None:
        await _QUERIES["forget_sessions"].execute(self._connection)
        await _QUERIES["add_session"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            secret_hash=secret_hash,
            user_id=user_id,
            expires_at=expires_at,
            address=address,
        )

    async def extend_session(self, secret_hash: bytes, expires_at: datetime) -> None:
        await _QUERIES["extend_session"].execute(self._connection, secret_hash=secret_hash, expires_at=expires_at)

    async def touch_token(self, secret_hash: bytes) -> None:
        await _QUERIES["touch_token"].execute(self._connection, secret_hash=secret_hash)

    async def end_session(self, secret_hash: bytes) -> None:
        await _QUERIES["end_session"].execute(self._connection, secret_hash=secret_hash)

    async def end_sessions_of(self, user_id: UserId, keep: bytes | None = None) -> None:
        await _QUERIES["end_sessions_of"].execute(self._connection, user_id=user_id, keep=keep)

    async def tokens(self, user_id: UserId | None, limit: int, after: int) -> list[ApiToken]:
        rows = await _QUERIES["tokens"].fetch(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, after=after, most=limit
        )
        return [_token(row) for row in rows]

    async def token(self, token_id: TokenId) -> ApiToken | None:
        row = await _QUERIES["token"].fetchrow(self._connection, tenant_id=self._tenant_id, token_id=token_id)
        return None if row is None else _token(row)

    async def add_token(
        self, user_id: UserId, name: str, secret_hash: bytes, role: str, expires_at: datetime | None
    ) -> ApiToken:
        row = await _QUERIES["add_token"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            name=name,
            secret_hash=secret_hash,
            role=role,
            expires_at=expires_at,
        )
        assert row is not None  # noqa: S101 INSERT … RETURNING gives a row
        return _token(row)

    async def revoke_token(self, token_id: TokenId) -> bool:
        done = await _QUERIES["revoke_token"].execute(self._connection, tenant_id=self._tenant_id, token_id=token_id)
        return done == "UPDATE 1"

    async def revoke_tokens_of(self, user_id: UserId) -> None:
        await _QUERIES["revoke_tokens_of"].execute(self._connection, tenant_id=self._tenant_id, user_id=user_id)


async def create_tenant_admin(
    dsn_owner: str,
    *,
    tenant_code: str,
    tenant_name: str,
    zone: str = "Asia/Shanghai",
    login: str = "admin",
    name: str = "管理员",
    locale: str = "zh",
    must_change: bool = True,
) -> tuple[TenantId, UserId, str | None]:
    """Make a tenant, its root area and its first administrator as the schema's owner; what exists stays as it is.

    Returns (tenant id, user id, password). The random password is given this once; None where the user existed already.
    """
    connection = await connect(dsn_owner)
    try:
        async with connection.transaction():
            tenant_id = await _QUERIES["make_tenant"].fetchval(
                connection, code=tenant_code, name=tenant_name, zone=zone
            )
            await _QUERIES["make_root_area"].execute(connection, tenant_id=tenant_id, name=tenant_name)
            await _QUERIES["make_area_kinds"].execute(connection, tenant_id=tenant_id)
            existing = await _QUERIES["user_of_login"].fetchval(connection, tenant_id=tenant_id, login=login)
            if existing is not None:
                return tenant_id, existing, None
            password = secrets.token_urlsafe(15)
            user_id = await _QUERIES["make_administrator"].fetchval(
                connection,
                tenant_id=tenant_id,
                login=login,
                name=name,
                password_hash=hash_password(password),
                locale=locale,
                must_change=must_change,
            )
            await _QUERIES["record_first_user"].execute(
                connection, tenant_id=tenant_id, user_id=str(user_id), login=login
            )
            return tenant_id, user_id, password
    finally:
        await connection.close()
