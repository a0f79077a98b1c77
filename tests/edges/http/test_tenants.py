# SPDX-License-Identifier: Apache-2.0
"""One utility never sees another's rows: through every operation, and in PostgreSQL itself."""

from typing import Any

import asyncpg
import pytest

from openmains.edges.postgres.db import API_ROLE, connect
from tests.edges.http.world import Utility, World, new_meter

TABLES = (
    "app_user",
    "session",
    "api_token",
    "audit",
    "area",
    "product",
    "customer",
    "meter",
    "meter_search",
    "identity_change",
    "meter_state",
    "reading_exception",
    "dead_letter",
    "alarm",
    "job",
    "command",
    "command_waiting",
    "command_event",
    "command_batch",
    "command_batch_meter",
    "meter_shadow",
    "command_setting",
    "terminal",
    "terminal_finding",
    "onboarding",
    "access_policy",
    "tariff",
    "tariff_plan",
    "tariff_simulation",
    "tariff_member",
    "meter_price",
    "ledger_entry",
    "ledger_line",
    "ledger_month",
    "ledger_act",
    "bill_run",
    "bill_correction",
    "bill",
    "bill_refusal",
    "bill_settlement",
    "bill_fee",
    "server_account",
    "deduction",
    "deduction_release",
    "deduction_place",
    "mirrored_meter",
    "mirrored_day",
    "mirror_review",
    "mirrored_place",
    "till_shift",
    "receipt",
    "payment_return",
    "notice_channel",
    "notice_policy",
    "notice",
    "announcement",
    "customer_code",
    "customer_session",
    "customer_wechat",
    "customer_request",
    "subscription",
    "outbox_event",
)
LISTS = {
    "/users": "user_id",
    "/tokens": "token_id",
    "/areas": "area_id",
    "/products": "product_id",
    "/meters": "meter_id",
    "/alarms": "alarm_id",
    "/exceptions": "exception_id",
    "/dead-letters": "dead_letter_id",
    "/jobs": "job_id",
    "/terminals": "meter_id",
}
OF_METER = ("", "/readings?from=2024-01-01T00:00:00Z&to=2024-01-02T00:00:00Z", "/registers", "/frames", "/signals", "/security",
             "/findings")  # fmt: skip


async def test_lists_hold_own_rows_only(world: World) -> None:
    for mine, other in ((world.a, world.b), (world.b, world.a)):
        async with world.client(mine.token) as client:
            for path, key in LISTS.items():
                items = (await client.get(path, params={"limit": 500})).json()["items"]  # other tests added some
                ids = {item[key] for item in items}
                assert mine.ids[key] in ids, path
                assert other.ids[key] not in ids, path


async def test_filters_by_the_others_ids_find_nothing(world: World) -> None:
    async with world.client(world.a.token) as client:
        other = world.b.ids
        for path in (
            f"/meters?area_id={other['area_id']}",
            f"/meters?product_id={other['product_id']}",
            f"/alarms?meter_id={other['meter_id']}",
            f"/exceptions?meter_id={other['meter_id']}",
            f"/dead-letters?meter_id={other['meter_id']}",
            f"/audit?user_id={other['user_id']}",
        ):
            assert (await client.get(path)).json()["items"] == [], path
        number = (await _meter(world, world.b))["number"]
        assert (await client.get("/meters", params={"q": number})).json()["items"] == []


async def _meter(world: World, utility: Utility) -> dict[str, Any]:
    async with world.client(utility.token) as client:
        found: dict[str, Any] = (await client.get(f"/meters/{utility.ids['meter_id']}")).json()
        return found


async def test_the_others_objects_are_not_found_by_any_verb(world: World) -> None:
    other = world.b.ids
    calls: list[tuple[str, str, Any]] = [("GET", f"/meters/{other['meter_id']}{rest}", None) for rest in OF_METER]
    calls += [
        ("GET", f"/{name}/{other[key]}", None)
        for name, key in (
            ("users", "user_id"),
            ("areas", "area_id"),
            ("products", "product_id"),
            ("alarms", "alarm_id"),
            ("exceptions", "exception_id"),
            ("jobs", "job_id"),
        )
    ]
    calls += [
        ("PATCH", f"/meters/{other['meter_id']}", {"address": "x"}),
        ("DELETE", f"/meters/{other['meter_id']}", None),
        ("PATCH", f"/areas/{other['area_id']}", {"name": "x"}),
        ("PATCH", f"/products/{other['product_id']}", {"name": "x"}),
        ("PATCH", f"/users/{other['user_id']}", {"name": "x"}),
        ("DELETE", f"/users/{other['user_id']}", None),
        ("POST", f"/users/{other['user_id']}/password", {}),
        ("DELETE", f"/tokens/{other['token_id']}", None),
        ("POST", f"/alarms/{other['alarm_id']}/acknowledge", {}),
        ("POST", f"/alarms/{other['alarm_id']}/clear", {}),
        ("POST", f"/exceptions/{other['exception_id']}/judge", {"verdict": "accept"}),
        ("POST", f"/jobs/{other['job_id']}/cancel", {}),
        ("POST", f"/meters/{other['meter_id']}/security/release", {}),
        ("POST", f"/meters/{other['meter_id']}/security/hold", {"state": "blocked"}),
        ("DELETE", f"/meters/{other['meter_id']}/key", None),
        ("POST", f"/keys/files/{other['job_id']}/take", {}),
        ("POST", f"/onboarding/{other['unknown']:015d}/dismiss", {}),
    ]
    async with world.client(world.a.token) as client:
        for method, path, body in calls:
            answer = await client.request(method, path, json=body, headers={"If-Match": '"1"'})
            assert answer.status_code == 404, (method, path, answer.text)
            assert answer.json()["type"].endswith("/not-found"), path
        for verb in ("replay", "dismiss"):
            handled = await client.post(f"/dead-letters/{verb}", json={"ids": [other["dead_letter_id"]]})
            assert handled.json() == {"ids": []}
        for field in ("product_id", "area_id"):
            stolen = await client.post("/meters", json=new_meter(world.a, **{field: other[field]}))
            assert stolen.json()["errors"] == [
                {
                    "pointer": f"/{field}",
                    "code": "unknown-reference",
                    "detail": "refers to something that does not exist",
                }
            ]
    assert (await _meter(world, world.b))["revision"] == 1


async def test_api_role_sees_nothing_without_a_tenant_and_one_tenant_with_it(world: World) -> None:
    connection = await connect(world.urls.postgres_api, role=API_ROLE)
    try:
        for table in (*TABLES, "tenant"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table  # noqa: S608 names above
        async with connection.transaction():
            await connection.execute("SELECT set_config('openmains.tenant', $1, true)", str(world.a.tenant_id))
            for table in (*TABLES, "tenant"):
                tenants = await connection.fetch(f"SELECT DISTINCT tenant_id FROM {table}")  # noqa: S608 names above
                assert {row[0] for row in tenants} <= {world.a.tenant_id}, table
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(
                        "INSERT INTO area (tenant_id, code, name) VALUES ($1, 'x', 'x')", world.b.tenant_id
                    )
        assert await connection.fetchval("SELECT count(*) FROM meter") == 0
    finally:
        await connection.close()


async def test_api_role_cannot_change_the_trail(world: World) -> None:
    connection = await connect(world.urls.postgres_api, role=API_ROLE)
    try:
        for sql in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
    finally:
        await connection.close()
