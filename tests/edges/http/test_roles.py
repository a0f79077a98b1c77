# SPDX-License-Identifier: Apache-2.0
"""Roles of the utility's own, over the API and the tables: they hold at once, and nobody gives more than he may do himself."""

import secrets
from typing import Any

import asyncpg
import pytest

from openmains.domain.identity.permission import Permission
from openmains.domain.identity.role import Role
from tests.edges.http.world import OWN, World

WHY = {"reason": "test"}


async def _make(client: Any, name: str, *permissions: str) -> dict[str, Any]:
    answer = await client.post("/roles", json={"name": name, "permissions": permissions, **WHY})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_role_of_ones_own_is_made_given_changed_and_held_while_somebody_has_it(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as chief:
        role = await _make(chief, "夜班", "see_alarms", "see_meters")
        taken = await chief.post("/roles", json={"name": "夜班", "permissions": ["see_alarms"], **WHY})
        empty = await chief.post("/roles", json={"name": "x", "permissions": [], **WHY})
        silent = await chief.post("/roles", json={"name": "y", "permissions": ["see_alarms"]})
        assert [(one.status_code, one.json()["type"].rsplit("/", 1)[1]) for one in (taken, empty, silent)] == [
            (409, "role-name-taken"), (422, "role-empty"), (400, "reason-needed"),
        ]  # fmt: skip
        token = await world.user(utility, role["code"])
        async with world.client(token) as person:
            me = (await person.get("/session")).json()
            assert me["permissions"] == ["see_alarms", "see_meters"] and me["role"] == role["code"]
            assert (await person.get("/alarms")).status_code == 200
            refused = await person.get("/customers", headers={"Accept-Language": "zh"})
            assert refused.status_code == 403 and "查看用户和户号" in refused.json()["detail"]
            body = {"name": "夜班", "permissions": ["see_meters"], "revision": role["revision"], **WHY}
            changed = await chief.patch(f"/roles/{role['role_id']}", json=body)
            assert changed.status_code == 200 and changed.json()["people"] == 1, changed.text
            assert (await person.get("/alarms")).status_code == 403  # at once, its token too
            stale = await chief.patch(f"/roles/{role['role_id']}", json=body)
            assert stale.status_code == 409 and stale.json()["type"].endswith("/role-changed")
        in_use = await chief.delete(f"/roles/{role['role_id']}", params=WHY)
        assert in_use.status_code == 409 and in_use.json()["type"].endswith("/role-in-use")
        roles = (await chief.get("/roles")).json()
        assert [one["code"] for one in roles] == [*Role, role["code"]]
        spare = await _make(chief, "备用", "see_sums")
        for name, until in (("revoked", "revoked_at"), ("valid", None)):  # a token of it
            await world.owner.execute(
                "INSERT INTO api_token (tenant_id, user_id, name, token_hash, role) VALUES ($1, $2, $3, decode($4, 'hex'), $5)",
                utility.tenant_id, utility.ids["user_id"], name, secrets.token_hex(32), spare["code"],
            )  # fmt: skip
            if until:
                await world.owner.execute("UPDATE api_token SET revoked_at = now() WHERE name = $1", name)
        assert (await chief.delete(f"/roles/{spare['role_id']}", params=WHY)).json()["type"].endswith("/role-in-use")
        await world.owner.execute(
            "UPDATE api_token SET revoked_at = now() WHERE tenant_id = $1 AND name = 'valid'", utility.tenant_id
        )
        assert (await chief.delete(f"/roles/{spare['role_id']}", params=WHY)).status_code == 204
        trail = (await chief.get("/audit", params={"object_type": "role"})).json()["items"]
        assert [one["action"] for one in trail] == ["remove_role", "add_role", "change_role", "add_role"]


async def test_who_manages_people_gives_and_touches_no_more_than_the_own_rights(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as chief:
        staff = await _make(chief, "人事", "manage_users", "see_alarms")
    token = await world.user(utility, staff["code"], "staff")
    async with world.client(token) as person:
        for body in (
            {"login": "boss", "name": "b", "role": "administrator", **WHY},
            {"login": "view", "name": "v", "role": "viewer", **WHY},
        ):
            answer = await person.post("/users", json=body)
            assert answer.status_code == 403 and answer.json()["type"].endswith("/role-too-high"), answer.text
        assert (
            "see the audit trail"
            in (await person.post("/users", json={"login": "boss", "name": "b", "role": "administrator", **WHY})).text
        )
        more = await person.post("/roles", json={"name": "more", "permissions": ["see_alarms", "approve_money"], **WHY})
        mine = await person.patch(
            f"/roles/{staff['role_id']}",
            json={"name": "人事", "permissions": [*Permission], "revision": staff["revision"], **WHY},
        )
        chief_id = utility.ids["user_id"]
        takeover = await person.post(f"/users/{chief_id}/password", json=WHY)
        lock = await person.patch(f"/users/{chief_id}", json={"disabled": True, **WHY})
        gone = await person.delete(f"/users/{chief_id}", params=WHY)
        for answer in (more, mine, takeover, lock, gone):
            assert answer.status_code == 403 and answer.json()["type"].endswith("/role-too-high"), answer.text
        assert (
            await person.post("/roles", json={"name": "less", "permissions": ["see_alarms"], **WHY})
        ).status_code == 201
    async with world.client(utility.token) as chief:
        assert (await chief.get("/session")).status_code == 200


async def test_a_token_never_does_more_than_its_person(world: World) -> None:
    """Also where the token's role is changed afterwards."""
    utility = await world.utility()
    async with world.client(utility.token) as chief:
        wide, narrow = await _make(chief, "宽", "see_alarms", "see_meters"), await _make(chief, "窄", "see_alarms")
        token = await world.user(utility, wide["code"], "ben")
        user = next(one for one in (await chief.get("/users")).json()["items"] if one["login"] == "ben")
        async with world.client(token) as person:
            assert (await person.get("/meters")).status_code == 200
            body = {"name": "宽", "permissions": [*Permission], "revision": 1, **WHY}
            assert (await chief.patch(f"/roles/{wide['role_id']}", json=body)).status_code == 200
            # As a row of before might stand: the person has less than the token's role says.
            await world.owner.execute(
                "UPDATE app_user SET role = $2 WHERE user_id = $1", user["user_id"], narrow["code"]
            )
            assert (await person.get("/session")).json()["permissions"] == ["see_alarms"]
            assert (await person.get("/meters")).status_code == 403
            assert (await person.get("/users")).status_code == 403


async def test_roles_of_another_utility_are_none(world: World) -> None:
    async with world.client(world.b.token) as other:
        theirs = await _make(other, f"b {world.b.code}", "see_alarms")
    async with world.client(world.a.token) as mine:
        given = await mine.post("/users", json={"login": "x1", "name": "x", "role": theirs["code"], **WHY})
        assert given.status_code == 400 and given.json()["errors"][0]["pointer"] == "/role", given.text
        body = {"name": "z", "permissions": ["see_alarms"], "revision": 1, **WHY}
        assert (await mine.patch(f"/roles/{theirs['role_id']}", json=body)).status_code == 404
        assert (await mine.delete(f"/roles/{theirs['role_id']}", params=WHY)).status_code == 404
        assert theirs["code"] not in [one["code"] for one in (await mine.get("/roles")).json()]
    with pytest.raises(asyncpg.ForeignKeyViolationError):  # and the tables refuse it once more
        await world.owner.execute(
            "UPDATE app_user SET role = $2 WHERE user_id = $1", world.a.ids["user_id"], theirs["code"]
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await world.owner.execute("UPDATE app_user SET role = 'king' WHERE user_id = $1", world.a.ids["user_id"])


async def test_who_sees_sums_alone_sees_no_customers_sum(world: World) -> None:
    token = await world.user(world.a, "government")
    days = {"first": "2024-01-01", "last": "2024-01-31"}
    async with world.client(token) as client:
        assert (await client.get("/bulk/sums", params={**days, "by": "area"})).status_code == 200
        for more in ({"by": "customer"}, {"by": "area", "numbers": "1"}):
            for path in ("/bulk/sums", "/bulk/sums.csv", "/bulk/sums.xlsx"):
                answer = await client.get(path, params={**days, **more})
                assert answer.status_code == 403 and answer.json()["type"].endswith("/not-allowed"), answer.text
        assert (await client.get("/home")).status_code == (await client.get("/meters")).status_code == 403
        assert (await client.get("/waiting")).json()["items"] == []


async def test_signing_in_tells_what_one_may(world: World) -> None:
    async with world.client() as client:
        body = {"tenant": world.a.code, "login": world.a.login, "password": world.a.password}
        signed = (await client.post("/session", json=body, headers=OWN)).json()
    assert signed["permissions"] == sorted(Permission)


async def test_a_file_that_names_customers_is_in_the_trail(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        assert (
            await client.get("/meters/file", params={"kind": "csv", "area_id": utility.ids["area_id"]})
        ).status_code == 200
        assert (await client.get("/visits.csv")).status_code == 200
        trail = (await client.get("/audit")).json()["items"]
    assert [(one["action"], one["after"]) for one in trail if one["action"].startswith("export_")] == [
        ("export_visits", {"rows": 0}),
        ("export_meters", {"rows": 1, "area_id": utility.ids["area_id"], "kind": "csv", "columns": ""}),
    ]
