# SPDX-License-Identifier: Apache-2.0
"""Safety closings over the API: complete or refused, by two persons, announced, standing until the site was inspected."""

import time
from typing import Any

import pytest

from openmains.app.command.work import CommandWork
from openmains.edges.postgres.db import API_ROLE, connect
from openmains.edges.signer.ledger import SqliteLedger
from tests.edges.http.test_command import ANN, BEN, add_meters, key, signer, work
from tests.edges.http.world import Utility, World
from tests.support.passwords import cheap_hash

__all__ = ["signer", "work"]  # fixtures
SAID = {"reason": 1, "evidence": "Geruch nach Gas / 用户报告燃气味，周三 02:10", "work_order": "抢修-7"}


@pytest.fixture(scope="module")
async def utility(world: World, signer: SqliteLedger) -> Utility:
    """Its own: what other files stop or forbid at theirs does not matter here, in whatever order they run."""
    made = await world.utility()
    for person, role in ((ANN, "operator"), (BEN, "approver")):
        signer.enrol(made.tenant_id, person["login"], cheap_hash(person["password"]), role, administrator=person is ANN)
    return made


def kind_of(answer: Any) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


async def protect(world: World, meter_id: int) -> None:
    """Its customer has credit and is protected; the utility forbids remote closing."""
    await world.owner.execute("UPDATE meter_state SET balance = 245000 WHERE meter_id = $1", meter_id)
    await world.owner.execute(
        "WITH made AS (INSERT INTO customer (tenant_id, code, name, is_protected) SELECT tenant_id, 'p' || meter_id, 'P', true"
        " FROM meter WHERE meter_id = $1 RETURNING customer_id)"
        " UPDATE meter SET customer_id = (SELECT customer_id FROM made) WHERE meter_id = $1",
        meter_id,
    )


async def test_a_protected_customer_with_credit_is_closed_for_safety_and_opened_by_an_inspection_only(
    world: World, utility: Utility, work: CommandWork
) -> None:
    (meter,) = await add_meters(world, utility, 1)
    meter_id = meter["meter_id"]
    await protect(world, meter_id)
    path = f"/meters/{meter_id}/commands"
    async with world.client(utility.token) as client:
        await client.put("/command-policy?reason=test", json={"remote_closing": False})
        try:
            plain = await client.post(path, json={"kind": "valve_close", "unique_key": key(), "signer": ANN})
            assert (plain.json()["verdict"], plain.json()["reason"]) == ("refused", "closing_forbidden")
            given = await client.post(
                path, json={"kind": "safety_close", "unique_key": key(), "signer": ANN, "params": SAID}
            )
        finally:
            await client.put("/command-policy?reason=test", json={})
        assert (given.json()["verdict"], given.json()["reason"]) == ("needs_approval", "two_persons")
        command_id = given.json()["command"]["command_id"]
        await work(time.time())
        open_alarms = (await client.get(f"/alarms?meter_id={meter_id}&status=open")).json()["items"]
        assert [(alarm["event"], alarm["severity"]) for alarm in open_alarms] == [("safety_closing", "critical")]
        assert (await client.get(f"/safety-closings?meter_id={meter_id}")).json()["items"] == []
        assert kind_of(await client.post(f"/commands/{command_id}/approve", json={"signer": ANN})) == "signer-refused"
        agreed = await client.post(f"/commands/{command_id}/approve", json={"signer": BEN})
        assert agreed.json()["state"] == "authorised"
        await work(time.time())
        (standing,) = (await client.get(f"/safety-closings?meter_id={meter_id}&standing=true")).json()["items"]
        assert (standing["command_id"], standing["reason"], standing["evidence"], standing["work_order"]) == (
            command_id, 1, SAID["evidence"], SAID["work_order"],
        )  # fmt: skip
        assert (standing["state"], standing["closed_at"], standing["lifted_at"]) == ("queued", None, None)
        # nothing opens it from afar; nor is it inspected while the closing may still be carried out
        opened = await client.post(path, json={"kind": "valve_open", "unique_key": key(), "signer": ANN})
        assert (opened.json()["verdict"], opened.json()["reason"]) == ("refused", "closed_for_safety")
        inspection = {"note": "leak at the stove repaired", "inspector": ANN, "approver": BEN}
        site = f"/meters/{meter_id}/site-inspection"
        assert kind_of(await client.post(site, json=inspection)) == "safety-closing-under-way"
        await world.owner.execute("UPDATE command SET state = 'confirmed' WHERE command_id = $1", command_id)
        one = await client.post(site, json=inspection | {"approver": ANN})
        assert kind_of(one) == "signer-refused"
        wrong = await client.post(site, json=inspection | {"inspector": ANN | {"password": "guess"}})
        assert kind_of(wrong) == "signer-refused"
        assert (await client.get(f"/safety-closings?meter_id={meter_id}&standing=true")).json()["items"] != []
        lifted = (await client.post(site, json=inspection)).json()
        assert (lifted["inspected_by"], lifted["agreed_by"], lifted["lift_note"]) == ("ann", "ben", inspection["note"])
        assert kind_of(await client.post(site, json=inspection)) == "not-found"
        assert (await client.get(f"/alarms?meter_id={meter_id}&status=open")).json()["items"] == []
        # The customer came after the list was signed: nobody signed what the meter is now, so two persons open it.
        opened = await client.post(path, json={"kind": "valve_open", "unique_key": key(), "signer": ANN})
        assert (opened.json()["verdict"], opened.json()["reason"]) == ("needs_approval", "facts_unsigned")
        second = f"/commands/{opened.json()['command']['command_id']}/approve"
        assert (await client.post(second, json={"signer": BEN})).json()["state"] == "authorised"
        trail = (await client.get(f"/audit?object_type=meter&object_id={meter_id}")).json()["items"]
        assert "inspect_site" in [line["action"] for line in trail]
        trail = (await client.get(f"/audit?object_type=command&object_id={command_id}")).json()["items"]
        assert {"give_command", "approve_commands"} <= {line["action"] for line in trail}
    stored = await world.owner.fetchval("SELECT string_agg(after::text, ' ') FROM audit")
    assert ANN["password"] not in stored and BEN["password"] not in stored and SAID["work_order"] in stored


async def test_one_person_is_enough_where_the_meter_itself_reported_the_leak(
    world: World, utility: Utility, work: CommandWork
) -> None:
    meters = await add_meters(world, utility, 5)
    now_us = int(time.time() * 1_000_000)
    day_us = 86_400_000_000
    alarms = (
        ("gas_leak", now_us, None), ("gas_leak", now_us - 2 * day_us, None), ("gas_leak", now_us, now_us),
        ("micro_leak", now_us, None), ("gas_leak", now_us, None),
    )  # fmt: skip
    for meter, (event, last_us, cleared_us) in zip(meters, alarms, strict=True):
        await protect(world, meter["meter_id"])
        await world.owner.execute(
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, cleared_us)"
            " VALUES ($1, $2, $3, 'critical', 0, $4, $4, $4, $5)",
            utility.tenant_id, meter["meter_id"], event, last_us, cleared_us,
        )  # fmt: skip
    verdicts = []
    async with world.client(await world.user(utility, "operator")) as client:
        for place, meter in enumerate(meters):
            said = SAID | ({"reason": 2} if place == 4 else {})  # a fire is a person's word
            body = {"kind": "safety_close", "unique_key": key(), "signer": ANN, "params": said}
            given = await client.post(f"/meters/{meter['meter_id']}/commands", json=body)
            verdicts.append(given.json()["verdict"])
    assert verdicts == ["authorised", *["needs_approval"] * 4]


async def test_an_incomplete_safety_closing_and_one_for_many_are_refused_before_anything_is_written(
    world: World, utility: Utility
) -> None:
    (meter,) = await add_meters(world, utility, 1)
    async with world.client(utility.token) as client:
        path = f"/meters/{meter['meter_id']}/commands"
        for params, wrong in (
            ({"reason": 1}, "evidence"),
            (SAID | {"reason": 9}, "reason"),
            (SAID | {"alarm_id": "7"}, "alarm_id"),
        ):
            body = {"kind": "safety_close", "unique_key": key(), "signer": ANN, "params": params}
            answer = await client.post(path, json=body)
            assert kind_of(answer) == "safety-closing-incomplete"
            assert [error["pointer"] for error in answer.json()["errors"]] == [f"/params/{wrong}"]
        batch = {"name": "all", "kind": "safety_close", "unique_key": key(), "params": SAID,
                 "chosen": {"numbers": [meter["number"]]}}  # fmt: skip
        assert kind_of(await client.post("/command-batches", json={"batch": batch, "signer": ANN})) == "not-in-batches"
        assert (await client.get(f"/commands?meter_id={meter['meter_id']}")).json()["items"] == []
        kinds = (await client.get(f"/meters/{meter['meter_id']}/command-kinds")).json()["kinds"]
        (found,) = [kind for kind in kinds if kind["kind"] == "safety_close"]
        assert [item["name"] for item in found["parameters"]] == ["evidence", "alarm_id", "work_order"]


async def test_who_serves_people_cannot_make_up_the_meters_word(world: World, utility: Utility) -> None:
    """A taken-over API could otherwise make one stolen person enough."""
    (meter,) = await add_meters(world, utility, 1)
    connection = await connect(world.urls.postgres_api, role=API_ROLE)
    try:
        await connection.execute("SELECT set_config('openmains.tenant', $1, false)", str(utility.tenant_id))
        for statement in (
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
            f" SELECT {utility.tenant_id}, {meter['meter_id']}, 'gas_leak', 'critical', 1, 1, 1, 1",
            "UPDATE alarm SET event = 'gas_leak'",
            "UPDATE alarm SET last_us = 1",
            "DELETE FROM meter_safety",
            "UPDATE meter_safety SET reason = ''",
        ):
            try:
                await connection.execute(statement)
            except Exception as error:
                assert type(error).__name__ == "InsufficientPrivilegeError", statement
                continue
            raise AssertionError(statement)
    finally:
        await connection.close()


async def test_a_meter_that_says_its_valve_is_open_though_it_is_closed_for_safety_is_an_alarm(
    world: World, utility: Utility, work: CommandWork
) -> None:
    (meter,) = await add_meters(world, utility, 1)
    meter_id = meter["meter_id"]
    async with world.client(utility.token) as client:
        body = {"kind": "safety_close", "unique_key": key(), "signer": ANN, "params": SAID}
        command_id = (await client.post(f"/meters/{meter_id}/commands", json=body)).json()["command"]["command_id"]
        await client.post(f"/commands/{command_id}/approve", json={"signer": BEN})
        await work(time.time())
        await world.owner.execute("UPDATE meter_safety SET closed_us = 1 WHERE command_id = $1", command_id)
        for valve in (1, 0, 0):
            await world.owner.execute("UPDATE meter_state SET valve = $2 WHERE meter_id = $1", meter_id, valve)
        (standing,) = (await client.get(f"/safety-closings?meter_id={meter_id}&standing=true")).json()["items"]
        assert standing["opened_at"] is not None
        alarms = (await client.get(f"/alarms?meter_id={meter_id}&status=open")).json()["items"]
        assert [(alarm["event"], alarm["occurrences"]) for alarm in alarms] == [
            ("safety_opened", 1),
            ("safety_closing", 1),
        ]


async def test_one_that_is_called_off_before_anybody_agreed_leaves_no_alarm(
    world: World, utility: Utility, work: CommandWork
) -> None:
    (meter,) = await add_meters(world, utility, 1)
    meter_id = meter["meter_id"]
    async with world.client(utility.token) as client:
        body = {"kind": "safety_close", "unique_key": key(), "signer": ANN, "params": SAID}
        command_id = (await client.post(f"/meters/{meter_id}/commands", json=body)).json()["command"]["command_id"]
        await work(time.time())
        assert len((await client.get(f"/alarms?meter_id={meter_id}&status=open")).json()["items"]) == 1
        await client.post(f"/commands/{command_id}/cancel", json={"reason": "wrong house"})
        assert (await client.get(f"/alarms?meter_id={meter_id}&status=open")).json()["items"] == []
