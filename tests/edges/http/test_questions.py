# SPDX-License-Identifier: Apache-2.0
"""Who asks holds up nobody: a question locks no row and writes nothing, but for the few that note who looked.

Each GET is asked as administrator within transactions that PostgreSQL itself keeps read-only, so that a lock is refused as a write is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from openmains.domain.ids import TenantId
from openmains.edges.http.app import build_app
from openmains.edges.postgres.unit_of_work import PostgresStore, TenantWork
from tests.edges.http.test_permissions import ACCESS, PUBLIC, operations
from tests.edges.http.world import World

# What carries much away, or a route with people's doors, is in the trail.
NOTED = {
    "take_kit",
    "download_meters",
    "download_due_meters",
    "download_visits_csv",
    "export_changes",
    "download_meters_geojson",
}


class Questions(PostgresStore):
    """A store whose transactions change nothing."""

    @asynccontextmanager
    async def tenant(self, tenant_id: TenantId) -> AsyncIterator[TenantWork]:
        async with super().tenant(tenant_id) as work:
            await work._connection.execute("SET TRANSACTION READ ONLY")
            yield work


def _filled(path: str, ids: dict[str, int]) -> str:
    parts = [_part(part, ids) if part.startswith("{") else part for part in path.split("/")]
    return "http://om.test" + "/".join(parts)


def _part(part: str, ids: dict[str, int]) -> str:
    name, _, kind = part.strip("{}").partition(":")
    return str(ids.get(name, "2026-01-01" if kind == "date" else 999_999_999 if kind == "int" else "none"))


async def test_a_question_locks_nothing(world: World) -> None:
    deps = replace(world.deps, store=Questions(world.deps.store._pool))  # type: ignore[attr-defined]
    app = build_app(deps)
    asked, broken = 0, {}
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1), raise_app_exceptions=False)  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {world.b.token}"}
    async with httpx.AsyncClient(transport=transport, headers=headers) as client:
        await client.get("http://om.test/api/v1/session")  # the first one notes when the token was used: refused, once
        for name, (method, path) in operations(world).items():
            if method != "GET" or name in PUBLIC or name not in ACCESS:
                continue
            answer = await client.get(_filled(path, world.b.ids))
            asked += 1
            # No signer runs here: what asks it says so.
            if answer.status_code >= 500 and answer.status_code != 501 and "signer-away" not in answer.text:
                broken[name] = (answer.status_code, answer.text[:200])
    assert asked > 100
    assert set(broken) == NOTED, broken
