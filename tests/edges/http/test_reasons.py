# SPDX-License-Identifier: Apache-2.0
"""Risky acts: without a reason they are refused and nothing changes; with one it is in the trail."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.http.world import World, new_meter

Call = tuple[str, str, dict[str, Any] | None]


@pytest.fixture
async def known(world: World) -> AsyncIterator[dict[str, Any]]:
    """What the acts are tried on; its keys are gone after the test, for they open nothing."""
    made = await subject(world)
    yield made
    await world.owner.execute("DELETE FROM device_key WHERE imei = $1", made["imei"])
    await world.owner.execute("DELETE FROM tenant_key WHERE master = 'of a test'")
    await world.owner.execute("UPDATE terminal SET state = 'allowed' WHERE meter_id = $1", made["meter"])
    await world.owner.execute("UPDATE access_policy SET on_sim_separated = 'alarm'")


async def subject(world: World) -> dict[str, Any]:
    """A meter of a protected customer with a key and a critical alarm, a person, a token, a dead letter."""
    a, tag = world.a, secrets.token_hex(4)
    insert = world.owner.fetchval
    customer = await insert(
        "INSERT INTO customer (tenant_id, code, name, is_protected) VALUES ($1, $2, 'N', true) RETURNING customer_id",
        a.tenant_id, tag,
    )  # fmt: skip
    async with world.client(a.token) as client:
        meter = (await client.post("/meters", json=new_meter(a, customer_id=customer))).json()
        user = (await client.post("/users", json={"login": tag, "name": tag, "role": "operator"})).json()["user"]
    meter_id = meter["meter_id"]
    await world.owner.execute(
        "INSERT INTO tenant_key VALUES ($1, 1, 'of a test', '', '') ON CONFLICT DO NOTHING", a.tenant_id
    )
    await world.owner.execute(
        "INSERT INTO device_key (imei, tenant_id, key_id, nonce, sealed)"
        " VALUES ($1, $2, 1, decode(repeat('00', 12), 'hex'), decode(repeat('00', 32), 'hex'))",
        int(meter["imei"]), a.tenant_id,
    )  # fmt: skip
    alarm = await insert(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " VALUES ($1, $2, 'gas_leak', 'critical', 1, 1, 1, 1) RETURNING alarm_id",
        a.tenant_id, meter_id,
    )  # fmt: skip
    letter = await insert(
        "INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason)"
        " VALUES ($1, $2, $3, 'coap', '/r', 1700000000123456, '\\x0102', 'crc') RETURNING dead_letter_id",
        a.tenant_id, meter_id, a.ids["product_id"],
    )  # fmt: skip
    token = await insert(
        "INSERT INTO api_token (token_hash, user_id, tenant_id, name, role) VALUES ($1, $2, $3, 'm', 'viewer')"
        " RETURNING token_id",
        secrets.token_bytes(32), user["user_id"], a.tenant_id,
    )  # fmt: skip
    above = await insert(
        "INSERT INTO area (tenant_id, code, name) VALUES ($1, $2, 'N') RETURNING area_id", a.tenant_id, tag
    )
    area = await insert(
        "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, $2, 'N', $3) RETURNING area_id",
        a.tenant_id, f"{tag}-b", above,
    )  # fmt: skip
    return {
        "area": area,
        "meter": meter_id,
        "imei": int(meter["imei"]),
        "user": user["user_id"],
        "alarm": alarm,
        "letter": letter,
        "token": token,
        "tag": tag,
    }


# Each act of the table in docs/console.md that needs a reason: call, and how the reason goes with it.
BODY, QUERY, NOTE = "reason", "query", "note"
ACTS: list[tuple[str, str, str, dict[str, Any] | None, str]] = [
    ("clear_alarm", "POST", "/alarms/{alarm}/clear", {}, BODY),
    ("change_user", "PATCH", "/users/{user}", {"disabled": True}, BODY),
    ("change_user", "PATCH", "/users/{user}", {"role": "administrator"}, BODY),
    ("create_user", "POST", "/users", {"login": "n{tag}", "name": "N", "role": "administrator"}, BODY),
    ("reset_password", "POST", "/users/{user}/password", {}, BODY),
    ("remove_user", "DELETE", "/users/{user}", None, QUERY),
    ("revoke_token", "DELETE", "/tokens/{token}", None, QUERY),
    ("hold_terminal", "POST", "/meters/{meter}/security/hold", {"state": "quarantine"}, NOTE),
    ("hold_terminal", "POST", "/meters/{meter}/security/hold", {"state": "blocked"}, NOTE),
    ("set_access_policy", "PUT", "/access-policy", {"on_sim_separated": "block"}, QUERY),
    ("ask_for_job", "POST", "/keys/generate", {"rotate": True}, BODY),
    ("destroy_key", "DELETE", "/meters/{meter}/key", None, QUERY),
    ("dismiss", "POST", "/dead-letters/dismiss", {"ids": ["letter"]}, BODY),
    ("change_meter", "PATCH", "/meters/{meter}", {"is_protected": False}, BODY),
    ("move_area", "PATCH", "/areas/{area}", {"parent_id": None}, BODY),
    ("remove_meter", "DELETE", "/meters/{meter}", None, QUERY),
    ("set_command_policy", "PUT", "/command-policy", {"daily_share_ppm": 20_000}, QUERY),
    ("set_command_times", "PUT", "/command-times", {"kind": "read_status", "attempts": 1}, QUERY),
]


def call_of(act: tuple[str, str, str, dict[str, Any] | None, str], known: dict[str, Any], reason: str) -> Call:
    _, method, path, body, how = act
    body = None if body is None else {k: v.format(**known) if isinstance(v, str) else v for k, v in body.items()}
    if body is not None and "ids" in body:
        body["ids"] = [known["letter"]]
    path = path.format(**known)
    if how == QUERY:
        return method, path + (f"?reason={reason}" if reason else ""), body
    return method, path, {**(body or {}), **({how: reason} if reason else {})}


TRACES = """
SELECT jsonb_build_object('meters', (SELECT jsonb_agg(m ORDER BY meter_id) FROM meter m),
  'alarms', (SELECT jsonb_agg(a ORDER BY alarm_id) FROM alarm a), 'users', (SELECT jsonb_agg(u ORDER BY user_id) FROM app_user u),
  'tokens', (SELECT jsonb_agg(t.revoked_at ORDER BY token_id) FROM api_token t), 'jobs', (SELECT count(*) FROM job),
  'terminals', (SELECT jsonb_agg(t.state ORDER BY imei) FROM terminal t), 'keys', (SELECT count(*) FROM device_key),
  'customers', (SELECT jsonb_agg(c ORDER BY customer_id) FROM customer c), 'audit', (SELECT count(*) FROM audit),
  'policy', (SELECT jsonb_agg(p ORDER BY tenant_id) FROM access_policy p),
  'letters', (SELECT jsonb_agg(d.status ORDER BY dead_letter_id) FROM dead_letter d))
"""


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act[0]} {act[3] or ''}")
async def test_a_risky_act_needs_a_reason_that_the_trail_keeps(
    world: World, known: dict[str, Any], act: tuple[str, str, str, dict[str, Any] | None, str]
) -> None:
    async with world.client(world.a.token) as client:
        revision = (await client.get(f"/meters/{known['meter']}")).headers["ETag"]
        before = await world.owner.fetchval(TRACES)
        for nothing in ("", " ", "--"):
            method, path, body = call_of(act, known, nothing)
            refused = await client.request(method, path, json=body, headers={"If-Match": revision})
            assert refused.status_code == 400, (act, refused.text)
            assert refused.json()["type"].endswith("/reason-needed"), refused.text
            pointer = "/note" if act[4] == NOTE else "/reason"
            assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
            assert await world.owner.fetchval(TRACES) == before
        method, path, body = call_of(act, known, "Leitung geprüft")
        done = await client.request(method, path, json=body, headers={"If-Match": revision})
        assert done.status_code < 300, (act, done.text)
        entry = (await client.get("/audit?limit=1")).json()["items"][0]
    assert (entry["action"], entry["reason"]) == (act[0], "Leitung geprüft")


async def test_what_harms_nobody_needs_none(world: World, known: dict[str, Any]) -> None:
    async with world.client(world.a.token) as client:
        for method, path, body in (
            ("PATCH", f"/users/{known['user']}", {"name": "Other"}),
            ("PATCH", f"/users/{known['user']}", {"unlock": True}),
            ("PATCH", f"/users/{known['user']}", {"disabled": False}),  # as it is
            ("POST", f"/meters/{known['meter']}/security/hold", {"state": "observe"}),
        ):
            answer = await client.request(method, path, json=body)
            assert answer.status_code < 300, (path, answer.text)


async def test_a_minor_alarm_is_cleared_without_one(world: World) -> None:
    minor = await world.owner.fetchval(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " VALUES ($1, $2, 'low_battery', 'minor', 1, 1, 1, 1) RETURNING alarm_id",
        world.a.tenant_id, world.a.ids["meter_id"],
    )  # fmt: skip
    async with world.client(world.a.token) as client:
        assert (await client.post(f"/alarms/{minor}/clear")).status_code == 200


async def test_a_token_of_an_administrator_or_without_an_end_needs_one(world: World) -> None:
    async with world.signed_in(world.a) as client:
        for wish in ({"role": "administrator"}, {"role": "viewer", "valid_days": None}):
            refused = await client.post("/tokens", json={"name": "x", **wish})
            assert refused.json()["type"].endswith("/reason-needed"), refused.text
            assert (await client.post("/tokens", json={"name": "x", **wish, "reason": "billing"})).status_code == 201


async def test_the_trail_names_what_it_speaks_of(world: World, known: dict[str, Any]) -> None:
    async with world.client(world.a.token) as client:
        number = (await client.get(f"/meters/{known['meter']}")).json()["number"]
        await client.post(f"/meters/{known['meter']}/security/hold", json={"state": "observe"})
        entry = (await client.get("/audit?limit=1")).json()["items"][0]
        assert (entry["object_type"], entry["object_name"]) == ("meter", number)
        await client.post(f"/alarms/{known['alarm']}/acknowledge")
        assert (await client.get("/audit?limit=1")).json()["items"][0]["object_name"] == number


@pytest.mark.usefixtures("known")
async def test_whom_a_making_of_keys_would_touch_is_counted_before(world: World) -> None:
    async with world.client(world.a.token) as client:
        every = (await client.get("/keys")).json()
        mine = (
            await client.get(f"/keys?product_id={world.a.ids['product_id']}&area_id={world.a.ids['area_id']}")
        ).json()
        none = (await client.get("/keys?product_id=2147483647")).json()
    assert every["with_key"] == mine["with_key"] >= 1 and mine["without_key"] >= 1
    assert none == {"with_key": 0, "without_key": 0, "rotating": 0, "waiting": 0}
