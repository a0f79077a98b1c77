# SPDX-License-Identifier: Apache-2.0
"""People, sessions and tokens. Secrets are stored as SHA-256 of 256 random bits, passwords as argon2id."""

# ruff: noqa: S608 – SQL is put together from column names written in this file only; values are always parameters

import secrets
from datetime import datetime
from typing import Any

import asyncpg

from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Actor, ApiToken, SignInRecord, User
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, TokenId, UserId
from openmains.edges.postgres.db import Connection, Pool, Row

_USER = "user_id, login, name, role, locale, disabled, must_change, locked_until, created_at"
_TOKEN = "token_id, user_id, name, role, created_at, expires_at, last_used_at, revoked_at"  # noqa: S105 column names
_USER_FIELDS = frozenset({"name", "role", "locale", "disabled", "must_change", "locked_until", "failed_count"})


def _user(row: Row) -> User:
    return User(**{**dict(row), "role": Role(row["role"])})


def _token(row: Row) -> ApiToken:
    return ApiToken(**{**dict(row), "role": Role(row["role"])})


class SignIn:
    """``SignInStore``: the two look-ups that cross tenants, through functions of the schema's owner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def only_tenant_code(self) -> str | None:
        code: str | None = await self._pool.fetchval("SELECT only_tenant_code()")
        return code

    async def find_sign_in(self, tenant_code: str, login: str) -> SignInRecord | None:
        row = await self._pool.fetchrow("SELECT * FROM find_sign_in($1, $2)", tenant_code, login)
        return None if row is None else SignInRecord(**{**dict(row), "role": Role(row["role"])})

    async def find_credential(self, secret_hash: bytes) -> Actor | None:
        row = await self._pool.fetchrow("SELECT * FROM find_credential($1)", secret_hash)
        return None if row is None else Actor(**{**dict(row), "role": Role(row["role"])})


class Users:
    """``UserStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int) -> list[User]:
        rows = await self._connection.fetch(
            f"SELECT {_USER} FROM app_user WHERE tenant_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
            self._tenant_id,
            after,
            limit,
        )
        return [_user(row) for row in rows]

    async def get(self, user_id: UserId) -> User | None:
        row = await self._connection.fetchrow(
            f"SELECT {_USER} FROM app_user WHERE tenant_id = $1 AND user_id = $2",
            self._tenant_id,
            user_id,
        )
        return None if row is None else _user(row)

    async def add(self, login: str, name: str, password_hash: str, role: Role, locale: str) -> User | None:
        row = await self._connection.fetchrow(
            "INSERT INTO app_user (tenant_id, login, name, password_hash, role, locale, must_change)"
            f" VALUES ($1, $2, $3, $4, $5, $6, true) ON CONFLICT DO NOTHING RETURNING {_USER}",
            self._tenant_id,
            login,
            name,
            password_hash,
            role.value,
            locale,
        )
        return None if row is None else _user(row)

    async def change(self, user_id: UserId, values: dict[str, Any]) -> User | None:
        unknown = values.keys() - _USER_FIELDS
        if unknown:
            raise ValueError(f"not fields of a user: {sorted(unknown)}")
        names = list(values)
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 3))
        row = await self._connection.fetchrow(
            f"UPDATE app_user SET {sets} WHERE tenant_id = $1 AND user_id = $2 RETURNING {_USER}",
            self._tenant_id,
            user_id,
            *(values[name] for name in names),
        )
        return None if row is None else _user(row)

    async def remove(self, user_id: UserId) -> bool:
        done: str = await self._connection.execute(
            "DELETE FROM app_user WHERE tenant_id = $1 AND user_id = $2", self._tenant_id, user_id
        )
        return done == "DELETE 1"

    async def password_hash(self, user_id: UserId) -> str | None:
        found: str | None = await self._connection.fetchval(
            "SELECT password_hash FROM app_user WHERE tenant_id = $1 AND user_id = $2", self._tenant_id, user_id
        )
        return found

    async def set_password(self, user_id: UserId, password_hash: str, *, must_change: bool) -> None:
        await self._connection.execute(
            "UPDATE app_user SET password_hash = $3, must_change = $4, failed_count = 0, locked_until = NULL"
            " WHERE tenant_id = $1 AND user_id = $2",
            self._tenant_id,
            user_id,
            password_hash,
            must_change,
        )

    async def note_failure(self, user_id: UserId, failures: int, locked_until: datetime | None) -> None:
        await self._connection.execute(
            "UPDATE app_user SET failed_count = CASE WHEN $3 = 0 THEN 0 ELSE greatest(failed_count + 1, $3) END,"
            " locked_until = $4 WHERE tenant_id = $1 AND user_id = $2",
            self._tenant_id,
            user_id,
            failures,
            locked_until,
        )

    async def clear_failures(self, user_id: UserId) -> None:
        await self.note_failure(user_id, 0, None)

    async def other_administrators(self, user_id: UserId) -> int:
        # the rows are locked, so that two administrators cannot remove each other at the same time
        rows = await self._connection.fetch(
            "SELECT user_id FROM app_user WHERE tenant_id = $1 AND role = 'administrator' AND NOT disabled"
            " ORDER BY user_id FOR UPDATE",
            self._tenant_id,
        )
        return sum(1 for row in rows if row["user_id"] != user_id)


class Credentials:
    """``CredentialStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add_session(self, secret_hash: bytes, user_id: UserId, expires_at: datetime, address: str) -> None:
        await self._connection.execute("DELETE FROM session WHERE expires_at < now()")
        await self._connection.execute(
            "INSERT INTO session (session_hash, user_id, tenant_id, expires_at, address) VALUES ($1, $2, $3, $4, $5)",
            secret_hash,
            user_id,
            self._tenant_id,
            expires_at,
            address,
        )

    async def extend_session(self, secret_hash: bytes, expires_at: datetime) -> None:
        await self._connection.execute(
            "UPDATE session SET last_used_at = now(), expires_at = greatest(expires_at, least($2, created_at"
            " + interval '7 days')) WHERE session_hash = $1",
            secret_hash,
            expires_at,
        )

    async def touch_token(self, secret_hash: bytes) -> None:
        await self._connection.execute("UPDATE api_token SET last_used_at = now() WHERE token_hash = $1", secret_hash)

    async def end_session(self, secret_hash: bytes) -> None:
        await self._connection.execute("DELETE FROM session WHERE session_hash = $1", secret_hash)

    async def end_sessions_of(self, user_id: UserId, keep: bytes | None = None) -> None:
        await self._connection.execute(
            "DELETE FROM session WHERE user_id = $1 AND ($2::bytea IS NULL OR session_hash <> $2)", user_id, keep
        )

    async def tokens(self, user_id: UserId | None, limit: int, after: int) -> list[ApiToken]:
        rows = await self._connection.fetch(
            f"SELECT {_TOKEN} FROM api_token WHERE tenant_id = $1 AND token_id > $2"
            " AND ($3::bigint IS NULL OR user_id = $3) ORDER BY token_id LIMIT $4",
            self._tenant_id,
            after,
            user_id,
            limit,
        )
        return [_token(row) for row in rows]

    async def token(self, token_id: TokenId) -> ApiToken | None:
        row = await self._connection.fetchrow(
            f"SELECT {_TOKEN} FROM api_token WHERE tenant_id = $1 AND token_id = $2",
            self._tenant_id,
            token_id,
        )
        return None if row is None else _token(row)

    async def add_token(
        self, user_id: UserId, name: str, secret_hash: bytes, role: Role, expires_at: datetime | None
    ) -> ApiToken:
        row = await self._connection.fetchrow(
            "INSERT INTO api_token (tenant_id, user_id, name, token_hash, role, expires_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_TOKEN}",
            self._tenant_id,
            user_id,
            name,
            secret_hash,
            role.value,
            expires_at,
        )
        assert row is not None  # noqa: S101 INSERT … RETURNING gives a row
        return _token(row)

    async def revoke_token(self, token_id: TokenId) -> bool:
        done: str = await self._connection.execute(
            "UPDATE api_token SET revoked_at = now() WHERE tenant_id = $1 AND token_id = $2 AND revoked_at IS NULL",
            self._tenant_id,
            token_id,
        )
        return done == "UPDATE 1"

    async def revoke_tokens_of(self, user_id: UserId) -> None:
        await self._connection.execute(
            "UPDATE api_token SET revoked_at = now() WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL",
            self._tenant_id,
            user_id,
        )


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
    connection = await asyncpg.connect(dsn_owner)
    try:
        async with connection.transaction():
            tenant_id = await connection.fetchval(
                "INSERT INTO tenant (code, name, zone) VALUES ($1, $2, $3)"
                " ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING tenant_id",
                tenant_code,
                tenant_name,
                zone,
            )
            await connection.execute(
                "INSERT INTO area (tenant_id, code, name) VALUES ($1, 'all', $2) ON CONFLICT DO NOTHING",
                tenant_id,
                tenant_name,
            )
            existing = await connection.fetchval(
                "SELECT user_id FROM app_user WHERE tenant_id = $1 AND login = $2", tenant_id, login
            )
            if existing is not None:
                return tenant_id, existing, None
            password = secrets.token_urlsafe(15)
            user_id = await connection.fetchval(
                "INSERT INTO app_user (tenant_id, login, name, password_hash, role, locale, must_change)"
                " VALUES ($1, $2, $3, $4, 'administrator', $5, $6) RETURNING user_id",
                tenant_id,
                login,
                name,
                hash_password(password),
                locale,
                must_change,
            )
            await connection.execute(
                "INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)"
                " VALUES ($1, 'system', 'create_user', 'user', $2, jsonb_build_object('login', $3::text))",
                tenant_id,
                str(user_id),
                login,
            )
            return tenant_id, user_id, password
    finally:
        await connection.close()
