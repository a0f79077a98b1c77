# SPDX-License-Identifier: Apache-2.0
"""Driver pages added to a running system: whose they are, what is refused, and that processes follow the same version."""

import re
import secrets
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from openmains.app.fleet.drivers import LoadedDriverCatalog
from openmains.drivers import catalog
from openmains.edges.postgres.fleet.driver_pages import DriverPageFollower
from tests.edges.http.world import World

GUIDE = Path(__file__).parents[3] / "docs" / "connect-a-meter.md"


def page_of(name: str) -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found).replace("huaxin/hx-20", name)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rsplit("/", 1)[-1]


async def test_pages_are_a_utilitys_own_true_to_their_vectors_and_the_same_in_every_process(world: World) -> None:
    name, other_name = (f"acme/w-{secrets.token_hex(4)}" for _ in range(2))
    text, path = page_of(name), f"/driver-pages/{name}"
    packaged = catalog.pages_in(resources.files("openmains.drivers"))
    edge, core = (catalog.load_from(packaged) for _ in range(2))
    changes: list[str] = []
    followers = [
        DriverPageFollower(world.pipeline, edge, lambda: changes.append("edge")),
        DriverPageFollower(world.pipeline, core),
    ]
    mine = DriverPageFollower(world.pipeline, catalog.load())
    world.deps.drivers._owner = mine.owner  # type: ignore[attr-defined]  # as run/roles/api.py does
    assert isinstance(world.deps.drivers, LoadedDriverCatalog)
    a, b = await world.utility(), await world.utility()
    viewer = await world.user(a, "viewer")
    async with world.client(a.token) as client, world.client(b.token) as stranger, world.client(viewer) as looking:
        refused: list[tuple[dict[str, Any], str]] = [
            ({"text": text}, "reason-needed"),
            ({"text": "[driver", "reason": "new meters"}, "driver-page-broken"),
            ({"text": "a = " + "9" * 5_000, "reason": "new meters"}, "driver-page-broken"),
            ({"text": "a = " + "[" * 50_000, "reason": "new meters"}, "driver-page-broken"),
            ({"text": page_of("Acme/x"), "reason": "new meters"}, "driver-page-broken"),
            ({"text": page_of("acme/groups"), "reason": "new meters"}, "driver-page-broken"),
            (
                {"text": text.replace("register = 1234560", "register = 1234561", 1), "reason": "new meters"},
                "driver-page-broken",
            ),
            ({"text": packaged["openmains/water-1.toml"], "reason": "new meters"}, "driver-page-broken"),
            ({"text": packaged["lwm2m/water-1.toml"], "reason": "new meters"}, "driver-page-taken"),
            ({"text": "x" * 300_000, "reason": "new meters"}, "invalid-input"),
        ]
        for body, why in refused:
            answer = await client.post("/driver-pages", json=body)
            assert code(answer) == why, answer.text
        assert (await client.get("/driver-pages")).json()["items"] == []
        assert (await looking.post("/driver-pages", json={"text": text, "reason": "new meters"})).status_code == 403

        made = await client.post("/driver-pages", json={"text": text, "reason": "new meters"})
        assert (made.status_code, made.json()["version"], made.json()["products"]) == (201, 1, 0), made.text
        assert code(await stranger.post("/driver-pages", json={"text": text, "reason": "mine"})) == "driver-page-taken"
        assert (await stranger.get("/driver-pages")).json()["items"] == []
        assert (await stranger.get(f"{path}/versions")).status_code == 404
        assert (await stranger.delete(path, params={"reason": "not mine"})).status_code == 404
        try:
            assert [await one.follow() for one in (*followers, mine)] == [True] * 3
            assert [await one.follow() for one in followers] == [False] * 2
            assert changes == ["edge"]

            # products of the utility may be read by it, of no other
            product = {"code": "hx", "name": "HX", "maker": "M", "model": "1", "driver": name}
            assert code(await stranger.post("/products", json=product)) == "invalid-input"
            for what in ("", "/vectors", "/layout"):
                assert (await client.get(f"/drivers/{name}{what}")).status_code == 200
                assert (await stranger.get(f"/drivers/{name}{what}")).status_code == 404
            assert (await stranger.post(f"/drivers/{name}/explain", json={"hex": "00"})).status_code == 404
            assert name not in {one["name"] for one in (await stranger.get("/drivers")).json()["items"]}
            bought = await client.post("/products", json=product)
            assert bought.status_code == 201, bought.text
            layout = (await client.get(f"/drivers/{name}/layout")).json()
            assert {"total", "earlier"} <= {field["name"] for field in layout["messages"][0]["fields"]}
            assert code(await client.delete(path, params={"reason": "meters were sold"})) == "driver-page-in-use"

            # another version, and back
            better = text.replace("HX-20 water meter", "HX-20 meter, better")
            assert (await client.post("/driver-pages", json={"text": better, "reason": "words"})).json()["version"] == 2
            differs = text.replace("unit_exponent = -3", "unit_exponent = -4").replace("= 1234560", "= 12345600")
            differs = differs.replace("[1234560, 1234400, 1234000]", "[12345600, 12344000, 12340000]")
            assert (
                code(await client.post("/driver-pages", json={"text": differs, "reason": "finer"}))
                == "driver-page-differs"
            )
            for one in followers:
                await one.follow()
            assert edge.versions[name] == core.versions[name] == 2
            assert {one.driver(name).title.en for one in (edge, core)} == {"HX-20 meter, better"}
            assert (await client.post(f"{path}/choose", json={"version": 3, "reason": "to try it"})).status_code == 404
            assert code(await client.post(f"{path}/choose", json={"version": 1})) == "reason-needed"
            assert (await client.post(f"{path}/choose", json={"version": 1, "reason": "back to the first"})).json()[
                "version"
            ] == 1
            for one in followers:
                await one.follow()
            assert all(one.counters[f"page.{name}.v1"] == 1 for one in followers)
            assert (await client.get(f"{path}/versions/2")).json()["text"] == better
            with_versions = (await client.get(f"{path}/versions")).json()["items"]
            assert [(one["version"], one["is_active"], one["reason"]) for one in with_versions] == [
                (2, False, "words"),
                (1, True, "new meters"),
            ]

            # taken away, once nothing is read by it; a text that cannot be read is left out and said
            product_id = bought.json()["product_id"]
            await client.patch(f"/products/{product_id}", json={"driver": "lwm2m/water-1"})
            assert (await client.delete(path, params={"reason": "meters were sold"})).status_code == 204
            await followers[0].follow()
            assert name not in edge and name in core
            spoilt = page_of(other_name)
            assert (await client.post("/driver-pages", json={"text": spoilt, "reason": "another"})).status_code == 201
            await world.owner.execute("UPDATE driver_page_version SET body = 'x' WHERE name = $1", other_name)
            for one in followers:
                await one.follow()
                assert other_name not in one._catalog and one.counters[f"page.{other_name}.unread"] == 1
        finally:
            catalog.load().take({})
            await world.owner.execute(
                "UPDATE driver_page SET active_version = NULL WHERE name = ANY ($1)", [name, other_name]
            )
