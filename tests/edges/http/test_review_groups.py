# SPDX-License-Identifier: Apache-2.0
"""Findings that wait are gathered by meter, area and day, and the list takes the same filters: what a group counts is what it shows."""

import secrets

from openmains.domain.period import day_to_date
from openmains.domain.readings.quality import Rule
from tests.edges.http.world import World, new_meter

DAY = 20_700
RULES = sorted(Rule)[:2]


async def test_a_group_is_what_the_list_shows_of_it(world: World) -> None:
    utility, stranger = await world.utility(), await world.utility()
    async with world.client(utility.token) as client, world.client(stranger.token) as other:
        place = {"code": secrets.token_hex(4), "name": "Lane"}
        lane = (await client.post("/areas", json=place)).json()["area_id"]
        below = (await client.post("/areas", json=place | {"code": secrets.token_hex(4), "parent_id": lane})).json()
        meters = [
            (await client.post("/meters", json=new_meter(utility, area_id=area))).json()
            for area in (lane, lane, below["area_id"])
        ]
        found = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 1), (2, 0, 0)]  # meter, rule, day
        for meter, rule, day in [*found, (2, 1, 0)]:
            await world.owner.execute(
                "INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, status)"
                " VALUES ($1, $2, 1, $3, $4, $5, 1, $6)",
                utility.tenant_id, meters[meter]["meter_id"], RULES[rule].value, day, DAY + day,
                "accepted" if (meter, rule) == (2, 1) else "open",
            )  # fmt: skip
        by_meter = (await client.get("/exceptions/groups", params={"by": "meter"})).json()
        counted = {group["number"]: group["findings"] for group in by_meter["items"]}
        assert [counted[meter["number"]] for meter in meters] == [3, 1, 1] and not by_meter["is_more"]
        most = by_meter["items"][0]
        name = RULES[0].name.lower()
        assert most["rules"][0] == {"rule": name, "findings": 2} and most["day"] is None
        assert (most["first_day"], most["last_day"]) == tuple(day_to_date(DAY + n).isoformat() for n in (0, 1))
        by_area = (await client.get("/exceptions/groups", params={"by": "area"})).json()["items"]
        by_area = [
            group for group in by_area if group["area_id"] in (lane, below["area_id"])
        ]  # a utility has a finding of its own
        assert {group["area_id"]: (group["findings"], group["meters"]) for group in by_area} == {
            lane: (4, 2), below["area_id"]: (1, 1),
        }  # fmt: skip
        by_day = (await client.get("/exceptions/groups", params={"by": "day", "rule": name})).json()["items"]
        assert [(group["day"], group["findings"]) for group in by_day] == [
            (day_to_date(DAY + 1).isoformat(), 2), (day_to_date(DAY).isoformat(), 2),
        ]  # fmt: skip
        for group in by_area:
            shown = await client.get("/exceptions", params={"status": "open", "area_id": group["area_id"]})
            assert len(shown.json()["items"]) == group["findings"]
        for group in by_day:
            shown = await client.get("/exceptions", params={"status": "open", "day": group["day"], "rule": name})
            assert len(shown.json()["items"]) == group["findings"]
        theirs = {group["number"] for group in (await other.get("/exceptions/groups")).json()["items"]}
        assert not theirs & set(counted)
        assert (await client.get("/exceptions/groups?rule=none")).status_code == 400
        assert (await client.get("/exceptions/groups?by=week")).status_code == 400
