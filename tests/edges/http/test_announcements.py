# SPDX-License-Identifier: Apache-2.0
"""Announcements to customers (R7.5): previewed, approved by another person, sent to sealed phones, logged, cancelled; alarms before them."""

import secrets
import time
from typing import Any

import httpx

from tests.edges.http.test_notices import Clock, a_policy, alarm, desk_of, done, log, problem, turn
from tests.edges.http.world import Utility, World
from tests.support.receiver import Receiver, receiver

HOUR_US = 3_600_000_000
WHY = {"reason": "test"}
DAY_US = 24 * HOUR_US
TAKEN = b'{"Code":"OK","Message":"OK","BizId":"9006"}'


def noon() -> int:
    """Of a day to come, in Shanghai."""
    return (time.time_ns() // 1000 // DAY_US + 1) * DAY_US + 4 * HOUR_US


async def household(world: World, utility: Utility, client: httpx.AsyncClient, **values: Any) -> int:
    """A customer who holds an account in the utility's area."""
    body = {"code": secrets.token_hex(5), "name": "张三", "phone": "", **values}
    customer = done(await client.post("/customers", json=body))["customer_id"]
    place = {"code": secrets.token_hex(5), "area_id": utility.ids["area_id"], "street": "桂花路", "house_number": "3"}
    premises = done(await client.post("/premises", json=place))["premises_id"]
    account = {
        "key": secrets.token_hex(8), "number": secrets.token_hex(6), "medium": "water", "premises_id": premises,
        "customer_id": customer, "opened_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    done(await client.post("/accounts", json=account))
    return int(customer)


async def sms(client: httpx.AsyncClient, receiving: Receiver, fields: str = "title,text", per_minute: int = 40) -> int:
    settings = {
        "key_id": "AK", "secret": "SECRET", "sign_name": "供水", "template": "T1", "fields": fields, "url": f"{receiving.url}/",
    }  # fmt: skip
    body = {"kind": "sms_aliyun", "name": secrets.token_hex(4), "settings": settings, "per_minute": per_minute, **WHY}
    return int(done(await client.post("/notice-channels", json=body))["channel_id"])


def draft(channel: int, **values: Any) -> dict[str, Any]:
    told = {
        "title_zh": "停水",
        "title_en": "No water",
        "text_zh": "明日 9 时至 17 时停水",
        "text_en": "No water from 9 to 17",
    }
    return {"topic": "outage", "channel_id": channel, "audience": {}, **told, **values}


async def test_an_announcement_is_previewed_approved_by_another_and_reaches_whom_it_concerns_once(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    clock.us = noon()
    async with receiver(lambda got: (200, TAKEN)) as receiving, world.client(utility.token) as client:
        phones = ["13800138001", "13800138002"]
        reached = [await household(world, utility, client, phone=phone) for phone in phones]
        await household(world, utility, client)  # without a phone
        await household(world, utility, client, phone="13800138009", customer_class="special")
        audience = {"area_id": utility.ids["area_id"], "customer_class": "resident", "medium": "water"}
        seen = done(await client.post("/announcements/preview", json=audience))
        assert (seen["customers"], seen["reachable"], [area["customers"] for area in seen["areas"]]) == (3, 2, [3])
        channel = await sms(client, receiving)
        made = done(await client.post("/announcements", json=draft(channel, audience=audience, language="zh")))
        path = f"/announcements/{made['announcement_id']}"
        assert problem(await client.post(f"{path}/approve", json=WHY)) == "own-announcement"
        async with world.client(await world.user(utility, "administrator")) as other:
            assert problem(await other.post(f"{path}/approve", json={})) == "reason-needed"
            approved = done(await other.post(f"{path}/approve", json=WHY))
            assert (approved["state"], approved["recipients"], approved["unreachable"]) == ("approved", 2, 1)
            assert problem(await other.post(f"{path}/approve", json=WHY)) == "announcement-state"
        for _ in range(2):  # two workers, one after the other
            async with desk_of(world, clock) as desk:
                desk.personal = world.deps.personal
                await turn(desk)
                await turn(desk)
        assert sorted(got.query["PhoneNumbers"] for got in receiving.got) == phones
        assert receiving.got[0].query["TemplateParam"] == '{"title":"停水","text":"明日 9 时至 17 时停水"}'
        lines = await log(client, announcement_id=made["announcement_id"])
        assert sorted(line["customer_id"] for line in lines) == sorted(reached)
        assert {(line["kind"], line["state"]) for line in lines} == {("announcement", "accepted")}
        assert "1380013" not in str(lines) + str(done(await client.get(f"/notices/{lines[0]['notice_id']}")))
        (listed,) = done(await client.get("/announcements"))["items"]
        assert (listed["accepted"], listed["waiting"], listed["failed"]) == (2, 0, 0)
        audit = done(await client.get("/audit", params={"limit": 200}))["items"]
        assert {"add_announcement", "approve_announcement"} <= {line["action"] for line in audit}


async def test_customers_sleep_alarms_go_first_and_a_cancelled_one_is_not_sent(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    clock.us = noon() + 14 * HOUR_US  # two at night
    async with receiver(lambda got: (200, TAKEN)) as receiving, world.client(utility.token) as client:
        for number in range(6):
            await household(world, utility, client, phone=f"1380013810{number}")
        channel = await sms(client, receiving, per_minute=4)
        async with world.client(await world.user(utility, "administrator")) as other, desk_of(world, clock) as desk:
            desk.personal = world.deps.personal

            async def approved(**values: Any) -> str:
                made = done(await client.post("/announcements", json=draft(channel, **values)))
                done(await other.post(f"/announcements/{made['announcement_id']}/approve", json=WHY))
                return f"/announcements/{made['announcement_id']}"

            path = await approved()
            await turn(desk)
            assert receiving.got == []  # at night nobody is told of a stop
            clock.us += 8 * HOUR_US
            await turn(desk)
            assert len(receiving.got) == 2  # half of what the channel may send is kept for alarms
            person = await world.owner.fetchval(
                "SELECT min(user_id) FROM app_user WHERE tenant_id = $1", utility.tenant_id
            )
            done(await client.put("/notice-persons/me", json={"phone": "13900139000"}))
            await a_policy(client, {"after_min": 0, "users": [person], "channels": [channel]})
            await alarm(world, utility, severity="critical")
            await turn(desk)
            assert receiving.got[-1].query["PhoneNumbers"] == "13900139000"
            ended = done(await client.post(f"{path}/cancel", json=WHY))
            assert (ended["state"], ended["accepted"], ended["failed"], ended["waiting"]) == ("cancelled", 2, 4, 0)
            clock.us += HOUR_US
            await turn(desk)
            assert len(receiving.got) == 3
            (failed, *_) = await log(client, announcement_id=path.rpartition("/")[2], state="failed")
            assert failed["reason"] == "cancelled"
            assert problem(await client.post(f"/notices/{failed['notice_id']}/again", json=WHY)) == "not-failed"
            clock.us += 12 * HOUR_US  # at night again
            await approved(topic="safety")
            await turn(desk)
            assert len(receiving.got) == 5  # what is about safety wakes people


async def test_what_could_not_be_read_by_anybody_is_refused_with_its_place(world: World) -> None:
    utility = await world.utility()

    async def faults(client: httpx.AsyncClient, body: dict[str, Any]) -> list[tuple[str, str]]:
        answer = await client.post("/announcements", json=body)
        assert problem(answer) == "invalid-input"
        return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]

    async with receiver() as receiving, world.client(utility.token) as client:
        alarms = await sms(client, receiving, fields="event,number")
        told = await sms(client, receiving)
        inbox = next(c["channel_id"] for c in done(await client.get("/notice-channels")) if c["kind"] == "inbox")
        assert await faults(client, draft(inbox)) == [("/channel_id", "no-phone-channel")]
        assert await faults(client, draft(alarms)) == [("/channel_id", "channel-without-text")]
        assert await faults(client, draft(2**40)) == [("/channel_id", "unknown-reference")]
        assert await faults(client, draft(told, text_zh="停" * 36)) == [("/text_zh", "longer-than-sms")]
        assert await faults(client, draft(told, text_en=" ")) == [("/text_en", "required")]
        assert await faults(client, draft(told, audience={"area_id": 2**30})) == [
            ("/audience/area_id", "unknown-reference")
        ]
        made = done(await client.post("/announcements", json=draft(told, audience={"medium": "gas"})))
        async with world.client(await world.user(utility, "administrator")) as other:
            answer = await other.post(f"/announcements/{made['announcement_id']}/approve", json=WHY)
        assert problem(answer) == "nobody-reached"
        assert done(await client.get("/announcements"))["items"][0]["state"] == "draft"
