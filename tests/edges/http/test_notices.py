# SPDX-License-Identifier: Apache-2.0
"""Notices from the alarm's news to the channel's acknowledgement, over PostgreSQL and real sockets: once whatever is killed; escalation;
storms; secrets sealed; the console's inbox. What is slow, and what is refused, is in ``test_channels.py``."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from openmains.app.notice.work import NoticeLoop
from openmains.edges.notify.guard import AddressGuard, networks_of
from openmains.edges.notify.http import Http
from openmains.edges.notify.senders import senders
from openmains.edges.notify.smtp import Mailer
from openmains.edges.postgres.db import PIPELINE_ROLE, connect
from openmains.edges.postgres.notice.work import PostgresNoticeWork
from tests.edges.http.world import Utility, World
from tests.support.receiver import Receiver, receiver

MINUTE_US = 60_000_000
WHY = {"reason": "test"}


def problem(answer: httpx.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


def done(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.us = time.time_ns() // 1000

    def __call__(self) -> int:
        self.us += 1
        return self.us


@asynccontextmanager
async def desk_of(world: World, clock: Clock, **others: Any) -> AsyncIterator[NoticeLoop]:
    """A worker of its own; leaving the block is its end."""
    guard = AddressGuard(networks_of("127.0.0.0/8"))
    http, mailer = Http(guard, 5.0), Mailer(guard)
    work = PostgresNoticeWork(world.pipeline, lambda: connect(world.urls.postgres_pipeline, role=PIPELINE_ROLE))
    assert world.deps.sealer is not None
    desk = NoticeLoop(work, world.deps.sealer, {**senders(http, mailer), **others}, clock)
    before, world.deps.now_us = world.deps.now_us, clock
    try:
        yield desk
    finally:
        world.deps.now_us = before
        for task in desk.tasks.values():
            task.cancel()
        await asyncio.gather(*desk.tasks.values(), return_exceptions=True)
        await work.close()
        await http.close()
        mailer.close()


async def turn(desk: NoticeLoop) -> None:
    await desk.step()
    await desk.settle()


async def alarm(world: World, utility: Utility, severity: str = "major", event: str = "", received_us: int = 0) -> int:
    """An alarm of the utility's meter that stands alone, and its news."""
    event = event or f"burst_{secrets.token_hex(4)}"
    received = received_us or time.time_ns() // 1000
    alarm_id = await world.owner.fetchval(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, told)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $6, 1) RETURNING alarm_id",
        utility.tenant_id, utility.ids["meter_id"], event, severity, received // 1_000_000, received,
    )  # fmt: skip
    await news(world, utility, "raised", alarm_id=alarm_id)
    return int(alarm_id)


async def news(
    world: World, utility: Utility, what: str, alarm_id: int | None = None, group_id: int | None = None
) -> None:
    await world.owner.execute(
        "INSERT INTO alarm_event (tenant_id, news, alarm_id, group_id, at_us) VALUES ($1, $2, $3, $4, 1)",
        utility.tenant_id, what, alarm_id, group_id,
    )  # fmt: skip


async def a_channel(client: httpx.AsyncClient, receiving: Receiver, per_minute: int = 20) -> int:
    body = {
        "kind": "webhook",
        "name": secrets.token_hex(4),
        "settings": {"url": f"{receiving.url}/hook", "secret": "S3CRET-" + "x" * 20},
        "per_minute": per_minute,
        "reason": "test",
    }
    return int(done(await client.post("/notice-channels", json=body))["channel_id"])


async def a_policy(client: httpx.AsyncClient, *levels: dict[str, Any], **values: Any) -> int:
    body = {"name": secrets.token_hex(4), "least": "info", "levels": list(levels), **values}
    return int(done(await client.post("/notice-policies", json=body, params=WHY))["policy_id"])


async def log(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done(await client.get("/notices", params={"limit": 500, **query}))["items"]
    return found


async def inbox_id(client: httpx.AsyncClient) -> int:
    return int(next(c["channel_id"] for c in done(await client.get("/notice-channels")) if c["kind"] == "inbox"))


async def test_an_alarm_reaches_its_channel_is_acknowledged_there_and_counted(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        channel = await a_channel(client, receiving)
        await a_policy(client, {"after_min": 0, "channels": [channel]})
        alarm_id = await alarm(world, utility, received_us=clock.us - 3_000_000)
        await turn(desk)
        (got,) = receiving.got
        assert got.headers["x-openmains-signature"].startswith("t=") and "人民路 12 号" in got.json["text"]
        (line,) = await log(client)
        assert (line["state"], line["alarm_id"], line["tries"]) == ("accepted", alarm_id, 1)
        assert 3000 <= line["shown_ms"] < 10_000
        found = done(await client.get(f"/notices/{line['notice_id']}"))
        assert [attempt["outcome"] for attempt in found["attempts"]] == ["accepted"] and "burst" in found["text"]
        summary = done(await client.get("/notices/summary"))
        assert (summary["alarms"], summary["in_time"], summary["late"], summary["untold"]) == (1, 1, 0, 0)
        assert summary["p99_ms"] == line["shown_ms"]
        await news(
            world, utility, "raised", alarm_id=alarm_id
        )  # told again by mistake: another happening, another notice
        await turn(desk)
        assert len(receiving.got) == 2 and receiving.got[1].headers["idempotency-key"] != got.headers["idempotency-key"]
        untold = await world.utility()
        await alarm(world, untold)
        await turn(desk)
    async with world.client(untold.token) as client:
        assert done(await client.get("/notices/summary"))["untold"] == 1  # no policy speaks of it: said, not silent


async def test_a_receiver_that_fails_is_tried_again_with_the_same_key_and_then_it_is_said(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver(lambda got: (503, b"no")) as receiving, world.client(utility.token) as client:
        channel = await a_channel(client, receiving)
        await a_policy(client, {"after_min": 0, "channels": [channel]})
        await alarm(world, utility)
        async with desk_of(world, clock) as desk:
            await turn(desk)
            for _ in range(30):
                clock.us += 5 * 3600 * 1_000_000
                await turn(desk)
            (line,) = await log(client, state="failed")
            assert len(receiving.got) == 12 == line["tries"] and "503" in line["reason"]
            assert len({got.headers["idempotency-key"] for got in receiving.got}) == 1
            (shown,) = [c for c in done(await client.get("/notice-channels")) if c["channel_id"] == channel]
            assert "503" in shown["last_reason"]
            receiving.answer = lambda got: (200, b"")
            done(await client.post(f"/notices/{line['notice_id']}/again"))
            await turn(desk)
            assert (await log(client))[0]["state"] == "accepted"
            assert problem(await client.post(f"/notices/{line['notice_id']}/again")) == "not-failed"


async def test_killed_anywhere_no_notice_is_lost_and_a_receiver_can_tell_a_repeat(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client:
        channel = await a_channel(client, receiving)
        await a_policy(client, {"after_min": 0, "channels": [channel]}, {"after_min": 5, "channels": [channel]})
        for _ in range(3):
            await alarm(world, utility)

        async def killed(settings: Any, secret: Any, letter: Any, now_us: int) -> Any:
            raise asyncio.CancelledError

        async def after_the_call(settings: Any, secret: Any, letter: Any, now_us: int) -> Any:
            http = Http(AddressGuard(networks_of("127.0.0.0/8")), 5.0)
            await senders(http, Mailer(AddressGuard()))["webhook"](settings, secret, letter, now_us)
            await http.close()
            raise asyncio.CancelledError  # the channel has it, the store does not know

        for how in (killed, after_the_call, after_the_call):
            async with desk_of(world, clock, webhook=how) as desk:
                await turn(desk)
            assert {line["state"] for line in await log(client)} <= {"waiting", "sending", "accepted"}
        async with desk_of(world, clock) as desk:
            await turn(desk)
            assert [line["state"] for line in await log(client)] == ["accepted"] * 3
            keys = [got.headers["idempotency-key"] for got in receiving.got]
            assert len(set(keys)) == 3 and len(keys) > 3  # each reached it; repeats carry the key they had
            assert {line["key"] for line in [got.json for got in receiving.got]} == set(keys)
            async with desk_of(world, clock) as second:
                assert await second.step() == 0  # one process at a time
        clock.us += 6 * MINUTE_US
        async with desk_of(world, clock) as desk:  # timers outlive the process
            await turn(desk)
        assert len([line for line in await log(client) if line["kind"] == "escalated"]) == 3


async def test_nobody_acknowledges_so_the_stand_in_of_who_is_on_duty_is_told_in_the_inbox(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    token = await world.user(utility, "viewer", "ann")
    await world.user(utility, "viewer", "bo")
    async with receiver() as receiving, world.client(utility.token) as client, world.client(token) as ann:
        users = {person["login"]: person["user_id"] for person in done(await client.get("/notice-persons"))}
        shift = {"weekdays": list(range(7)), "since": 0, "until": 0, "users": [users["bo"]]}
        calendar = done(await client.post("/notice-calendars", json={"name": "night", "shifts": [shift]}, params=WHY))[
            "calendar_id"
        ]
        away = {"since": "2020-01-01T00:00:00Z", "until": "2090-01-01T00:00:00Z", "stand_in": users["ann"]}
        done(await client.put(f"/notice-persons/{users['bo']}", json={"absences": [away]}, params=WHY))
        channel, inbox = await a_channel(client, receiving), await inbox_id(client)
        await a_policy(
            client,
            {"after_min": 0, "channels": [channel]},
            {"after_min": 10, "calendars": [calendar], "channels": [inbox]},
            least="major",
        )
        acknowledged, ignored = await alarm(world, utility), await alarm(world, utility)
        question = {"event": "burst", "severity": "major", "area_id": utility.ids["area_id"]}
        lines = done(await client.post("/notice-policies/preview", json=question))
        assert [(line["level"], line["user"], line["kind"]) for line in lines] == [
            (0, "", "webhook"),
            (1, "ann", "inbox"),
        ]
        async with desk_of(world, clock) as desk:
            await turn(desk)
            await client.post(f"/alarms/{acknowledged}/acknowledge")
            clock.us += 9 * MINUTE_US
            await turn(desk)
            assert done(await ann.post("/inbox", json={}))["items"] == []
            clock.us += 2 * MINUTE_US
            await turn(desk)
        world.deps.now_us, kept = clock, world.deps.now_us
        (item,) = done(await ann.post("/inbox", json={}))["items"]
        assert (item["alarm_id"], item["kind"], item["seen_at"]) == (ignored, "escalated", None)
        assert "11" in item["text"]
        (line,) = await log(client, user_id=users["ann"])
        assert (line["state"], line["accepted_at"]) == ("waiting", None)  # nobody's console has shown it yet
        told = done(await ann.post("/inbox", json={"shown": [item["notice_id"]]}))
        assert told["unseen"] == 1
        (line,) = await log(client, user_id=users["ann"])
        assert line["state"] == "accepted" and line["shown_ms"] > 0
        assert done(await ann.post("/inbox", json={"seen": [item["notice_id"]]}))["unseen"] == 0
        assert (
            done(await client.post("/inbox", json={"shown": [item["notice_id"]]}))["items"] == []
        )  # another's is not one's own
        refused = await client.delete(f"/notice-calendars/{calendar}", params=WHY)
        assert problem(refused) == "calendar-in-use"
        world.deps.now_us = kept


async def test_a_storm_is_one_message_and_a_group_one_notice(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        channel = await a_channel(client, receiving)
        await a_policy(client, {"after_min": 0, "channels": [channel]}, tells_cleared=True)
        for _ in range(25):
            await alarm(world, utility)
        await turn(desk)
        assert len(receiving.got) == 1 and "25" in receiving.got[0].json["subject"]
        lines = await log(client)
        assert {line["state"] for line in lines} == {"accepted"} and len({line["bundle"] for line in lines}) == 1
        group = await world.owner.fetchval(
            "INSERT INTO alarm_group (tenant_id, event, severity, area_id, received_us, last_us, members)"
            " VALUES ($1, 'burst', 'critical', $2, $3, $3, 1000) RETURNING group_id",
            utility.tenant_id, utility.ids["area_id"], clock.us,
        )  # fmt: skip
        await news(world, utility, "grouped", group_id=group)
        await turn(desk)
        assert "1000" in receiving.got[1].json["subject"]
        await world.owner.execute("UPDATE alarm_group SET cleared_us = 1 WHERE group_id = $1", group)
        await news(world, utility, "cleared", group_id=group)
        await turn(desk)
        assert len(receiving.got) == 3


async def test_a_channel_sends_no_more_a_minute_than_it_takes(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        channel = await a_channel(client, receiving, per_minute=2)
        await a_policy(client, {"after_min": 0, "channels": [channel]})
        for count in range(1, 5):
            await alarm(world, utility)
            await turn(desk)
            assert len(receiving.got) == min(2, count)
        clock.us += MINUTE_US + 1_000_000
        await turn(desk)
        assert len(receiving.got) == 4


async def test_secrets_are_sealed_shown_to_nobody_and_kept_when_left_out(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        channel = await a_channel(client, receiving)
        row = dict(await world.owner.fetchrow("SELECT * FROM notice_channel WHERE channel_id = $1", channel) or {})
        audit = await world.owner.fetch("SELECT * FROM audit WHERE tenant_id = $1", utility.tenant_id)
        kept = f"{row} {[dict(line) for line in audit]} {await client.get('/notice-channels')}"
        assert row["sealed"] and "S3CRET" not in kept and b"S3CRET" not in row["sealed"]
        body = {"name": "renamed", "settings": {"url": f"{receiving.url}/other"}, "per_minute": 5}
        changed = done(await client.put(f"/notice-channels/{channel}", json=body, params=WHY))
        assert (changed["secrets"], changed["settings"]) == (["secret"], {"url": f"{receiving.url}/other"})
        key = {"key": "press-once"}
        first, again = [done(await client.post(f"/notice-channels/{channel}/test", json=key)) for _ in range(2)]
        assert first == again
        await turn(desk)
        assert [got.path for got in receiving.got] == ["/other"] and "x-openmains-signature" in receiving.got[0].headers
        await world.owner.execute("UPDATE notice_channel SET sealed = '\\x00' WHERE channel_id = $1", channel)
        done(await client.post(f"/notice-channels/{channel}/test", json={"key": "press-again"}))
        await turn(desk)
        assert (await log(client))[0]["reason"] == "secret-unreadable"
        assert problem(await client.delete(f"/notice-channels/{await inbox_id(client)}", params=WHY)) == "one-inbox"
        done(await client.delete(f"/notice-channels/{channel}", params=WHY))
        assert await world.owner.fetchval("SELECT sealed FROM notice_channel WHERE channel_id = $1", channel) is None


BAD: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    ("POST", "/notice-channels", {"kind": "email", "name": "n", "settings": {"host": "a b", "port": "0", "colour": "x"}},
     {"/settings/host": "wrong-format", "/settings/port": "out-of-range", "/settings/sender": "required", "/settings/colour": "unknown-field"}),
    ("POST", "/notice-channels", {"kind": "apprise", "name": "n", "settings": {"url": "json://127.0.0.1"}},
     {"/settings/url": "unknown-service"}),
    ("POST", "/notice-policies", {"name": "n", "area_id": 2**30, "levels": [{"after_min": 0, "channels": [10**9], "users": [10**9]},
     {"after_min": 0, "channels": [10**9], "calendars": [10**9]}]},
     {"/area_id": "unknown-reference", "/levels/0/channels": "unknown-reference", "/levels/0/users": "unknown-reference",
      "/levels/1/after_min": "not-rising", "/levels/1/channels": "unknown-reference", "/levels/1/calendars": "unknown-reference"}),
    ("POST", "/notice-calendars", {"name": "n", "shifts": [{"weekdays": [1, 1], "since": 0, "until": 9, "users": [10**9]}]},
     {"/shifts/0/weekdays": "twice", "/shifts/0/users": "unknown-reference"}),
    ("PUT", "/notice-persons/me", {"email": "a@@b", "phone": "12", "openid": "?", "quiet_from": 5, "digest_below": "major", "absences": [
     {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z", "stand_in": 10**9}]},
     {"/email": "wrong-format", "/phone": "wrong-format", "/openid": "wrong-format", "/quiet_until": "both-or-neither",
      "/digest_at": "both-or-neither", "/absences/0/until": "not-after-begin", "/absences/0/stand_in": "unknown-reference"}),
    ("PUT", "/notice-templates/raised/zh", {"subject": "{event} {colour}", "body": "{number"},
     {"/subject": "unknown-fact", "/body": "open-brace"}),
    ("POST", "/subscriptions", {"name": "n", "url": "ftp://a/b", "kinds": ["alarm", "alarm"], "area_id": 2**30},
     {"/url": "wrong-format", "/kinds": "twice", "/area_id": "unknown-reference"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "faults"), BAD, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_what_cannot_be_is_refused_with_every_place_and_changes_nothing(
    world: World, method: str, path: str, body: dict[str, Any], faults: dict[str, str]
) -> None:
    count = "SELECT (SELECT count(*) FROM notice_channel) + (SELECT count(*) FROM notice_policy) + (SELECT count(*) FROM subscription)"
    before = await world.owner.fetchval(count)
    for language in ("zh", "en"):
        async with world.client(world.a.token, language) as client:
            answer = await client.request(method, path, json={**body}, params=WHY)
        assert problem(answer) == "invalid-input"
        assert {error["pointer"]: error["code"] for error in answer.json()["errors"]} == faults, json.dumps(
            answer.json()
        )
    assert await world.owner.fetchval(count) == before


async def test_words_of_ones_own_are_used_and_taken_back(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        channel = await a_channel(client, receiving)
        words = {"subject": "水司 {number}", "body": "{event}!"}
        done(await client.put("/notice-templates/test/zh", json=words, params=WHY))
        done(await client.post(f"/notice-channels/{channel}/test", json={"key": "test-1"}))
        await turn(desk)
        assert receiving.got[0].json["subject"] == "水司 –"
        own = [found for found in done(await client.get("/notice-templates")) if found["is_own"]]
        assert [(found["kind"], found["locale"]) for found in own] == [("test", "zh")]
        done(await client.delete("/notice-templates/test/zh", params=WHY))
        assert problem(await client.delete("/notice-templates/test/zh", params=WHY)) == "not-found"
