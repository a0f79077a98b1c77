# SPDX-License-Identifier: Apache-2.0
"""Who comes in, from where, and what ends with the credential: locks by place, proxies, the password asked for again, metrics."""

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest

from openmains.domain.identity.lockout import FREE_FAILURES
from openmains.edges.http.app import build_app
from openmains.edges.http.proxies import Proxies, networks_of
from tests.edges.http.world import OWN, STRONG, System, Utility, World

BEHIND = {"proxies": Proxies(networks_of("127.0.0.0/8"))}


def with_settings(world: World, **settings: Any) -> World:
    deps = replace(world.deps, settings=replace(world.deps.settings, **settings))
    return replace(world, deps=deps, app=build_app(deps))


async def person(world: World, role: str = "operator") -> Utility:
    """Somebody of the first utility, with a password that was changed already."""
    login = f"u{secrets.token_hex(4)}"
    async with world.client(world.a.token) as administrator:
        made = (
            await administrator.post("/users", json={"login": login, "name": "N", "role": role, "reason": "test"})
        ).json()
    found = Utility(world.a.tenant_id, world.a.code, login, made["password"], "", {"user_id": made["user"]["user_id"]})
    async with world.signed_in(found) as client:
        done = await client.post("/session/password", json={"current": found.password, "new": STRONG + login[::-1]})
        assert done.status_code == 204, done.text
    return replace(found, password=STRONG + login[::-1])


def kind_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


async def test_wrong_passwords_from_elsewhere_keep_nobody_out(world: World) -> None:
    open_world = with_settings(world, **BEHIND)
    ann = await person(world)
    body = {"tenant": ann.code, "login": ann.login, "password": ann.password}

    async def sign_in(address: str, **more: str) -> httpx.Response:
        async with open_world.client() as client:
            return await client.post("/session", json=body | more, headers={"X-Forwarded-For": address})

    for _ in range(FREE_FAILURES):
        assert (await sign_in("203.0.113.66", password="guess")).status_code == 401
    assert kind_of(await sign_in("203.0.113.66")) == "sign-in-locked"
    assert (await sign_in("198.51.100.7")).status_code == 201
    assert kind_of(await sign_in("203.0.113.66")) == "sign-in-locked"
    async with world.client(
        world.a.token
    ) as administrator:  # a way back: the list shows the lock, and it can be lifted
        users = (await administrator.get("/users", params={"limit": 500})).json()["items"]
        assert next(user for user in users if user["login"] == ann.login)["locked_until"] is not None
        after = await administrator.patch(f"/users/{ann.ids['user_id']}", json={"unlock": True})
        assert after.json()["locked_until"] is None
    assert (await sign_in("203.0.113.66")).status_code == 201


async def test_a_browser_that_signed_in_before_passes_the_lock_of_its_address(world: World) -> None:
    ann = await person(world)
    body = {"tenant": ann.code, "login": ann.login, "password": ann.password}
    async with world.client() as known, world.client() as stranger:
        assert (await known.post("/session", json=body)).status_code == 201
        cookies = [cookie for cookie in known.cookies.jar if cookie.name == "openmains_browser"]
        assert [(cookie.path, cookie.has_nonstandard_attr("HttpOnly")) for cookie in cookies] == [
            ("/api/v1/session", True)
        ]
        for _ in range(FREE_FAILURES):
            await stranger.post("/session", json=body | {"password": "guess"})
        assert kind_of(await stranger.post("/session", json=body)) == "sign-in-locked"
        assert (await known.post("/session", json=body)).status_code == 201
        assert kind_of(await stranger.post("/session", json=body)) == "sign-in-locked"


async def test_of_two_forwarded_lines_the_last_hop_counts(world: World) -> None:
    async def address_of(world: World, *lines: str) -> str:
        headers = [("X-Forwarded-For", line) for line in lines]
        async with world.client() as client:
            body = {"tenant": world.a.code, "login": "admin", "password": world.a.password}
            assert (await client.post("/session", json=body, headers=headers)).status_code == 201
        found = await world.owner.fetchval(
            "SELECT address FROM audit WHERE action = 'sign_in' ORDER BY audit_id DESC LIMIT 1"
        )
        return str(found)

    behind = with_settings(world, **BEHIND)
    assert await address_of(behind, "1.1.1.1", "198.51.100.9") == "198.51.100.9"
    assert await address_of(behind, "1.1.1.1, 198.51.100.9") == "198.51.100.9"
    assert await address_of(world, "1.1.1.1", "198.51.100.9") == "127.0.0.1"


async def test_guesses_at_the_present_password_are_limited(world: World) -> None:
    ann = await person(world)
    async with world.signed_in(ann) as stolen, world.signed_in(ann) as own:
        path, guess = "/session/password", {"current": "guess", "new": "another long one 7"}
        answers = await asyncio.gather(*(stolen.post(path, json=guess) for _ in range(12)))
        assert sorted(kind_of(answer) for answer in answers) == ["password-locked"] * 7 + ["wrong-password"] * 5
        locked = await stolen.post(path, json=guess | {"current": ann.password})
        assert (locked.status_code, kind_of(locked)) == (429, "password-locked") and int(
            locked.headers["retry-after"]
        ) > 0
        assert (await own.post(path, json=guess | {"current": ann.password})).status_code == 204, (
            "the person is not locked out"
        )
        assert (await stolen.get("/session")).status_code == 401
    async with world.client(world.a.token) as administrator:
        trail = (await administrator.get(f"/audit?object_type=user&object_id={ann.ids['user_id']}")).json()["items"]
        assert [line["action"] for line in trail].count("change_password_refused") == 5


@pytest.mark.parametrize("keep", [False, True])
async def test_tokens_end_with_their_owners_password_unless_they_are_kept(world: World, keep: bool) -> None:
    ann = await person(world)
    async with world.signed_in(ann) as client:
        secret = (await client.post("/tokens", json={"name": "t", "role": "viewer"})).json()["secret"]
        body: dict[str, Any] = {"current": ann.password, "new": "another long one 7"}
        async with world.client(secret) as program:
            assert (await program.get("/meters")).status_code == 200
            assert (
                await client.post("/session/password", json=body | ({"keep_tokens": True} if keep else {}))
            ).status_code == 204
            assert (await program.get("/meters")).status_code == (200 if keep else 401)


async def test_metrics_are_the_platforms_for_its_operators_and_a_tenants_for_others(world: World) -> None:
    system = world.deps.system
    assert isinstance(system, System)
    system.hosts = {world.a.tenant_id}
    try:
        for token, status, text in (
            (None, 401, ""),
            (await world.user(world.a, "viewer"), 403, ""),
            (await world.user(world.a, "operator"), 200, 'openmains_reports_total{node="a\\"b"} 7'),
            (await world.user(world.b, "operator"), 200, 'openmains_tenant{name="meters"} 1'),
        ):
            async with world.client(token) as client:
                answer = await client.get("http://om.test/metrics")
                assert (answer.status_code, text in answer.text) == (status, True), answer.text
                if status == 200:
                    assert ("openmains_reports_total" in answer.text) is ("reports" in text)
        opened = with_settings(world, open_metrics=True)
        async with opened.client() as client:
            assert "# TYPE openmains_reports_total counter" in (await client.get("http://om.test/metrics")).text
            for header in (
                "X-Forwarded-For",
                "Forwarded",
                "Via",
                "X-Real-IP",
            ):  # a proxy of this machine stands between
                answer = await client.get("http://om.test/metrics", headers={header: "for=127.0.0.1"})
                assert answer.status_code == 401, header
        transport = httpx.ASGITransport(app=opened.app, client=("198.51.100.9", 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport) as client:
            assert (await client.get("http://om.test/metrics")).status_code == 401
    finally:
        system.hosts = set()


async def test_while_an_engine_stands_still_what_waits_for_it_is_told_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = world.deps.system
    assert isinstance(system, System)
    held = asyncio.Event()
    find = world.deps.sign_in_store.find_credential

    async def waiting(secret_hash: bytes) -> Any:
        await held.wait()
        return await find(secret_hash)

    monkeypatch.setattr(world.deps.sign_in_store, "find_credential", waiting)
    monkeypatch.setattr(system, "still", ["postgresql"])
    async with world.client(world.a.token) as client:
        answer = await client.get("/meters")
        assert (answer.status_code, kind_of(answer), answer.headers["retry-after"]) == (503, "engine-away", "5")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await client.get("/health")).status_code == 200, "what needs no engine goes on"
        monkeypatch.setattr(system, "still", [])
        slow = asyncio.create_task(client.get("/meters"))
        done, _ = await asyncio.wait({slow}, timeout=4)
        assert not done, "slow is not still"
        held.set()
        assert (await slow).status_code == 200


async def test_what_takes_a_cookie_still_asks_for_the_own_header(world: World) -> None:
    async with world.signed_in(world.a) as client:
        client.headers.pop("X-OpenMains-Request")
        assert (await client.post("/session/password", json={"current": "x", "new": "y"})).status_code == 403
        client.headers.update(OWN)
