# SPDX-License-Identifier: Apache-2.0
"""What an operator sees of terminals and keys, what they can do, and what nobody ever sees."""

import secrets
from typing import Any

from openmains.app.job.ports import ClaimedJob
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.jobs import KEY_GENERATE, KEY_IMPORT, key_handlers
from openmains.app.security.keys.vault import Vault
from openmains.domain.fleet.identifiers import imei_of
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.security.keys import PostgresKeys
from tests.edges.http.world import Utility, World, new_meter

PSK = secrets.token_hex(16)


async def add_meter(world: World, utility: Utility) -> tuple[int, str]:
    async with world.client(utility.token) as client:
        made = await client.post(
            "/meters", json=new_meter(utility, imei=f"{imei_of(35 * 10**12 + secrets.randbelow(10**12)):015d}")
        )
        assert made.status_code == 201, made.text
        return made.json()["meter_id"], made.json()["imei"]


async def last_audit(world: World, utility: Utility) -> dict[str, Any]:
    async with world.client(utility.token) as client:
        entry: dict[str, Any] = (await client.get("/audit?limit=1")).json()["items"][0]
        return entry


async def test_a_meter_without_history_is_allowed_and_has_no_key(world: World) -> None:
    meter_id, imei = await add_meter(world, world.a)
    async with world.client(world.a.token) as client:
        seen = (await client.get(f"/meters/{meter_id}/security")).json()
    assert (seen["state"], seen["score"], seen["key"], seen["online_since"], seen["imei"]) == (
        "allowed",
        0,
        None,
        None,
        imei,
    )
    assert seen["steps"] == {"observe": 10, "quarantine": 50, "block": 100}


async def test_a_person_blocks_and_releases_with_a_reason_and_the_edges_hear_of_both(world: World) -> None:
    meter_id, imei = await add_meter(world, world.a)
    await world.owner.execute(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " VALUES ($1, $2, 'terminal_cloned', 'critical', 1, 1, 1, 1), ($1, $2, 'magnetic', 'major', 1, 1, 1, 1)",
        world.a.tenant_id, meter_id,
    )  # fmt: skip
    operator = await world.user(world.a, "operator")
    async with world.client(operator) as client:
        held = await client.post(f"/meters/{meter_id}/security/hold", json={"state": "blocked", "note": "stolen"})
        assert held.status_code == 200, held.text
        assert (held.json()["state"], held.json()["held"], held.json()["note"]) == ("blocked", True, "stolen")
        again = await client.post(f"/meters/{meter_id}/security/hold", json={"state": "blocked"})
        assert again.status_code == 409
        listed = (await client.get("/terminals?status=blocked")).json()["items"]
        assert [(row["meter_id"], row["imei"], row["state"]) for row in listed] == [(meter_id, imei, "blocked")]
        released = await client.post(f"/meters/{meter_id}/security/release", json={"note": "found"})
        assert (released.json()["state"], released.json()["score"]) == ("allowed", 0)
        assert (await client.post(f"/meters/{meter_id}/security/release", json={})).status_code == 409
        alarms = (await client.get(f"/alarms?meter_id={meter_id}")).json()["items"]
        assert {row["event"]: row["cleared_at"] is None for row in alarms} == {
            "terminal_cloned": False,
            "magnetic": True,
        }
    entry = await last_audit(world, world.a)
    assert (entry["action"], entry["after"]) == ("release_terminal", {"state": "allowed", "note": "found"})
    told = await world.owner.fetchval("SELECT count(*) FROM terminal_change WHERE imei = $1", int(imei))
    assert told == 2


async def test_an_imei_that_was_another_tenants_blocked_terminal_begins_anew(world: World) -> None:
    meter_id, imei = await add_meter(world, world.a)
    async with world.client(world.a.token) as client:
        await client.post(f"/meters/{meter_id}/security/hold", json={"state": "blocked", "note": "stolen"})
        read = await client.get(f"/meters/{meter_id}")
        gone = await client.delete(f"/meters/{meter_id}?reason=stolen", headers={"If-Match": read.headers["ETag"]})
        assert gone.status_code == 200, gone.text
        assert (await client.post(f"/meters/{meter_id}/security/release", json={})).status_code == 404
    async with world.client(world.b.token) as client:
        moved = (await client.post("/meters", json=new_meter(world.b, imei=imei))).json()["meter_id"]
        assert (await client.get(f"/meters/{moved}/security")).json()["state"] == "allowed"
        held = await client.post(f"/meters/{moved}/security/hold", json={"state": "observe"})
        assert held.status_code == 200, held.text
        assert held.json()["state"] == "observe"


async def test_lists_page_by_page_hold_each_row_once(world: World) -> None:
    mine = {(await add_meter(world, world.b))[0] for _ in range(5)}
    async with world.client(world.b.token) as client:
        for meter_id in mine:
            await client.post(f"/meters/{meter_id}/security/hold", json={"state": "quarantine", "note": "odd"})
        seen: list[int] = []
        cursor = None
        while True:
            query = {"status": "quarantine", "limit": 2} | ({"cursor": cursor} if cursor else {})
            found = (await client.get("/terminals", params=query)).json()
            seen += [row["meter_id"] for row in found["items"]]
            cursor = found["next"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(mine)
        findings = (await client.get(f"/meters/{world.b.ids['meter_id']}/findings")).json()["items"]
        assert [(row["kind"], row["score"], row["state"], row["at"]) for row in findings] == [
            ("sim_changed", 10, "observe", "2023-11-14T22:13:20.123456Z")
        ]
        online = (await client.get("/terminals?status=online")).json()["items"]
        assert online == []


async def test_an_unknown_terminal_is_taken_in_as_a_meter_once(world: World) -> None:
    imei = f"{world.a.ids['unknown']:015d}"
    async with world.client(world.a.token) as client:
        (one,) = (await client.get("/onboarding?status=open")).json()["items"]
        assert (one["imei"], one["proven"], one["attempts"]) == (imei, True, 1)
        body = new_meter(world.a) | {"imei": None}
        wrong = await client.post(f"/onboarding/{imei}/accept", json=body | {"imei": f"{imei_of(1):015d}"})
        assert wrong.status_code == 400
        made = await client.post(f"/onboarding/{imei}/accept", json=body)
        assert made.status_code == 201, made.text
        assert made.json()["imei"] == imei
        assert (await client.post(f"/onboarding/{imei}/accept", json=body)).status_code == 409
        assert (await client.get("/onboarding?status=open")).json()["items"] == []
        (done,) = (await client.get("/onboarding?status=accepted")).json()["items"]
        assert done["meter_id"] == made.json()["meter_id"]


async def test_a_dismissed_one_stays_dismissed_and_what_is_no_imei_is_not_found(world: World) -> None:
    imei = f"{world.b.ids['unknown']:015d}"
    async with world.client(world.b.token) as client:
        answer = await client.post(f"/onboarding/{imei}/dismiss", json={})
        assert answer.json()["status"] == "dismissed"
        assert (await client.get("/onboarding?status=open")).json()["items"] == []
        assert (await client.post("/onboarding/123/dismiss", json={})).status_code == 404


async def test_refusals_are_listed_with_their_reason(world: World) -> None:
    for tenant, reason in (
        (world.a.tenant_id, "no_key"),
        (world.a.tenant_id, "identity_form"),
        (world.b.tenant_id, "no_key"),
    ):
        await world.owner.execute(
            "INSERT INTO access_refusal (tenant_id, name, stage, reason, detail, address, first_us, last_us, attempts)"
            " VALUES ($1, 'meter-17', 'handshake', $2, '', '192.0.2.1', 1000000, 2000000, 3)",
            tenant, reason,
        )  # fmt: skip
    async with world.client(world.a.token) as client:
        first = (await client.get("/refusals?limit=1")).json()
        rest = (await client.get(f"/refusals?limit=5&cursor={first['next']}")).json()
        rows = first["items"] + rest["items"]
        assert [(row["name"], row["reason"], row["attempts"]) for row in rows] == [
            ("meter-17", "identity_form", 3), ("meter-17", "no_key", 3),
        ]  # fmt: skip
        assert rest["next"] is None
        assert [row["meter_id"] for row in rows] == [None, None]


async def test_refusals_are_filtered_and_lead_to_their_meter(world: World) -> None:
    imei = imei_of(35_1234_5600_0000)
    meter_id = await world.owner.fetchval(
        "UPDATE meter SET imei = $2 WHERE meter_id = (SELECT max(meter_id) FROM meter WHERE tenant_id = $1) RETURNING meter_id",
        world.a.tenant_id, imei,
    )  # fmt: skip
    for name, number, reason in (
        (f"urn:imei:{imei}", imei, "cbc_not_allowed"), (str(imei), imei, "wrong_key"), ("Meter_17%", None, "identity_form"),
        ("", None, "no_suite"),
    ):  # fmt: skip
        await world.owner.execute(
            "INSERT INTO access_refusal (tenant_id, name, imei, stage, reason, detail, address, first_us, last_us, attempts)"
            " VALUES ($1, $2, $3, 'handshake', $4, '', '192.0.2.1', 1000000, 2000000, 1)",
            world.a.tenant_id, name, number, reason,
        )  # fmt: skip

    async with world.client(world.a.token) as client:

        async def found(query: str) -> set[tuple[str, int | None]]:
            items = (await client.get(f"/refusals?{query}")).json()["items"]
            return {(row["reason"], row["meter_id"]) for row in items if row["last_at"] == "1970-01-01T00:00:02Z"}

        assert await found("name=IMEI") == {("cbc_not_allowed", meter_id)}
        assert await found(f"name={str(imei)[2:9]}") == {("cbc_not_allowed", meter_id), ("wrong_key", meter_id)}
        assert await found("name=r_17%25") == {("identity_form", None)}  # a part of the name, no pattern
        assert await found("name=r117") == set()
        assert await found("reason=no_suite") == {("no_suite", None)}
        assert await found(f"reason=wrong_key&name={imei}&meter_id={meter_id}") == {("wrong_key", meter_id)}
        assert await found(f"meter_id={meter_id + 1}") == set()
        first = (await client.get(f"/refusals?meter_id={meter_id}&limit=1")).json()
        assert (await client.get(f"/refusals?meter_id={meter_id}&limit=1&cursor={first['next']}")).status_code == 200
        assert (await client.get(f"/refusals?limit=1&cursor={first['next']}")).status_code == 400  # of another list
        assert (await client.get("/refusals?name=")).status_code == 400


async def test_the_policy_is_the_administrators(world: World) -> None:
    async with world.client(world.a.token) as client:
        assert (await client.get("/access-policy")).json() == {"on_sim_separated": "alarm"}
        assert (await client.put("/access-policy?reason=thefts", json={"on_sim_separated": "block"})).status_code == 200
        assert (await client.get("/access-policy")).json() == {"on_sim_separated": "block"}
        assert (
            await client.put("/access-policy?reason=thefts", json={"on_sim_separated": "explode"})
        ).status_code == 400
    assert (await last_audit(world, world.a))["action"] == "set_access_policy"


class Context:
    """A job's runner as a handler sees it."""

    def __init__(self, job: ClaimedJob) -> None:
        self.job = job

    def progress(self, done: int, total: int) -> None:
        del done, total

    def should_stop(self) -> bool:
        return False


async def run_job(world: World, job_id: int) -> None:
    """What the worker does with a queued key job."""
    files = world.deps.key_files
    assert isinstance(files, SealedFiles)
    pool = await create_pool(world.urls.postgres_pipeline, max_size=3)
    try:
        store = PostgresKeys(pool)
        vault = Vault(store, files._masters, secrets.token_bytes)
        row = await pool.fetchrow("SELECT tenant_id, kind, params FROM job WHERE job_id = $1", job_id)
        assert row is not None
        handlers = key_handlers(store, vault, files, world.deps.settings.upload_dir, secrets.token_bytes)
        result = await handlers[row["kind"]](Context(ClaimedJob(job_id, row[0], row[1], row[2], "", 0.0)))
        await pool.execute("UPDATE job SET status = 'done', result = $2 WHERE job_id = $1", job_id, dict(result))
    finally:
        await pool.close()


async def test_keys_come_in_as_a_file_and_are_never_seen_again(world: World) -> None:
    meter_id, imei = await add_meter(world, world.a)
    text = f"imei,psk\n{imei},{PSK}\n12,{PSK}\n"
    async with world.client(world.a.token) as client:
        queued = await client.post(
            "/keys/import?partial=true&reason=delivery", files={"data": ("keys.csv", text.encode(), "text/csv")}
        )
        assert queued.status_code == 202, queued.text
        assert queued.json()["kind"] == KEY_IMPORT
        for path in (world.deps.settings.upload_dir / "keyfiles").iterdir():
            assert PSK.encode() not in path.read_bytes()
        await run_job(world, queued.json()["job_id"])
        seen = (await client.get(f"/meters/{meter_id}/security")).json()
        assert (seen["key"]["version"], seen["key"]["rotating"], seen["key"]["first_used_at"]) == (1, False, None)
        summary = (await client.get("/keys")).json()
        assert summary["with_key"] == 1
        assert summary["without_key"] >= 1
        errors = await client.get(f"/jobs/{queued.json()['job_id']}/file?which=errors")
        assert "IMEI" in errors.text
        shown = errors.text + "".join([
            (await client.get(path)).text for path in ("/audit?limit=100", "/jobs", f"/meters/{meter_id}/security")
        ])  # fmt: skip
        assert PSK not in shown
        assert (await client.delete(f"/meters/{meter_id}/key?reason=lost")).status_code == 204
        assert (await client.delete(f"/meters/{meter_id}/key?reason=lost")).status_code == 404
        assert (await client.get(f"/meters/{meter_id}/security")).json()["key"] is None
    assert (await last_audit(world, world.a))["action"] == "destroy_key"


async def test_a_generated_file_can_be_taken_once_and_by_an_administrator_of_the_tenant_only(world: World) -> None:
    meter_id, imei = await add_meter(world, world.b)
    operator = await world.user(world.b, "operator")
    async with (
        world.client(world.b.token) as client,
        world.client(world.a.token) as other,
        world.client(operator) as less,
    ):
        queued = await client.post("/keys/generate", json={"meter_ids": [meter_id], "reason": "new"})
        assert queued.status_code == 202, queued.text
        job_id = queued.json()["job_id"]
        assert queued.json()["kind"] == KEY_GENERATE
        assert (
            await client.post(f"/keys/files/{job_id}/take", json={"reason": "for the maker"})
        ).status_code == 404  # not made yet
        await run_job(world, job_id)
        assert (await other.post(f"/keys/files/{job_id}/take", json={"reason": "for the maker"})).status_code == 404
        assert (await less.post(f"/keys/files/{job_id}/take", json={"reason": "for the maker"})).status_code == 403
        assert (await client.get(f"/jobs/{job_id}/file")).status_code == 404
        file = await client.post(f"/keys/files/{job_id}/take", json={"reason": "for the maker"})
        assert file.status_code == 200
        header, line = file.text.lstrip("\ufeff").split()
        assert header == "number,imei,psk"
        assert line.split(",")[1] == imei
        gone = await client.post(f"/keys/files/{job_id}/take", json={"reason": "for the maker"})
        assert gone.status_code == 410
        assert gone.json()["type"].endswith("/key-file-gone")
        psk = line.split(",")[2]
        audit = (await client.get("/audit?limit=100")).text
        assert psk not in audit
        assert "take_key_file" in audit
        others = await client.post("/keys/generate", json={"meter_ids": [world.a.ids["meter_id"]], "reason": "new"})
        assert others.status_code == 400
        assert others.json()["errors"][0]["pointer"] == "/meter_ids"
