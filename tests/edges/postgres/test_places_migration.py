# SPDX-License-Identifier: Apache-2.0
"""What a utility had before there was a tree: its areas, meters and their counts are there after migration 0040."""

from openmains.edges.postgres.db import connect
from openmains.edges.postgres.migrate import migrate, packaged
from openmains.run.engines.engines import Engines

FIRST_OF_THE_TREE = 40


async def test_areas_of_before_become_the_tree(own_engines: Engines) -> None:
    dsn = own_engines.urls.postgres_owner
    await migrate(dsn, [one for one in packaged() if one.number < FIRST_OF_THE_TREE])
    old = await connect(dsn)
    tenant = await old.fetchval("INSERT INTO tenant (code, name) VALUES ('t', 't') RETURNING tenant_id")
    made = {}
    for code, parent in (("low", None), ("top", None), ("mid", "top")):
        made[code] = await old.fetchval(
            "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, $2, $2, $3) RETURNING area_id",
            tenant, code, made.get(parent or ""),
        )  # fmt: skip
    await old.execute(
        "UPDATE area SET parent_id = $1 WHERE code = 'low'", made["mid"]
    )  # its id is less than those above it
    products = [
        await old.fetchval(
            "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, kind)"
            " VALUES ($1, $2, 'p', 'm', 'm', 'water', 'd', $2) RETURNING product_id", tenant, kind,
        )
        for kind in ("meter", "pressure")
    ]  # fmt: skip
    for place, (product, removed) in enumerate(((0, None), (0, None), (0, "2026-01-02"), (1, None))):
        await old.execute(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on, removed_on)"
            " VALUES ($1, $2, $3, $4, '2026-01-01', $5::text::date)", tenant, str(place), products[product], made["low"], removed,
        )  # fmt: skip
    await old.close()
    await migrate(dsn)
    new = await connect(dsn)
    paths = {row["code"]: row["path"] for row in await new.fetch("SELECT code, path FROM area")}
    assert paths == {
        "top": f"{made['top']:08x}", "mid": f"{made['top']:08x}{made['mid']:08x}",
        "low": f"{made['top']:08x}{made['mid']:08x}{made['low']:08x}",
    }  # fmt: skip
    tallies = "SELECT (area_id, sum(meters), sum(devices))::text FROM area_tally GROUP BY area_id"
    assert await new.fetchval(tallies) == f"({made['low']},2,4)"
    assert await new.fetchval("SELECT count(*) FROM area_kind WHERE tenant_id = $1", tenant) == 5
    await new.close()
