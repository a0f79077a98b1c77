# SPDX-License-Identifier: Apache-2.0
"""The signer's people and facts over the API: whom it refuses leaves nothing behind; what differs from what was signed is shown."""

from openmains.edges.signer.ledger import SqliteLedger
from tests.edges.http.test_command import ANN, BEN, add_meters, key, signer, work
from tests.edges.http.world import World

__all__ = ["signer", "work"]  # fixtures


async def test_a_refused_sign_in_leaves_no_draft(world: World, signer: SqliteLedger) -> None:
    """Of commands and batches: whom the signer does not know, or who may not ask for the kind, fills no table."""
    (meter,) = await add_meters(world, world.a, 1)
    before = await world.owner.fetchrow("SELECT (SELECT count(*) FROM command), (SELECT count(*) FROM command_batch)")
    wrong, nobody = ANN | {"password": "guess"}, {"login": "nobody", "password": "guess"}
    said = set()
    async with world.client(world.a.token) as client:
        for person in (wrong, nobody):
            body = {"kind": "valve_open", "unique_key": key(), "signer": person}
            answer = await client.post(f"/meters/{meter['meter_id']}/commands", json=body)
            said.add((answer.status_code, answer.json()["title"], answer.json()["detail"]))
            batch = {"name": "b", "kind": "valve_open", "unique_key": key(), "chosen": {"numbers": [meter["number"]]}}
            answer = await client.post("/command-batches", json={"batch": batch, "signer": person})
            said.add((answer.status_code, answer.json()["title"], answer.json()["detail"]))
        body = {"kind": "factory_reset", "unique_key": key(), "signer": BEN}
        assert (await client.post(f"/meters/{meter['meter_id']}/commands", json=body)).status_code == 403
    assert len(said) == 1  # the same words for who is not there and for a wrong password
    after = await world.owner.fetchrow("SELECT (SELECT count(*) FROM command), (SELECT count(*) FROM command_batch)")
    assert before == after


async def test_what_differs_is_shown_and_signed_over_the_api(world: World, signer: SqliteLedger) -> None:
    (meter,) = await add_meters(world, world.a, 1)
    async with world.client(world.a.token) as client, world.client(world.b.token) as other:
        assert (await client.get("/signed-facts")).json()["count"] == 0
        await world.owner.execute("UPDATE meter SET qmax_l_h = 99000 WHERE meter_id = $1", meter["meter_id"])
        seen = (await client.get("/signed-facts")).json()
        assert (seen["count"], seen["needs_two"]) == (1, True)
        qmax = next(change for change in seen["changes"] if change["fact"] == "qmax_l_h")
        assert (qmax["meter_id"], qmax["number"], qmax["registry"]) == (meter["meter_id"], meter["number"], "99000")
        act = {"list_hash": seen["list_hash"], "reason": "another meter", "signer": ANN}
        alone = await client.post("/signed-facts", json=act)
        assert (alone.status_code, alone.json()["type"].rpartition("/")[2]) == (403, "facts-need-two")
        foreign = await other.post("/signed-facts", json=act | {"second": BEN})
        assert (foreign.status_code, foreign.json()["type"].rpartition("/")[2]) == (409, "facts-changed")
        missing = await client.post("/signed-facts", json=act | {"second": BEN, "reason": ""})
        assert missing.status_code == 400
        done = await client.post("/signed-facts", json=act | {"second": BEN})
        assert (done.status_code, done.json()) == (200, {"count": 1})
        assert (await client.get("/signed-facts")).json()["count"] == 0
        trail = (await client.get("/audit?object_type=command&object_id=facts")).json()["items"]
        assert (trail[0]["action"], trail[0]["reason"]) == ("sign_facts", "another meter")
        assert ANN["password"] not in str(trail)
    async with world.client(await world.user(world.a, "viewer")) as client:
        assert (await client.get("/signed-facts")).status_code == 403
