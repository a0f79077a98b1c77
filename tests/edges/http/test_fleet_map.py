# SPDX-License-Identifier: Apache-2.0
"""Meters as a layer of the utility's GIS, fetched by docs/examples/gis.py."""

import json
from pathlib import Path

import pytest

from tests.edges.http.test_meter_lives import HUNG, town_of
from tests.edges.http.world import World
from tests.support.examples import example, outside


async def test_a_map_says_where_each_meter_hangs_and_nothing_personal(world: World, tmp_path: Path) -> None:
    async with town_of(world) as town:
        number, elsewhere = await town.issued(2)
        account = await town.account()
        await town.install(number, account, at=HUNG)
        await town.install(elsewhere, await town.account(), at=HUNG)
        place = (await town.get("/premises", code=f"{town.utility.code}-1"))["items"][0]
        here = {"lat_e7": 312304000, "lon_e7": 1214737005}
        moved = await town.client.patch(
            f"/premises/{place['premises_id']}", json=here, headers={"If-Match": f'"{place["revision"]}"'}
        )
        assert moved.status_code == 200, moved.text
        layer = tmp_path / "meters.geojson"
        blind = await town.world.user(town.utility, "government")
        async with outside(town.world, town.utility.token) as api, outside(town.world, blind) as no_right:
            assert await example("gis")(api, layer, product_id=str(town.product)) == (2, 1)
            with pytest.raises(SystemExit, match="403"):
                await example("gis")(no_right, tmp_path / "theirs")
            with pytest.raises(SystemExit, match="400"):
                await example("gis")(api, tmp_path / "nowhere", tag_id="999999")
        text = layer.read_text("utf-8")
        assert "[121.4737005,31.2304000]" in text and place["address"] not in text
        hung = {one["properties"]["number"]: one for one in json.loads(text)["features"]}
        assert hung[number]["geometry"]["type"] == "Point" and hung[elsewhere]["geometry"] is None
        said = hung[number]["properties"]
        assert (said["account"], said["premises"], said["medium"], said["valve"]) == (
            f"{town.utility.code}-1", f"{town.utility.code}-1", "water", None,
        )  # fmt: skip
        trail = await town.get("/audit", object_type="bulk")
        assert [(line["action"], line["after"]["meters"]["product_id"]) for line in trail["items"]] == [
            ("export_map", town.product)
        ]
