# SPDX-License-Identifier: Apache-2.0
"""What a product lets its modules lack: off, switched by an administrator, in the trail."""

from tests.edges.http.test_security import last_audit
from tests.edges.http.world import World


async def test_a_product_lets_nothing_be_lacking_unless_somebody_says_so(world: World) -> None:
    body = {"code": "weak-1", "name": "W", "maker": "M", "model": "W-1", "driver": "openmains/water-1"}
    async with world.client(world.a.token) as client:
        made = (await client.post("/products", json=body)).json()
        assert (made["allow_cbc"], made["allow_no_ems"]) == (False, False)
        path = f"/products/{made['product_id']}"
        changed = (await client.patch(path, json={"allow_cbc": True})).json()
        assert (changed["allow_cbc"], changed["allow_no_ems"]) == (True, False)
        entry = await last_audit(world, world.a)
        assert entry["action"] == "change_product"
        assert (entry["before"]["allow_cbc"], entry["after"]["allow_cbc"]) == (False, True)
        other = (await client.patch(path, json={"name": "X", "allow_no_ems": True})).json()
        assert (other["name"], other["allow_cbc"], other["allow_no_ems"]) == ("X", True, True)
        back = (await client.patch(path, json={"allow_cbc": False, "allow_no_ems": False})).json()
        assert back == made | {"name": "X"}
        assert (await client.patch(path, json={"allow_cbc": "yes"})).status_code == 400
        assert (await client.get(path)).json() == back
        both = (await client.post("/products", json=body | {"code": "weak-2", "allow_cbc": True})).json()
        assert (both["allow_cbc"], both["allow_no_ems"]) == (True, False)
