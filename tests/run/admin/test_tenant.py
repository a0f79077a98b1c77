# SPDX-License-Identifier: Apache-2.0
"""``openmains tenant``: as typed, against a real PostgreSQL."""

import asyncio
import secrets

import asyncpg
import pytest

from openmains.app.identity.hashing import verify_password
from openmains.run import cli
from openmains.run.engines.engines import Engines


async def typed(*words: str) -> int:
    """The command in a thread: it has a loop of its own."""
    return await asyncio.to_thread(cli.main, [*words])


async def test_made_once_listed_and_signed_in_with(outside: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    code = f"u{secrets.token_hex(4)}"
    assert await typed("tenant", "create", code, "东城水务", "--zone", "Asia/Urumqi", "--lang", "en") == 0
    password = capsys.readouterr().out.split()[-1]
    connection = await asyncpg.connect(outside.urls.postgres_owner)
    try:
        row = await connection.fetchrow(
            "SELECT u.*, t.name AS utility, t.zone, (SELECT count(*) FROM area a WHERE a.tenant_id = t.tenant_id) AS areas"
            " FROM app_user u JOIN tenant t USING (tenant_id) WHERE t.code = $1",
            code,
        )
    finally:
        await connection.close()
    assert row is not None
    assert (row["utility"], row["zone"], row["areas"]) == ("东城水务", "Asia/Urumqi", 1)
    assert (row["login"], row["role"], row["locale"], row["must_change"]) == ("admin", "administrator", "en", True)
    assert verify_password(row["password_hash"], password)

    assert await typed("tenant", "create", code, "again") == 1
    assert "已存在" in capsys.readouterr().err
    assert await typed("tenant", "list", "--lang", "zh") == 0
    assert f"{code}\t东城水务\tAsia/Urumqi\t0 只表" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("Upper", "x"), "a-z"),
        (("a b", "x"), "a-z"),
        (("fine", "  "), "1…200"),
        (("fine", "x", "--zone", "Mars/Base"), "Mars/Base"),
    ],
)
async def test_refused(outside: Engines, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str) -> None:
    del outside
    assert await typed("tenant", "create", *words) == 1
    said = capsys.readouterr().err
    assert why in said
    assert len(said.splitlines()) == 1
