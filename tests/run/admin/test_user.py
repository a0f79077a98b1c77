# SPDX-License-Identifier: Apache-2.0
"""``openmains user``: as typed, against a real PostgreSQL."""

import secrets
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from openmains.app.identity.hashing import verify_password
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run.engines.engines import Engines
from tests.run.admin.test_tenant import typed


async def test_made_locked_out_and_let_in_again(outside: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    code = f"u{secrets.token_hex(4)}"
    tenant_id, _, _ = await create_tenant_admin(outside.urls.postgres_owner, tenant_code=code, tenant_name=code)
    own = ("--tenant", code, "--lang", "en")
    assert await typed("user", "create", "li", "--role", "viewer", *own) == 0
    first = capsys.readouterr().out.split()[-1]
    assert await typed("user", "create", "li", *own) == 1
    assert "exists already" in capsys.readouterr().err
    assert await typed("user", "reset-password", "wang", *own) == 1
    assert "no user wang" in capsys.readouterr().err
    assert await typed("user", "create", "zhao", "--tenant", "no-such", "--lang", "en") == 1
    assert code in capsys.readouterr().err

    connection = await asyncpg.connect(outside.urls.postgres_owner)
    try:
        made = await connection.fetchrow("SELECT * FROM app_user WHERE tenant_id = $1 AND login = 'li'", tenant_id)
        assert made is not None
        assert (made["name"], made["role"], made["must_change"]) == ("li", "viewer", True)
        assert verify_password(made["password_hash"], first)
        await connection.execute(
            "UPDATE app_user SET disabled = true, must_change = false WHERE user_id = $1", made["user_id"]
        )
        await connection.execute(
            "INSERT INTO sign_in_place (tenant_id, user_id, place, failed_count, failed_at, locked_until)"
            " VALUES ($1, $2, 'address 198.51.100.7', 9, now(), $3)",
            tenant_id,
            made["user_id"],
            datetime.now(UTC) + timedelta(hours=1),
        )
        await connection.execute(
            "INSERT INTO api_token (tenant_id, user_id, name, token_hash, role) VALUES ($1, $2, 't', $3, 'viewer')",
            tenant_id,
            made["user_id"],
            secrets.token_bytes(32),
        )
        await connection.execute(
            "INSERT INTO session (session_hash, user_id, tenant_id, expires_at, address) VALUES ($1, $2, $3, $4, '')",
            secrets.token_bytes(32),
            made["user_id"],
            tenant_id,
            datetime.now(UTC) + timedelta(hours=1),
        )
        assert await typed("user", "reset-password", "li", *own) == 0
        second = capsys.readouterr().out.split()[-1]
        restored = await connection.fetchrow("SELECT * FROM app_user WHERE user_id = $1", made["user_id"])
        assert restored is not None
        assert verify_password(restored["password_hash"], second)
        assert not restored["disabled"]
        of_user = "FROM {} WHERE user_id = $1 AND {}"
        for table, what in (("sign_in_place", "failed_count > 0"), ("api_token", "revoked_at IS NULL")):
            left = await connection.fetchval("SELECT count(*) " + of_user.format(table, what), made["user_id"])
            assert left == 0, table
        assert restored["must_change"]
        assert await connection.fetchval("SELECT count(*) FROM session WHERE user_id = $1", made["user_id"]) == 0
        trail = await connection.fetch(
            "SELECT action, object_id FROM audit WHERE tenant_id = $1 AND actor = 'openmains user' ORDER BY audit_id",
            tenant_id,
        )
        assert [tuple(row) for row in trail] == [("create", "li"), ("reset-password", "li")]
    finally:
        await connection.close()
