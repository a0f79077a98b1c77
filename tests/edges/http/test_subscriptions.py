# SPDX-License-Identifier: Apache-2.0
"""Subscriptions: alarms, commands, valves and readings leave in order as signed CloudEvents; a receiver that is down gets everything
afterwards; what is never taken is a dead letter; replay; a kill sends again, with the same id."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import nats

from openmains.app.notice.push import PushLoop
from openmains.app.notice.shapes.webhook import signature
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.edges.notify.brokers import Brokers
from openmains.edges.notify.guard import AddressGuard, networks_of
from openmains.edges.notify.http import Http
from openmains.edges.postgres.db import PIPELINE_ROLE, connect
from openmains.edges.postgres.notice.push import PostgresPushWork
from tests.edges.http.test_notices import Clock, done, problem
from tests.edges.http.world import Utility, World
from tests.support.brokers import ACCOUNT, nats_server
from tests.support.receiver import Got, receiver

HOUR_US = 3_600_000_000
WHY = {"reason": "test"}


class Days:
    """A feed of readings that a test fills."""

    def __init__(self) -> None:
        self.days: list[dict[str, Any]] = []

    async def now(self, tenant_id: TenantId) -> Any:
        return len(self.days)

    async def after(self, tenant_id: TenantId, cursor: Any, most: int) -> tuple[list[Mapping[str, Any]], Any]:
        found = self.days[cursor : cursor + most]
        return list(found), cursor + len(found)


@asynccontextmanager
async def desk_of(world: World, clock: Clock, feed: Days | None = None) -> AsyncIterator[PushLoop]:
    """A worker of its own; leaving the block is its end."""
    http = Http(AddressGuard(networks_of("127.0.0.0/8")), 5.0)
    work = PostgresPushWork(world.pipeline, lambda: connect(world.urls.postgres_pipeline, role=PIPELINE_ROLE))
    assert world.deps.sealer is not None
    brokers = Brokers(AddressGuard(networks_of("127.0.0.0/8")), whole_s=5.0)
    desk = PushLoop(work, world.deps.sealer, http, feed, clock, brokers)
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
        await brokers.close()


async def turn(desk: PushLoop) -> None:
    await desk.step()
    await desk.settle()


async def alarms(world: World, utility: Utility, count: int = 1) -> list[int]:
    rows = await world.owner.fetch(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " SELECT $1, $2, 'e_' || $3 || n, 'major', 1, 1, 1, 1 FROM generate_series(1, $4) n RETURNING alarm_id",
        utility.tenant_id, utility.ids["meter_id"], secrets.token_hex(4), count,
    )  # fmt: skip
    return [row["alarm_id"] for row in rows]


async def subscribe(client: httpx.AsyncClient, desk: PushLoop, url: str, *kinds: str, **values: Any) -> int:
    await turn(desk)  # what was before has its place
    body = {"name": secrets.token_hex(4), "url": url, "kinds": list(kinds or ("alarm",)), "secret": "S3CRET", **values}
    return int(done(await client.post("/subscriptions", json=body, params=WHY))["subscription_id"])


def ids_of(got: list[Got]) -> list[int]:
    return [one.json["data"]["alarm_id"] for one in got]


async def state_of(client: httpx.AsyncClient, subscription_id: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = done(await client.get("/subscriptions"))
    return next(one for one in found if one["subscription_id"] == subscription_id)


async def test_what_happens_leaves_in_order_as_signed_cloud_events(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock, Days()) as desk:
        await alarms(world, utility)  # before it: not sent
        subscription = await subscribe(client, desk, receiving.url, "alarm", "command", "valve")
        other = await world.utility()
        await alarms(world, other)  # another utility's: never
        (alarm_id,) = await alarms(world, utility)
        done(await client.post(f"/alarms/{alarm_id}/acknowledge"))
        done(await client.post(f"/alarms/{alarm_id}/clear", json={"reason": "test"}))
        meter = utility.ids["meter_id"]
        await world.owner.execute("INSERT INTO meter_state (meter_id, tenant_id, valve) VALUES ($1, $2, 0)"
                                  " ON CONFLICT (meter_id) DO UPDATE SET valve = 0", meter, utility.tenant_id)  # fmt: skip
        await world.owner.execute("UPDATE meter_state SET valve = 1 WHERE meter_id = $1", meter)
        command = await world.owner.fetchval(
            "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, state)"
            " VALUES ($1, $2, 'read_status', 3, 1, $3, '', 1, 1, 'sent') RETURNING command_id",
            utility.tenant_id, meter, secrets.token_hex(8),
        )  # fmt: skip
        await world.owner.execute("UPDATE command SET state = 'confirmed', ended_us = 5 WHERE command_id = $1", command)
        await turn(desk)
        kinds = [got.json["type"].removeprefix("org.openmains.") for got in receiving.got]
        assert [kind for kind in kinds if kind != "valve.open"] == [
            "alarm.raised", "alarm.acknowledged", "alarm.cleared", "valve.closed", "command.confirmed",
        ]  # fmt: skip
        first = receiving.got[0]
        event = first.json
        assert first.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert (event["specversion"], event["source"], event["data"]["alarm_id"]) == (
            "1.0",
            f"/openmains/{utility.code}",
            alarm_id,
        )
        assert event["subject"] == event["data"]["number"] and datetime.fromisoformat(event["time"]).tzinfo is not None
        stamp, _ = first.headers["x-openmains-signature"].removeprefix("t=").split(",")
        assert signature("S3CRET", first.body, int(stamp)) == first.headers["x-openmains-signature"]
        places = [got.json["sequence"] for got in receiving.got]
        assert places == sorted(places) and len(set(places)) == len(places)
        told = await state_of(client, subscription)
        assert (told["waiting"], told["failing_since"], told["is_signed"]) == (0, None, True)
        assert "S3CRET" not in json.dumps(told)


async def test_a_receiver_down_for_three_hours_gets_everything_in_order_afterwards(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver(lambda got: (503, b"")) as receiving, world.client(utility.token) as client:
        expected: list[int] = []
        async with desk_of(world, clock) as desk:
            subscription = await subscribe(client, desk, receiving.url)
            until = clock.us + 3 * HOUR_US
            while clock.us < until:
                if len(expected) < 120:
                    expected += await alarms(world, utility, 10)
                await turn(desk)
                clock.us += 300_000_000
            assert (await state_of(client, subscription))["failing_since"] is not None
            assert {got.json["data"]["alarm_id"] for got in receiving.got} == {
                expected[0]
            }  # nothing overtakes what stands first
            assert len(receiving.got) < 40  # and it is not hammered
        receiving.got.clear()
        taken: list[int] = []

        def sometimes(got: Got) -> tuple[int, bytes]:
            if len(receiving.got) % 7 == 3:
                return 500, b"again, please"
            taken.append(got.json["data"]["alarm_id"])
            return 200, b""

        receiving.answer = sometimes
        for _ in range(60):  # each turn is another process: killed and begun anew
            async with desk_of(world, clock) as desk:
                await turn(desk)
            clock.us += 1_000_000_000
        assert taken == expected
        assert (await state_of(client, subscription))["waiting"] == 0


async def test_a_kill_between_acknowledgement_and_place_sends_again_with_the_same_id(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client:
        async with desk_of(world, clock) as desk:
            await subscribe(client, desk, receiving.url)
            await alarms(world, utility, 3)

            async def killed(*args: Any, **values: Any) -> bool:
                raise asyncio.CancelledError

            desk.work.took = killed  # type: ignore[method-assign]
            await turn(desk)
        async with desk_of(world, clock) as desk:
            await turn(desk)
            async with desk_of(world, clock) as second:
                assert not await second.work.hold()  # one process at a time
        keys = [got.json["id"] for got in receiving.got]
        assert len(keys) == 4 and keys[0] == keys[1] and len(set(keys)) == 3


async def test_what_is_never_taken_becomes_a_dead_letter_and_can_be_sent_again(world: World) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        subscription = await subscribe(client, desk, receiving.url)
        wrong, fine = (await alarms(world, utility, 2))[:2]
        receiving.answer = lambda got: (422, b"no such field") if got.json["data"]["alarm_id"] == wrong else (200, b"")
        for _ in range(10):
            await turn(desk)
            clock.us += HOUR_US
        assert ids_of(receiving.got)[-1] == fine and ids_of(receiving.got).count(wrong) == 8
        receiving.answer = lambda got: (503, b"")
        (later,) = await alarms(world, utility)
        for _ in range(74):
            await turn(desk)
            clock.us += HOUR_US
        page = done(await client.get(f"/subscriptions/{subscription}/dead-letters"))
        assert [json.loads(letter["event"])["data"]["alarm_id"] for letter in page["items"]] == [later, wrong]
        assert "503" in page["items"][0]["reason"] and "422" in page["items"][1]["reason"]
        receiving.answer, before = (lambda got: (200, b"")), len(receiving.got)
        dead = [letter["dead_id"] for letter in page["items"]]
        path = f"/subscriptions/{subscription}/dead-letters/again"
        assert problem(await client.post(path, json={"dead_ids": dead})) == "reason-needed"
        assert done(await client.post(path, json={"dead_ids": dead, **WHY})) == {"count": 2}
        await turn(desk)
        assert ids_of(receiving.got)[before:] == [wrong, later]
        assert done(await client.get(f"/subscriptions/{subscription}/dead-letters?state=open"))["items"] == []


async def test_a_replay_begins_at_its_time_keeps_order_and_ids_and_is_refused_where_nothing_is_kept(
    world: World,
) -> None:
    utility, clock = await world.utility(), Clock()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock) as desk:
        subscription = await subscribe(client, desk, receiving.url)
        first = await alarms(world, utility, 2)
        await turn(desk)
        middle = time.time_ns() // 1000
        second = await alarms(world, utility, 3)
        await turn(desk)
        before = [got.json["id"] for got in receiving.got]
        path = f"/subscriptions/{subscription}/replay"
        clock.us = max(clock.us, time.time_ns() // 1000)
        body = {"since": utc_of_us(middle).isoformat(), **WHY}
        assert done(await client.post(path, json=body))["waiting"] == 3
        await turn(desk)
        assert ids_of(receiving.got) == [*first, *second, *second]
        assert [got.json["id"] for got in receiving.got][-3:] == before[-3:]
        assert problem(await client.post(path, json={**body, "since": "2020-01-01T00:00:00Z"})) == "replay-too-far"
        assert problem(await client.post(path, json={**body, "since": "2099-01-01T00:00:00Z"})) == "invalid-input"


async def test_readings_leave_in_pages_and_a_place_is_one_area(world: World) -> None:
    utility, clock, feed = await world.utility(), Clock(), Days()
    async with receiver() as receiving, world.client(utility.token) as client, desk_of(world, clock, feed) as desk:
        await subscribe(client, desk, receiving.url, "reading", area_id=utility.ids["area_id"])
        feed.days = [{"meter_id": 1, "day": "2026-01-01", "version": 1}]
        await turn(desk)  # from now on: what is there already is not sent
        mine = utility.ids["meter_id"]
        feed.days += [
            {"meter_id": meter, "day": f"2026-01-{2 + n % 20:02d}", "version": n}
            for n in range(700)
            for meter in (mine, 1)
        ]
        await turn(desk)
        await turn(desk)
        days = [day for got in receiving.got for day in got.json["data"]["days"]]
        assert [day["version"] for day in days] == list(range(700)) and {day["meter_id"] for day in days} == {mine}
        assert {got.json["type"] for got in receiving.got} == {"org.openmains.reading.changed"}
        assert len({got.json["id"] for got in receiving.got}) == len(receiving.got) == 3


async def test_a_broker_gets_the_same_in_order_and_what_no_stream_keeps_waits_for_one(
    world: World, tmp_path: Path
) -> None:
    utility, clock = await world.utility(), Clock()
    user, password = ACCOUNT
    async with nats_server(tmp_path) as port, world.client(utility.token) as client, desk_of(world, clock) as desk:
        url = f"nats://127.0.0.1:{port}/gas.events"
        subscription = await subscribe(client, desk, url, login=user, secret=password)
        expected = await alarms(world, utility, 5)
        await turn(desk)
        told = await state_of(client, subscription)
        assert told["waiting"] == 5 and "no stream keeps the subject gas.events.alarm.raised" in told["reason"]
        other = await nats.connect(f"nats://127.0.0.1:{port}", user=user, password=password)
        try:
            await other.jetstream().add_stream(name="GAS", subjects=["gas.>"])
            clock.us += HOUR_US
            await turn(desk)
            kept = [await other.jetstream().get_msg("GAS", number) for number in range(1, 6)]
        finally:
            await other.close()
        assert [json.loads(message.data or b"")["data"]["alarm_id"] for message in kept] == expected
        assert (await state_of(client, subscription))["waiting"] == 0


async def test_what_no_broker_can_mean_is_refused_and_a_password_stays_with_its_server(world: World) -> None:
    utility = await world.utility()

    async def refused(path: str = "/subscriptions", **values: Any) -> list[tuple[str, str]]:
        body = {"name": secrets.token_hex(4), "url": "mqtts://mq.example.com/gas", "kinds": ["alarm"], **values}
        call = client.post if path == "/subscriptions" else client.put
        answer = await call(path, json=body, params=WHY)
        assert problem(answer) == "invalid-input"
        return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]

    async with world.client(utility.token) as client:
        for url in (
            "mqtts://mq.example.com",
            "mqtt://h/a/#",
            "tls://h/a.>",
            "nats://u:p@h/a",
            "kafka://h/a",
            "mqtts://h/a?b",
        ):
            assert await refused(url=url) == [("/url", "wrong-format")]
        assert await refused(secret="S3CRET") == [("/login", "required")]
        assert await refused(url="https://example.com/", login="u") == [("/login", "not-accepted")]
        body = {
            "name": secrets.token_hex(4),
            "url": "mqtts://mq.example.com/gas",
            "kinds": ["alarm"],
            "login": "u",
            "secret": "S3CRET",
        }
        made = done(await client.post("/subscriptions", json=body, params=WHY))
        path = f"/subscriptions/{made['subscription_id']}"
        assert await refused(path, url="mqtts://elsewhere.example.com/gas", login="u") == [("/secret", "required")]
        del body["secret"]
        changed = done(await client.put(path, json={**body, "url": "mqtts://mq.example.com/water"}, params=WHY))
        assert (changed["url"], changed["login"], changed["is_signed"]) == ("mqtts://mq.example.com/water", "u", True)
