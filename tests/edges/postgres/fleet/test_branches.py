# SPDX-License-Identifier: Apache-2.0
"""What a limited transaction sees, and what the functions that work past the policies count, are the same rows (ADR 0072): of any places,
few areas or many, of a medium, of one model."""

import random
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pytest

from openmains.app.fleet.model import MeterFilter
from openmains.app.fleet.wording import Wording
from openmains.app.reach import NONE, Limits, limit_to
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import API_ROLE, Connection, Pool, create_pool, tenant_transaction
from openmains.edges.postgres.fleet.meters import WALKED_WIDE, Meters
from openmains.edges.postgres.fleet.places import Areas
from openmains.edges.postgres.fleet.search import search
from openmains.edges.postgres.queries import load
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.plans import read_plan

AREAS = 1_400  # more than migration 0146 makes a set of
METERS = 900
_TREE = """
INSERT INTO area (tenant_id, code, name, parent_id)
SELECT $1, 'B' || n, 'B' || n, (SELECT area_id FROM area WHERE tenant_id = $1 AND code = CASE WHEN n < 4 THEN 'A1' ELSE 'B' || (n / 4) END)
  FROM unnest($2::int[]) n ORDER BY n RETURNING area_id
"""
_METERS = """
INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on, removed_on)
SELECT $1, 'n' || lpad(n::text, 6, '0'), p, a, '2024-01-01', CASE WHEN n % 9 = 0 THEN '2025-01-01'::date END
  FROM unnest($2::int[], $3::int[]) WITH ORDINALITY AS x (p, a, n)
"""


class Branches:
    """A utility with a tree of places and its rows as Python has them."""

    def __init__(self, tenant_id: TenantId, api: Pool, owner: Connection) -> None:
        self.tenant_id, self.api, self.owner = tenant_id, api, owner
        self.path: dict[int, str] = {}
        self.meters: dict[int, tuple[int, int, bool]] = {}  # area, product, whether it is removed
        self.media: dict[int, str] = {}
        self.premises: dict[int, int] = {}

    async def read(self) -> None:
        """What the owner sees."""
        ask = self.owner.fetch
        self.path = {
            row[0]: row[1] for row in await ask("SELECT area_id, path FROM area WHERE tenant_id = $1", self.tenant_id)
        }
        rows = await ask(
            "SELECT meter_id, area_id, product_id, removed_on FROM meter WHERE tenant_id = $1", self.tenant_id
        )
        self.meters = {row[0]: (row[1], row[2], row[3] is not None) for row in rows}
        self.media = {
            row[0]: row[1]
            for row in await ask("SELECT product_id, medium FROM product WHERE tenant_id = $1", self.tenant_id)
        }
        rows = await ask("SELECT premises_id, area_id FROM premises WHERE tenant_id = $1", self.tenant_id)
        self.premises = {row[0]: row[1] for row in rows}

    def below(self, tops: Iterable[int]) -> set[int]:
        """These areas and all below them."""
        starts = tuple(self.path[top] for top in tops)
        return {area_id for area_id, path in self.path.items() if path.startswith(starts)}

    def products(self, reach: Reach) -> set[int]:
        """Those within."""
        return {
            product_id
            for product_id, medium in self.media.items()
            if (not reach.media or medium in reach.media) and (not reach.products or product_id in reach.products)
        }


@pytest.fixture(scope="module")
async def branches(engines: Engines) -> AsyncIterator[Branches]:
    api = await create_pool(engines.urls.postgres_owner, role=API_ROLE, max_size=2)
    owner = await create_pool(engines.urls.postgres_owner, max_size=2)
    tenant = TenantId(await make_tenant(owner, "branches"))
    drawn = random.Random(5)  # noqa: S311 - no secret
    async with owner.acquire() as connection:
        made = Branches(tenant, api, connection)
        for level in ([1, 2, 3], range(4, 16), range(16, 64), range(64, 256), range(256, AREAS)):
            await connection.execute(_TREE, tenant, list(level))
        products = [
            await connection.fetchval(
                "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver)"
                " VALUES ($1, $2, $2, 'm', $2, $3, 'openmains/water-1') RETURNING product_id", tenant, f"X{n}", medium,
            )
            for n, medium in enumerate(("water", "water", "gas"))
        ]  # fmt: skip
        areas = [row[0] for row in await connection.fetch("SELECT area_id FROM area WHERE tenant_id = $1", tenant)]
        for _ in range(2):  # tallies of several statements
            await connection.execute(
                _METERS.replace("'n'", f"'n{_}'"),
                tenant,
                drawn.choices(products, k=METERS // 2),
                drawn.choices(areas, k=METERS // 2),
            )
        await connection.execute(
            "INSERT INTO premises (tenant_id, area_id, code) SELECT $1, a, 'p' || n FROM unnest($2::int[]) WITH ORDINALITY AS x (a, n)",
            tenant, drawn.choices(areas, k=300),
        )  # fmt: skip
        moved = await connection.fetchval("SELECT area_id FROM area WHERE tenant_id = $1 AND code = 'B7'", tenant)
        await connection.execute(
            "UPDATE area SET parent_id = (SELECT area_id FROM area WHERE tenant_id = $1 AND code = 'B2') WHERE area_id = $2",
            tenant,
            moved,
        )
        await connection.execute(
            "UPDATE premises SET area_id = $2 WHERE tenant_id = $1 AND code LIKE 'p1%'", tenant, moved
        )
        await connection.execute("DELETE FROM premises WHERE tenant_id = $1 AND code LIKE 'p2%'", tenant)
        await connection.execute(
            "UPDATE meter SET product_id = $2 WHERE tenant_id = $1 AND number LIKE '%7'", tenant, products[2]
        )
        await made.read()
        yield made
    await api.close()
    await owner.close()


def reaches(world: Branches) -> list[Reach]:
    """Wide ones and narrow ones; places below each other, beside each other, and with a limit of another kind."""
    drawn = random.Random(8)  # noqa: S311 - no secret
    by_path = sorted(world.path, key=lambda area_id: world.path[area_id])
    top = by_path[0]
    wide = [area_id for area_id in by_path if 100 < len(world.below([area_id])) < AREAS // 2]
    gas = next(product_id for product_id, medium in world.media.items() if medium == "gas")
    return [
        Reach(places=(top,)),
        Reach(places=(by_path[-1],)),
        Reach(places=tuple(wide[:3])),
        Reach(places=tuple(wide)),  # nested ones among them
        *(Reach(places=tuple(drawn.sample(by_path, count))) for count in (1, 2, 7, 40)),
        Reach(places=(top,), media=("gas",)),
        Reach(places=(wide[0],), products=(gas,)),
        Reach(media=("water",)),
        Reach(products=(gas,)),
        Reach(),
    ]


async def test_what_is_counted_is_what_is_seen(branches: Branches) -> None:
    world, drawn = branches, random.Random(3)  # noqa: S311 - no secret
    for reach in reaches(world):
        areas = world.below(reach.places) if reach.places else set(world.path)
        products = world.products(reach)
        mine = {meter: of for meter, of in world.meters.items() if of[0] in areas and of[1] in products}
        homes = {p: area for p, area in world.premises.items() if area in areas and not reach.products}
        above = {
            a for a, path in world.path.items() if any(world.path[place].startswith(path) for place in reach.places)
        }
        limit_to(Limits(reach, 1))
        try:
            async with tenant_transaction(world.api, world.tenant_id) as connection:
                await _see(connection, world, areas | above, mine, homes)
                tree = Areas(connection, world.tenant_id)
                for asked in drawn.sample(sorted(areas | above), min(6, len(areas | above))):
                    branch = world.below([asked])
                    sums = await tree.sums(AreaId(asked))
                    assert sums.areas_below == len(branch & (areas | above)) - 1, (reach, asked)
                    assert sums.devices == sum(area in branch for area, _, _ in mine.values())
                    assert sums.meters == sum(area in branch and not removed for area, _, removed in mine.values())
                    assert sums.premises == sum(area in branch for area in homes.values())
                    assert set(await tree.below(AreaId(asked))) == branch & areas
                    found = await Meters(connection, world.tenant_id, Wording()).page(
                        MeterFilter(AreaId(asked), limit=1000)
                    )
                    assert [one.meter_id for one in found] == sorted(
                        (meter for meter, (area, _, removed) in mine.items() if area in branch),
                        key=lambda m: found_number(found, m),
                    )
                hits = await search(connection, world.tenant_id, "n0000", 200)
                assert {hit.meter_id for hit in hits} <= mine.keys()
        finally:
            limit_to(NONE)


def found_number(found: Sequence[Any], meter_id: int) -> str:
    """By which the page is sorted."""
    return next(one.number for one in found if one.meter_id == meter_id)


async def _see(
    connection: Connection, world: Branches, areas: set[int], mine: dict[int, Any], homes: dict[int, int]
) -> None:
    for table, key, expected in (
        ("area", "area_id", areas),
        ("meter", "meter_id", mine.keys()),
        ("premises", "premises_id", homes.keys()),
    ):
        rows = await connection.fetch(f"SELECT {key} FROM {table}")  # noqa: S608
        assert {row[0] for row in rows} == set(expected), table


async def test_bound_devices_are_looked_up(branches: Branches) -> None:
    some = tuple(sorted(branches.meters)[3:9])
    products = tuple({branches.meters[meter][1] for meter in some})
    limit_to(Limits(Reach(products=products, meters=some), 1))
    try:
        async with tenant_transaction(branches.api, branches.tenant_id) as connection:
            found = await Meters(connection, branches.tenant_id, Wording()).page(MeterFilter(limit=50))
            assert {one.meter_id for one in found} == set(some)
            asked = AreaId(branches.meters[some[0]][0])
            found = await Meters(connection, branches.tenant_id, Wording()).page(MeterFilter(asked, limit=50))
            below = branches.below([asked])
            assert {one.meter_id for one in found} == {m for m in some if branches.meters[MeterId(m)][0] in below}
    finally:
        limit_to(NONE)


async def test_a_page_of_a_wide_reach_makes_no_set_of_it(branches: Branches) -> None:
    query = extended(
        load("openmains.edges.postgres.fleet")["listed_meters"], WALKED_WIDE, "ORDER BY m.number LIMIT :most"
    )
    top = min(branches.path, key=lambda area_id: branches.path[area_id])
    limit_to(Limits(Reach(places=(top,)), 1))
    try:
        async with tenant_transaction(branches.api, branches.tenant_id) as connection:
            values = query.arguments({"tenant_id": branches.tenant_id, "area_id": top, "most": 20})
            await connection.execute("SET LOCAL enable_sort = off")
            said = (await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT json) {query.sql}", *values))[0]["Plan"]
    finally:
        limit_to(NONE)
    indexes, whole = read_plan(said)
    assert "area_pkey" in indexes and not whole & {"area", "meter"}, (indexes, whole)
    nodes = [said]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", ())
        assert node["Actual Rows"] < 200, node["Node Type"]
