# SPDX-License-Identifier: Apache-2.0
"""The first page over real engines: meters by how they stand, work that waits for whom, what happened to a meter, the trail's filters."""

import secrets
from typing import Any

import httpx

from openmains.drivers.points import vocabulary
from tests.edges.http.world import World, new_meter

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_meters_are_counted_by_how_they_stand(world: World) -> None:
    utility = await world.utility()
    now_us = world.deps.now_us()
    low = vocabulary().event_mask(["low_battery"])
    async with world.client(utility.token) as client:
        states = [
            (now_us - HOUR_US, low, 1),
            (now_us - HOUR_US, 0, 0),
            (now_us - 3 * DAY_US, low, 2),
            (now_us - 40 * DAY_US, 0, 0),
        ]
        for seen_us, events, valve in states:
            made = await client.post("/meters", json=new_meter(utility))
            await world.owner.execute(
                "UPDATE meter_state SET last_seen_us = $2, event_mask = $3, valve = $4 WHERE meter_id = $1",
                made.json()["meter_id"], seen_us, events, valve,
            )  # fmt: skip
        await world.owner.execute(
            "UPDATE meter SET report_mode = 'month' WHERE meter_id = (SELECT meter_id FROM meter_state WHERE tenant_id = $1"
            " AND last_seen_us < $2)", utility.tenant_id, now_us - 30 * DAY_US,
        )  # fmt: skip
        home = await get(client, "/home")
        (totals,) = home["meters"]
        medium = totals["medium"]
        assert medium in ("gas", "water")
        # The utility's first meter was never heard; the one that reports by the month is in time after 40 days.
        assert totals == {
            "medium": medium, "active": 5, "online": 3, "silent": 1, "never_seen": 1, "low_battery": 2, "valves_closed": 1, "valves_faulty": 1,
        }  # fmt: skip
        assert home["alarms"] == await get(client, "/alarms/counts")
        assert [row["alarm_id"] for row in home["newest_alarms"]] == [utility.ids["alarm_id"]]
        listed = await get(client, "/meters", status="silent")
        assert len(listed["items"]) == totals["silent"]
        # A count is kept for a minute, whoever asks; what is not counted over the registry is as it is now.
        await client.post("/meters", json=new_meter(utility))
        assert (
            await client.post(f"/alarms/{utility.ids['alarm_id']}/clear", json={"reason": "seen to"})
        ).status_code == 200
        again = await get(client, "/home")
        assert again["counted_at"] == home["counted_at"] and again["meters"] == home["meters"]
        assert again["alarms"]["open"] == 0 and again["newest_alarms"] == []


async def test_work_waits_for_those_who_may_do_it_and_not_for_who_asked(world: World) -> None:
    utility = await world.utility()
    meter, author = utility.ids["meter_id"], utility.ids["user_id"]
    edit = (
        "INSERT INTO reading_edit (tenant_id, meter_id, day, exception_id, start_s, end_s, volume, old_volume, alone, reason, state,"
        " author_id, made_us) VALUES ($1, $2, 19675, 1, 1, 2, 3, 4, 5, 'r', 'pending', $3, 1)"
    )
    command = (
        "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_by, created_us, state)"
        " VALUES ($1, $2, 'read_now', 3, 1, $3, '\\x00', 4000000000, $4, 1, 'quarantined')"
    )
    await world.owner.execute(edit, utility.tenant_id, meter, author)
    await world.owner.execute(command, utility.tenant_id, meter, secrets.token_hex(8), author)
    operator, viewer = await world.user(utility, "operator"), await world.user(utility, "viewer")

    async def waiting(token: str) -> dict[str, int]:
        async with world.client(token) as client:
            return {item["queue"]: item["count"] for item in (await get(client, "/waiting"))["items"]}

    anybodys = {"exceptions": 1, "unknown_terminals": 1, "dead_letters": 1}
    assert await waiting(operator) == {"approvals": 1, "edits": 1} | anybodys
    assert await waiting(utility.token) == anybodys  # nobody approves what they asked for
    assert await waiting(viewer) == {}
    for token, rings in (
        (operator, [utility.ids["alarm_id"]]),
        (viewer, []),
    ):  # who may look after an alarm has it at the bell
        async with world.client(token) as client:
            found = await get(client, "/waiting")
        assert ([alarm["alarm_id"] for alarm in found["alarms"]], found["groups"]) == (rings, [])

    async with world.client(operator) as client:
        (held,) = (await get(client, "/commands", status="quarantined"))["items"]
        path = f"/commands/{held['command_id']}/cancel"
        for reason in ("", "--"):
            refused = await client.post(path, json={"reason": reason})
            assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (400, "reason-needed")
        rejected = await client.post(path, json={"reason": "the customer paid"})
        assert (rejected.json()["state"], rejected.json()["reason"]) == ("cancelled", "the customer paid")
        assert "approvals" not in await waiting(operator)
        # The meter's timeline tells all of it, newest first, page by page; the trail is the administrator's.
        seen, cursor = [], None
        while True:
            page = await get(
                client, f"/meters/{meter}/timeline", limit=2, **({} if cursor is None else {"cursor": cursor})
            )
            seen += page["items"]
            if (cursor := page["next"]) is None:
                break
        assert [event["at"] for event in seen] == sorted((event["at"] for event in seen), reverse=True)
        kinds = sorted(event["kind"] for event in seen)
        assert kinds == ["alarm_raised", "command_ended", "command_given", "edit", "finding"]
        ended = next(event for event in seen if event["kind"] == "command_ended")
        assert (ended["code"], ended["outcome"], ended["reason"]) == ("read_now", "cancelled", "the customer paid")
        assert (await client.get("/meters/999999999/timeline")).status_code == 404
    async with world.client(utility.token) as client:
        acts = [
            event["code"]
            for event in (await get(client, f"/meters/{meter}/timeline"))["items"]
            if event["kind"] == "act"
        ]
        assert acts == ["add_meter"]
        # The trail by person, act and days; a command is named by its meter.
        (line,) = (await get(client, "/audit", action="reject_command"))["items"]
        assert (line["object_name"], line["reason"]) == (held["number"], "the customer paid")
        assert (await get(client, "/audit", action="reject_command", user_id=author))["items"] == []
        today = line["at"][:10]
        assert (await get(client, "/audit", last="2020-01-01"))["items"] == []
        near = await get(client, "/audit", action="reject_command", first="2020-01-01", last="2100-01-01")
        assert [row["audit_id"] for row in near["items"]] == [line["audit_id"]] and today
        wrong = await client.get("/audit", params={"first": "2026-02-02", "last": "2026-02-01"})
        assert wrong.status_code == 400 and wrong.json()["errors"][0]["pointer"] == "/last"


async def test_a_span_of_days_has_its_bounds(world: World) -> None:
    async with world.client(world.a.token) as client:
        for first, last in (("2026-05-02", "2026-05-01"), ("2026-01-01", "2026-03-04"), ("1900-01-01", "1900-01-02")):
            answer = await client.get("/reports/days", params={"first": first, "last": last})
            assert answer.status_code in (400, 501), answer.text


async def test_a_new_utility_is_told_what_it_lacks_until_its_first_meter_is_heard(world: World) -> None:
    utility = await world.utility()
    owner, tenant = world.owner, utility.tenant_id
    async with world.client(utility.token) as client:

        async def steps() -> dict[str, bool] | None:
            answer: dict[str, Any] = (await client.get("/home")).json()
            found: dict[str, bool] | None = answer["first_steps"]
            return found

        first = await steps()
        assert first is not None and not first["heard"] and not first["people"]
        has_keys = await owner.fetchval("SELECT EXISTS (SELECT FROM device_key WHERE tenant_id = $1)", tenant)
        assert (first["areas"], first["products"], first["meters"], first["keys"]) == (True, True, True, has_keys)
        await world.user(utility, "operator")
        assert (await steps() or {})["people"]
        await owner.execute("UPDATE meter_state SET last_seen_us = 1 WHERE tenant_id = $1", tenant)
        after = await steps()
        assert after is None or after["heard"]
