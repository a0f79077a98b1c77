# SPDX-License-Identifier: Apache-2.0
"""Client applications (R13.5, ADR 0061): what they may, where, for how long, and who answers for them."""

import base64
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets

from openmains.domain.identity.application import MOST_OPEN, PERSONS_ONLY
from openmains.edges.http import system
from tests.edges.http.test_serve import closed, serving
from tests.edges.http.world import Utility, World, new_meter

SCOPES = [
    "see_meters",
    "see_readings",
    "see_places",
    "see_sums",
    "see_alarms",
    "see_customers",
    "see_premises",
    "see_products",
]


@pytest.fixture(scope="module")
async def utility(world: World) -> Utility:
    return await world.utility()


async def make(world: World, utility: Utility, **values: Any) -> dict[str, Any]:
    """An application with its secret."""
    body = {"name": f"system {secrets.token_hex(4)}", "scopes": SCOPES, "reason": "their data", **values}
    async with world.signed_in(utility) as client:
        answer = await client.post("/applications", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return {**made["application"], "secret": made["client_secret"]}


async def ask(world: World, made: dict[str, Any], *, address: str = "127.0.0.1", **form: str) -> httpx.Response:
    wanted = {
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["secret"],
        **form,
    }
    async with world.client(address=address) as client:
        return await client.post("/oauth/token", data=wanted)


async def token(world: World, made: dict[str, Any], **form: str) -> str:
    answer = await ask(world, made, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@asynccontextmanager
async def signed(world: World, made: dict[str, Any], **form: str) -> AsyncIterator[httpx.AsyncClient]:
    async with world.client(await token(world, made, **form)) as client:
        yield client


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def test_a_secret_opens_a_token_of_an_hour(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    answer = await ask(world, made)
    told = answer.json()
    assert (answer.status_code, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600), answer.text
    assert sorted(told["scope"].split()) == sorted(SCOPES) and answer.headers["cache-control"] == "no-store"
    async with world.client() as client:
        basic = base64.b64encode(f"{made['client_id']}:{made['secret']}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        form = {"grant_type": "client_credentials", "unknown": "means nothing"}
        assert (await client.post("/oauth/token", data=form, headers=headers)).status_code == 200
        both = await client.post("/oauth/token", data={**form, "client_secret": "x"}, headers=headers)
        assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
        other = await client.post("/oauth/token", data={"grant_type": "password"}, headers=headers)
        assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
        for nothing in ({}, {"grant_type": "client_credentials"}):
            assert (await client.post("/oauth/token", data=nothing)).json()["error"] == "invalid_request"
    async with world.client(told["access_token"]) as client:
        session = (await client.get("/session")).json()
        assert (session["kind"], session["login"], session["permissions"]) == (
            "application",
            made["client_id"],
            sorted(SCOPES),
        )
        assert (await client.get("/meters")).status_code == 200
        assert code_of(await client.get("/ledger")) in ("not-allowed", "no-such-path", "not-found")
        assert code_of(await client.get("/users")) == code_of(await client.get("/applications")) == "not-allowed"
        assert code_of(await client.post("/tokens", json={"name": "t", "role": "viewer"})) == "session-only"
    async with world.client() as client:  # it is no cookie
        client.cookies.set("openmains_session", told["access_token"])
        assert (await client.get("/session")).status_code == 401


async def test_fewer_scopes_may_be_asked_for_and_never_more(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    async with signed(world, made, scope="see_meters see_places") as client:
        assert (await client.get("/session")).json()["permissions"] == ["see_meters", "see_places"]
        assert code_of(await client.get("/alarms")) == "not-allowed"
    answer = await ask(world, made, scope="see_meters see_money")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_what_only_persons_may_is_no_scope_and_nobody_gives_more_than_he_may(
    world: World, utility: Utility
) -> None:
    async with world.signed_in(utility) as client:
        for scope in sorted(PERSONS_ONLY):
            body = {"name": "x", "scopes": ["see_meters", scope], "reason": "test"}
            answer = await client.post("/applications", json=body)
            assert (code_of(answer), answer.json()["errors"][0]["pointer"]) == ("scope-of-persons", "/scopes/1"), (
                answer.text
            )
        area = utility.ids["area_id"]
        for within in ({"places": [area]}, {"media": ["water"]}, {"meters": ["1"]}):  # it would open nothing there
            body = {"name": "x", "scopes": ["see_meters", "export_money"], "reason": "test", **within}
            answer = await client.post("/applications", json=body)
            assert (code_of(answer), answer.json()["errors"][0]["pointer"]) == ("scope-of-whole", "/scopes/1"), (
                answer.text
            )
        offered = (await client.get("/applications/scopes")).json()
        assert "see_meters" in offered and not PERSONS_ONLY.intersection(offered)
        bad = {"scopes": ["see_meters"], "name": "x", "reason": "test"}
        for values, pointer in (
            ({"meters": ["none"]}, "/meters/0"), ({"places": [999_999]}, "/places/0"), ({"addresses": ["::1", "1::/999"]}, "/addresses/1"),
            ({"last_day": "2020-01-01"}, "/last_day"), ({"reason": "-"}, "/reason"),
        ):  # fmt: skip
            answer = await client.post("/applications", json={**bad, **values})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), answer.text
        role = (
            await client.post(
                "/roles", json={"name": secrets.token_hex(4), "permissions": ["manage_users"], "reason": "test"}
            )
        ).json()["code"]
    async with world.client(utility.token) as client:  # a token makes none: who made it would not be asked
        assert code_of(await client.post("/applications", json=bad)) == "session-only"
    person = await person_of(world, utility, role)
    async with world.signed_in(person) as client:
        assert code_of(await client.post("/applications", json=bad)) == "role-too-high"


async def person_of(world: World, utility: Utility, role: str) -> Utility:
    """Somebody who can sign in."""
    login = f"u{secrets.token_hex(4)}"
    async with world.client(utility.token) as client:
        body = {"login": login, "name": login, "role": role, "reason": "test"}
        made = (await client.post("/users", json=body)).json()
    await world.owner.execute("UPDATE app_user SET must_change = false WHERE user_id = $1", made["user"]["user_id"])
    return Utility(utility.tenant_id, utility.code, login, made["password"], "", {"user_id": made["user"]["user_id"]})


async def test_wrong_secrets_are_counted_by_their_address_only(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    wrong = {**made, "secret": "omcs_" + "x" * 43}
    answer = await ask(world, wrong, address="192.0.2.77")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    unknown = await ask(world, {**made, "client_id": "omc-0000000000000000"}, address="192.0.2.77")
    for different in ("request_id",):
        assert {**answer.json(), different: ""} == {**unknown.json(), different: ""}
    statuses = [(await ask(world, wrong, address="192.0.2.77")).status_code for _ in range(20)]
    assert statuses[-1] == 429 and set(statuses) == {401, 429}
    assert (await ask(world, made, address="192.0.2.77")).status_code == 429
    assert (await ask(world, made, address="192.0.2.78")).status_code == 200
    lines = await trail(world, utility, made, "refuse_application")
    assert lines and lines[0]["actor"] == f"{made['name']} (application)" and lines[0]["address"] == "192.0.2.77"


async def trail(world: World, utility: Utility, made: dict[str, Any], action: str) -> list[dict[str, Any]]:
    chosen = {"object_type": "application", "object_id": str(made["application_id"]), "action": action}
    async with world.client(utility.token) as client:
        found: list[dict[str, Any]] = (await client.get("/audit", params=chosen)).json()["items"]
    return found


async def test_what_it_does_stands_in_the_trail_under_its_name(
    world: World, utility: Utility, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await make(world, utility, scopes=["see_meters", "manage_meters", "see_products"])
    opened = await token(world, made)
    async with world.client(opened) as client:
        meter = await client.post("/meters", json=new_meter(utility))
        assert meter.status_code == 201, meter.text
    async with world.client(utility.token) as client:
        line = (
            await client.get("/audit", params={"object_type": "meter", "object_id": str(meter.json()["meter_id"])})
        ).json()["items"][0]
        assert (line["actor"], line["user_id"]) == (f"{made['name']} (application)", made["application_id"])
        (line,) = await trail(world, utility, made, "add_application")
        assert line["object_name"] == made["name"] and line["reason"] == "their data"
        people = (await client.get("/users", params={"limit": 500})).json()["items"]
        assert made["application_id"] not in {person["user_id"] for person in people}
        assert (await client.get(f"/users/{made['application_id']}")).status_code == 404
        body = {"disabled": True, "reason": "test"}
        assert (await client.patch(f"/users/{made['application_id']}", json=body)).status_code == 404
        notified = (await client.get("/notice-persons")).text
        assert made["client_id"] not in notified
    kept = await world.owner.fetchval("SELECT string_agg(a::text, ' ') FROM audit a")
    kept += await world.owner.fetchval("SELECT string_agg(c::text, ' ') FROM client_application c")
    for secret in (made["secret"], opened):
        assert secret not in caplog.text and secret not in kept


async def test_nobody_signs_in_by_its_name(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    async with world.client() as client:
        for password in (made["secret"], "!", "x" * 12):
            body = {"tenant": utility.code, "login": made["client_id"], "password": password}
            assert code_of(await client.post("/session", json=body)) == "sign-in-refused"


async def test_a_new_secret_and_the_one_before_are_both_right_for_a_time(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    async with world.signed_in(utility) as client:
        path = f"/applications/{made['application_id']}/secret"

        async def renew(hours: int) -> dict[str, Any]:
            answer = await client.post(path, json={"overlap_h": hours, "reason": "yearly"})
            assert answer.status_code == 201, answer.text
            return {
                **made,
                "secret": answer.json()["client_secret"],
                "secrets": answer.json()["application"]["secrets"],
            }

        second = await renew(24)
        assert len(second["secrets"]) == 2
        assert [(await ask(world, one)).status_code for one in (made, second)] == [200, 200]
        third = await renew(24)
        assert len(third["secrets"]) == 2  # never more than two
        assert [(await ask(world, one)).status_code for one in (made, second, third)] == [401, 200, 200]
        opened = await token(world, third)
        fourth = await renew(0)  # somebody knew it: it ends with all that it opened
        assert [(await ask(world, one)).status_code for one in (second, third, fourth)] == [401, 401, 200]
    async with world.client(opened) as other:
        assert (await other.get("/meters")).status_code == 401


async def test_without_somebody_responsible_it_is_refused(world: World, utility: Utility) -> None:
    person = await person_of(world, utility, "administrator")
    made = await make(world, person)
    async with world.client(await token(world, made)) as client, world.client(utility.token) as administrator:
        answer = await administrator.post(
            "/roles",
            json={"name": secrets.token_hex(4), "permissions": ["see_meters", "manage_users"], "reason": "test"},
        )
        less = {"role": answer.json()["code"], "reason": "test"}
        assert (await administrator.patch(f"/users/{person.ids['user_id']}", json=less)).status_code == 200
        assert (await client.get("/session")).json()["permissions"] == ["see_meters"]  # never more than its person
        gone = await administrator.delete(f"/users/{person.ids['user_id']}", params={"reason": "left"})
        assert gone.status_code == 204, gone.text
        assert (await client.get("/meters")).status_code == (await ask(world, made)).status_code == 401
        found = (await administrator.get(f"/applications/{made['application_id']}")).json()
        assert (found["state"], found["responsible"]) == ("unanswered", None)
    async with world.signed_in(utility) as administrator:
        path = f"/applications/{made['application_id']}/responsible"
        assert code_of(await administrator.post(path, json={})) == "reason-needed"
        answer = await administrator.post(path, json={"reason": "goes on"})
        assert answer.json()["state"] == "active", answer.text
    assert (await ask(world, made)).status_code == 200


async def test_it_asks_from_its_networks_and_as_often_as_it_may(world: World, utility: Utility) -> None:
    made = await make(world, utility, addresses=["192.0.2.0/28"], rate=1)
    assert (await ask(world, made)).json()["error"] == "unauthorized_client"
    opened = (await ask(world, made, address="192.0.2.3")).json()["access_token"]
    async with world.client(opened) as client:
        assert code_of(await client.get("/meters")) == "address-refused"
    async with world.client(opened, address="192.0.2.4") as client:
        statuses = [(await client.get("/session")).status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10 and statuses[-1] == 429


async def test_it_ends_by_its_day_and_by_being_changed(world: World, utility: Utility) -> None:
    made = await make(world, utility, last_day="2099-12-31")
    opened = await token(world, made)
    body = {"name": made["name"], "scopes": ["see_meters"], "revision": made["revision"], "reason": "less"}
    async with world.signed_in(utility) as client, world.client(opened) as other:
        path = f"/applications/{made['application_id']}"
        answer = await client.patch(path, json=body)
        assert answer.status_code == 200 and answer.json()["expires_at"] is None, answer.text
        assert (await other.get("/session")).json()["permissions"] == ["see_meters"]  # at once
        assert code_of(await client.patch(path, json=body)) == "application-changed"
        await world.owner.execute(
            "UPDATE client_application SET expires_at = now() WHERE application_id = $1", made["application_id"]
        )
        assert (await other.get("/session")).status_code == (await ask(world, made)).status_code == 401
        assert (await client.get(path)).json()["state"] == "expired"


async def test_one_that_asks_again_and_again_keeps_the_newest_tokens(world: World, utility: Utility) -> None:
    made = await make(world, utility)
    first = await token(world, made)
    for _ in range(MOST_OPEN):
        last = await token(world, made)
    async with world.client(first) as client:
        assert (await client.get("/session")).status_code == 401
    async with world.client(last) as client:
        assert (await client.get("/session")).status_code == 200


async def test_one_that_is_revoked_is_gone_with_its_live_views(
    world: World, utility: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "CHECK_EVERY_S", 0.05)
    made = await make(world, utility)
    headers = {"Authorization": f"Bearer {await token(world, made)}"}
    url = "ws://127.0.0.1:{}/api/v1/live"
    async with (
        serving(world) as port, world.signed_in(utility) as client,
        websockets.connect(url.format(port), additional_headers=headers) as live,
    ):  # fmt: skip
        path = f"/applications/{made['application_id']}"
        assert code_of(await client.delete(path)) == "reason-needed"
        assert (await client.delete(path, params={"reason": "ended"})).status_code == 204
        assert await closed(live) == system.ENDED
        assert code_of(await client.delete(path, params={"reason": "ended"})) == "already-done"
    async with world.client(headers["Authorization"].removeprefix("Bearer ")) as client:
        assert (await client.get("/session")).status_code == 401
    assert (await ask(world, made)).status_code == 401
    assert await world.owner.fetchval("SELECT count(*) FROM session WHERE user_id = $1", made["application_id"]) == 0


async def test_one_that_is_bound_to_devices_sees_these_and_nothing_else(world: World, utility: Utility) -> None:
    async with world.client(utility.token) as client:
        other = (await client.get(f"/meters/{utility.ids['meter_id']}")).json()
        aside = (await client.post("/areas", json={"code": secrets.token_hex(4), "name": "Aside"})).json()["area_id"]
        mine, beside = [(await client.post("/meters", json=new_meter(utility, area_id=aside))).json() for _ in range(2)]
    made = await make(world, utility, meters=[mine["number"]], scopes=[*SCOPES, "manage_meters", "export_meters"])
    assert made["meters"] == [mine["number"]]
    async with signed(world, made) as client:
        assert [one["number"] for one in (await client.get("/meters")).json()["items"]] == [mine["number"]]
        assert (await client.get("/meters/count")).json()["count"] == 1
        assert (await client.get(f"/meters/{mine['meter_id']}")).status_code == 200
        for hidden in (other, beside):  # of the same product, one in the same area
            assert (await client.get(f"/meters/{hidden['meter_id']}")).status_code == 404
        assert (await client.get(f"/areas/{aside}")).json()["sums"]["meters"] == 1
        for number, found in ((mine["number"], [mine["number"]]), (beside["number"], [])):
            hits = (await client.get("/meters", params={"q": number})).json()["items"]
            assert [one["number"] for one in hits] == found
        areas = (await client.get("/areas", params={"limit": 100})).json()["items"]
        assert aside in {area["area_id"] for area in areas}
        assert utility.ids["area_id"] not in {area["area_id"] for area in areas}
        assert [one["product_id"] for one in (await client.get("/products")).json()["items"]] == [
            utility.ids["product_id"]
        ]
        for nothing in ("/alarms", "/customers"):
            assert (await client.get(nothing)).json()["items"] == []
        refused = await client.post("/meters", json=new_meter(utility, area_id=aside))
        assert code_of(refused) == "out-of-reach", refused.text
    await world.owner.execute(
        "UPDATE client_application SET meters = '{1}' WHERE application_id = $1", made["application_id"]
    )
    async with signed(world, made) as client:  # of no device that is there: of nothing, not of everything
        assert (await client.get("/meters")).json()["items"] == (await client.get("/products")).json()["items"] == []
