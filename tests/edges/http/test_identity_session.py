# SPDX-License-Identifier: Apache-2.0
"""Sign-in, sessions, passwords, tokens."""

import asyncio
import secrets
from dataclasses import replace

from openmains.app.identity.hashing import hash_secret
from openmains.edges.http.app import build_app
from tests.edges.http.world import OWN, STRONG, Utility, World


async def test_session_cookie_is_hidden_from_scripts_and_other_sites(world: World) -> None:
    async with world.client() as client:
        body = {"tenant": world.a.code, "login": "admin", "password": world.a.password}
        answer = await client.post("/session", json=body)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie
        assert world.a.password not in answer.text
        seen = await client.get("/session")
        assert seen.json()["login"] == "admin" and seen.json()["role"] == "administrator"
        secure = await client.post("https://om.test/api/v1/session", json=body)
        assert "secure" in secure.headers["set-cookie"].lower()


async def test_a_session_and_its_cookie_last_as_long_as_the_setting_says(world: World) -> None:
    deps = replace(world.deps, settings=replace(world.deps.settings, session_hours=2))
    short = replace(world, deps=deps, app=build_app(deps))
    lasts = "SELECT extract(epoch FROM expires_at - now())::int FROM session WHERE session_hash = $1"
    async with short.signed_in(world.a) as client:
        secret = client.cookies["openmains_session"]
        secret_hash = hash_secret(secret)
        assert 7100 < await world.owner.fetchval(lasts, secret_hash) <= 7200
        await world.owner.execute(
            "UPDATE session SET expires_at = now() + interval '1 minute' WHERE session_hash = $1", secret_hash
        )
        used = await client.get("/session")  # the first use in five minutes extends both
        assert 7100 < await world.owner.fetchval(lasts, secret_hash) <= 7200
        (renewed,) = used.headers.get_list("set-cookie")
        assert f"openmains_session={secret}" in renewed and "max-age=7200" in renewed.lower()
        assert "set-cookie" not in (await client.get("/session")).headers
        await world.owner.execute("UPDATE session SET expires_at = now() WHERE session_hash = $1", secret_hash)
        assert (await client.get("/session")).status_code == 401
    async with short.client() as client:
        body = {"tenant": world.a.code, "login": world.a.login, "password": world.a.password}
        given = await client.post("/session", json=body)
        assert "max-age=7200" in given.headers["set-cookie"].lower()
        (taken,) = (await client.delete("/session", headers=OWN)).headers.get_list("set-cookie")
        assert "max-age=0" in taken.lower()


async def test_sign_out_ends_the_session(world: World) -> None:
    async with world.signed_in(world.a) as client:
        secret = client.cookies["openmains_session"]
        assert (await client.delete("/session")).status_code == 204
        client.cookies.set("openmains_session", secret)
        assert (await client.get("/session")).status_code == 401


async def test_unknown_login_and_wrong_password_get_the_same_answer_and_lock_alike(world: World) -> None:
    login = f"u{secrets.token_hex(4)}"
    await world.user(world.a, "viewer", login)
    seen = []
    for name in (login, f"nobody{secrets.token_hex(3)}"):
        async with world.client() as client:
            answers = [
                await client.post("/session", json={"tenant": world.a.code, "login": name, "password": "wrong"})
                for _ in range(6)
            ]
        for answer in answers:
            assert answer.headers.get("set-cookie") is None
        seen.append([(a.status_code, {k: v for k, v in a.json().items() if k != "request_id"}) for a in answers])
        assert answers[-1].headers["retry-after"].isdigit()
    assert [status for status, _ in seen[0]] == [401] * 5 + [429]
    assert seen[0][:5] == seen[1][:5]
    assert [status for status, _ in seen[1]] == [401] * 5 + [429]


async def test_guesses_sent_at_once_are_counted_one_by_one(world: World) -> None:
    login = f"u{secrets.token_hex(4)}"
    await world.user(world.a, "viewer", login)
    async with world.client() as client:
        body = {"tenant": world.a.code, "login": login, "password": "wrong"}
        answers = await asyncio.gather(*(client.post("/session", json=body) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_cookie_changes_need_own_origin_or_header(world: World) -> None:
    async with world.signed_in(world.a) as client:
        client.headers.pop("X-OpenMains-Request")
        body = {"code": f"c{secrets.token_hex(4)}", "name": "n"}
        assert (await client.post("/areas", json=body)).status_code == 403
        evil = await client.post("/areas", json=body, headers={"Origin": "https://evil.test", **OWN})
        assert evil.status_code == 403 and evil.json()["type"].endswith("/foreign-origin")
        assert (await client.post("/areas", json=body, headers={"Origin": "http://om.test"})).status_code == 201


async def test_first_password_must_be_changed_and_ends_other_sessions(world: World) -> None:
    login = f"u{secrets.token_hex(4)}"
    async with world.client(world.a.token) as administrator:
        made = await administrator.post("/users", json={"login": login, "name": "N", "role": "operator"})
        password = made.json()["password"]
    person = Utility(world.a.tenant_id, world.a.code, login, password, "")
    async with world.signed_in(person) as client, world.signed_in(person) as other:
        refused = await client.get("/meters")
        assert refused.status_code == 403 and refused.json()["type"].endswith("/change-password-first")
        for new, code in (("short", "too_short"), ("1234567890", "common"), (password, "same-as-before")):
            weak = await client.post("/session/password", json={"current": password, "new": new})
            assert weak.status_code == 400 and weak.json()["errors"][0]["code"] == code
        wrong = await client.post("/session/password", json={"current": "no", "new": STRONG})
        assert wrong.status_code == 403
        done = await client.post("/session/password", json={"current": password, "new": STRONG})
        assert done.status_code == 204
        assert (await client.get("/meters")).status_code == 200
        assert (await other.get("/session")).status_code == 401


async def test_token_is_shown_once_and_not_above_its_owner(world: World) -> None:
    login = f"u{secrets.token_hex(4)}"
    await world.user(world.a, "operator", login)
    password = f"{STRONG} {login}!"
    async with world.client(world.a.token) as administrator:
        users = (await administrator.get("/users", params={"limit": 500})).json()["items"]
        user_id = next(u["user_id"] for u in users if u["login"] == login)
        password = (await administrator.post(f"/users/{user_id}/password", json={"reason": "new"})).json()["password"]
    await world.owner.execute("UPDATE app_user SET must_change = false WHERE user_id = $1", user_id)
    async with world.signed_in(Utility(world.a.tenant_id, world.a.code, login, password, "")) as client:
        above = await client.post("/tokens", json={"name": "x", "role": "administrator"})
        assert above.status_code == 403 and above.json()["type"].endswith("/role-too-high")
        made = (await client.post("/tokens", json={"name": "x", "role": "viewer"})).json()
        listed = await client.get("/tokens")
        assert made["secret"] not in listed.text and all(t["user_id"] == user_id for t in listed.json()["items"])
        async with world.client(made["secret"]) as machine:
            assert (await machine.get("/meters")).status_code == 200
            assert (await machine.post("/tokens", json={"name": "y", "role": "viewer"})).status_code == 403
            assert (await client.delete(f"/tokens/{made['token']['token_id']}?reason=over")).status_code == 204
            assert (await machine.get("/meters")).status_code == 401
    stored = await world.owner.fetchval("SELECT count(*) FROM api_token WHERE token_hash = $1", made["secret"].encode())
    assert stored == 0


async def test_last_administrator_stays(world: World) -> None:
    async with world.client(world.b.token) as client:
        path = f"/users/{world.b.ids['user_id']}"
        for answer in (
            await client.delete(path),
            await client.patch(path, json={"role": "viewer"}),
            await client.patch(path, json={"disabled": True}),
        ):
            assert answer.status_code == 409 and answer.json()["type"].endswith("/last-administrator")
