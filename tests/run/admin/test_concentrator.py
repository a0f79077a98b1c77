# SPDX-License-Identifier: Apache-2.0
"""``openmains concentrator``: as typed, against a real PostgreSQL; edges follow what was added and what was taken away."""

import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from openmains.edges.postgres.db import connect, create_pool
from openmains.edges.postgres.fleet.concentrators import ConcentratorFollower
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.run.admin.test_tenant import typed


async def test_meters_and_terminals_are_added_and_taken_away(
    outside: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    code, terminal = f"c{secrets.token_hex(4)}", str(2_026_000_000_000_000 + secrets.randbelow(10**12))
    owner: Any = await connect(outside.urls.postgres_owner)
    pool = await create_pool(outside.urls.postgres_pipeline, max_size=1)
    told: list[Sequence[Any]] = []
    follower = ConcentratorFollower(pool, lambda rows, numbers, gone: told.append(rows))

    def mine() -> list[str | None] | None:
        """Meters an edge knows behind the terminal; None: it does not know the terminal."""
        found = [row["meter_number"] for row in told[-1] if row["number"] == terminal]
        return found or None

    try:
        tenant = await make_tenant(owner, code)
        await owner.execute(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
            " SELECT $1, n, (SELECT product_id FROM product WHERE tenant_id = $1), (SELECT area_id FROM area WHERE tenant_id = $1),"
            " '2026-01-01' FROM unnest('{12,0012,13}'::text[]) n",
            tenant,
        )
        own = ("--tenant", code, "--lang", "en")
        assert await typed("concentrator", "remove", terminal, *own) == 1
        assert "is registered" in capsys.readouterr().err
        assert await typed("concentrator", "add", terminal, "12", "13", *own) == 0
        assert await follower.follow() and mine() == ["12", "13"]
        # a twin of one that is behind it already, in another call
        assert await typed("concentrator", "add", terminal, "0012", *own) == 1
        assert "the same in a frame" in capsys.readouterr().err
        assert await typed("concentrator", "remove", terminal, "12", "0012", *own) == 1
        assert "nothing was changed: 0012" in capsys.readouterr().err
        assert await typed("concentrator", "remove", terminal, "12", *own) == 0
        assert "1 meters" in capsys.readouterr().out
        assert await follower.follow() and mine() == ["13"]
        assert await typed("concentrator", "add", terminal, "0012", *own) == 0
        assert await typed("concentrator", "remove", terminal, *own) == 0
        assert await follower.follow() and mine() is None
        assert not await follower.follow()
        trail = await owner.fetch(
            "SELECT action, after ->> 'meters' AS meters FROM audit WHERE tenant_id = $1 AND object_id = $2 ORDER BY audit_id",
            tenant,
            terminal,
        )
        assert [(row["action"], row["meters"]) for row in trail] == [
            ("add_concentrator", '["12", "13"]'),
            ("take_from_concentrator", '["12"]'),
            ("add_concentrator", '["0012"]'),
            ("remove_concentrator", '["0012", "13"]'),
        ]
    finally:
        await pool.close()
        await owner.close()
