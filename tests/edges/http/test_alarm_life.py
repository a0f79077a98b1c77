# SPDX-License-Identifier: Apache-2.0
"""From a stored alarm to a person: told once, shown, acknowledged, dispatched, cleared, reopened; storms as one group; mutes that end."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from openmains.app.alarm.loop import TurnResult, forget_news, news_for_screens, work_turn
from openmains.app.alarm.model import AlarmEvent
from openmains.app.alarm.ports import AlarmStore
from openmains.app.problems import Problem
from openmains.domain.alarm.life import AlarmNews, AlarmStep
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.alarm.events import take_events, waiting_events
from openmains.edges.postgres.alarm.loop import PostgresAlarmLoop
from openmains.edges.postgres.db import PIPELINE_ROLE, Pool, create_pool
from tests.edges.http.world import Utility, World
from tests.support.patience import PATIENCE_S

S = 1_000_000


class Town:
    """A utility of its own with an area below another and meters in it, and the loop."""

    def __init__(self, world: World, utility: Utility, pool: Pool) -> None:
        self.world, self.utility, self.pool = world, utility, pool
        self.loop = PostgresAlarmLoop(pool)
        self.now_us = world.deps.now_us()
        self.meters: list[int] = []

    async def build(self, meters: int) -> None:
        owner, ids = self.world.owner, self.utility.ids
        street = await owner.fetchval(
            "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, 'street', 'Street', $2) RETURNING area_id",
            self.utility.tenant_id,
            ids["area_id"],
        )
        ids["street"] = street
        rows = await owner.fetch(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
            " SELECT $1::int, 'life-' || n, $2::int, $3::int, '2024-01-01' FROM generate_series(1, $4::int) AS n RETURNING meter_id",
            self.utility.tenant_id, ids["product_id"], street, meters,
        )  # fmt: skip
        self.meters = [row["meter_id"] for row in rows]
        await owner.execute("UPDATE alarm SET told = 3 WHERE told = 0")  # of other tests of this folder

    async def raised(self, meters: list[int], event: str, *, severity: str = "major", ago_s: float = 4) -> None:
        at = self.now_us - int(ago_s * S)
        await self.world.owner.execute(
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
            " SELECT $1, m, $3, $4, 1, $5, $5, $5 FROM unnest($2::bigint[]) AS m",
            self.utility.tenant_id, meters, event, severity, at,
        )  # fmt: skip

    async def over(self, meters: list[int], event: str) -> None:
        await self.world.owner.execute(
            "UPDATE alarm SET cleared_us = $3 WHERE meter_id = ANY ($1) AND event = $2 AND cleared_us IS NULL",
            meters,
            event,
            self.now_us,
        )

    async def turn(self, later_s: float = 0) -> TurnResult:
        return await work_turn(self.loop, self.now_us + int(later_s * S))

    def mine(self, events: list[AlarmEvent] | Any) -> list[AlarmEvent]:
        return [event for event in events if event.tenant_id == self.utility.tenant_id]


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=3)
    made = Town(world, await world.utility(), pool)
    await made.build(60)
    yield made
    await world.owner.execute("UPDATE alarm SET told = 3 WHERE tenant_id = $1", made.utility.tenant_id)
    await pool.close()


async def test_an_alarm_goes_its_whole_way_with_news_history_and_trail(world: World, town: Town) -> None:
    meter = town.meters[0]
    await town.raised([meter], "magnetic")
    (raised,) = town.mine((await town.turn()).news)
    assert (raised.news, raised.event, raised.meter_id, raised.members, raised.group_id) == (
        AlarmNews.RAISED, "magnetic", meter, 1, None,
    )  # fmt: skip
    assert town.mine((await town.turn()).news) == []  # told once
    async with world.client(town.utility.token) as client:
        path = f"/alarms/{raised.alarm_id}"
        assert (await client.get(path)).json()["state"] == "raised"
        assert (await client.post("/alarms/shown", json={"alarms": [raised.alarm_id, 1]})).json() == {"shown": 1}
        assert (await client.post("/alarms/shown", json={"alarms": [raised.alarm_id]})).json() == {"shown": 0}
        shown = (await client.get(path)).json()
        assert (shown["state"], shown["missed"], shown["seen_ms"] >= 4000) == ("shown", False, True)
        delays = (await client.get("/alarms/delays?hours=1")).json()
        assert (delays["alarms"], delays["shown"], delays["missed"], delays["p99_ms"]) == (1, 1, 0, shown["seen_ms"])
        assert (
            (await client.post(f"{path}/recall", json={"reason": "false alarm"})).json()["type"].endswith("alarm-step")
        )
        assert (await client.post(f"{path}/acknowledge")).json()["state"] == "acknowledged"
        assert (await client.post(f"{path}/dispatch", json={"to": " "})).status_code == 400
        sent = (await client.post(f"{path}/dispatch", json={"to": "crew 3"})).json()
        assert (sent["state"], sent["dispatched_to"]) == ("dispatched", "crew 3")
        assert (await client.post(f"{path}/recall", json={})).status_code == 400
        assert (await client.post(f"{path}/recall", json={"reason": "crew is needed elsewhere"})).json()["state"] == (
            "acknowledged"
        )
        assert (await client.post(f"{path}/clear", json={"reason": "magnet taken off"})).json()["state"] == "cleared"
        assert (await client.post(f"{path}/dispatch", json={"to": "x y"})).json()["type"].endswith("already-done")
        assert (await client.post(f"{path}/reopen", json={"reason": "it is back on"})).json()["state"] == "reopened"
        history = (await client.get(f"{path}/history")).json()
        assert [entry["news"] for entry in history] == [
            "raised", "shown", "acknowledged", "dispatched", "recalled", "cleared", "reopened",
        ]  # fmt: skip
        assert history[4]["reason"] == "crew is needed elsewhere"
    work = await town.turn()
    assert town.mine(work.news) == []  # a person's act is told by the act itself, and heard by the screens of others
    assert [event.news for event in town.mine(work.acts)] == [
        "shown", "acknowledged", "dispatched", "recalled", "cleared", "reopened",
    ]  # fmt: skip
    told = json.loads(dict(news_for_screens(work))[f"alarm_news.{town.utility.tenant_id}"])
    assert [(item["news"], item["user_id"] is None) for item in told][-1] == ("reopened", False)
    assert town.mine((await town.turn()).acts) == []
    await town.over([meter], "magnetic")
    assert [event.news for event in town.mine((await town.turn()).news)] == [AlarmNews.CLEARED]


async def test_who_is_killed_leaves_nothing_half_told_and_two_desks_tell_nothing_twice(town: Town) -> None:
    await town.raised(town.meters[:3], "seal_broken")
    with pytest.raises(RuntimeError, match="killed"):
        async with town.loop.turn() as turn:
            assert turn is not None
            await turn.told([each.alarm.alarm_id for each in await turn.untold(100)])
            async with town.loop.turn() as other:
                assert other is None
            raise RuntimeError("killed")
    told = town.mine((await town.turn()).news)
    assert Counter(event.news for event in told) == {AlarmNews.RAISED: 3}
    async with town.pool.acquire() as connection, connection.transaction():
        waiting = town.mine(await waiting_events(connection, 1000))
        async with town.pool.acquire() as another, another.transaction():
            assert town.mine(await waiting_events(another, 1000)) == []  # another taker passes over them
        await take_events(connection, [event.event_id for event in waiting], town.now_us)
    assert {event.event_id for event in waiting} >= {event.event_id for event in told}
    async with town.pool.acquire() as connection, connection.transaction():
        assert town.mine(await waiting_events(connection, 1000)) == []


async def ringing(client: httpx.AsyncClient) -> set[int]:
    """Groups that the bell of a page that is opened now has."""
    return {group["group_id"] for group in (await client.get("/waiting")).json()["groups"]}


async def test_a_storm_is_one_group_one_word_and_all_its_members(world: World, town: Town) -> None:
    await town.raised(town.meters[:40], "power_loss", ago_s=1)
    await town.raised(town.meters[50:51], "magnetic", ago_s=1)  # waits for company
    work = await town.turn()
    (grouped,) = town.mine(work.news)
    assert (grouped.news, grouped.members, grouped.area_id, grouped.meter_id) == (
        AlarmNews.GROUPED, 40, town.utility.ids["street"], None,
    )  # fmt: skip
    topics = dict(news_for_screens(work))
    assert f"alarm_news.{town.utility.tenant_id}" in topics
    await town.raised(town.meters[40:50], "power_loss", ago_s=0)
    work = await town.turn(1)
    assert town.mine(work.news) == []
    (grown,) = town.mine(work.grown)
    assert (grown.members, grown.version) == (50, 2)
    async with world.client(town.utility.token) as client:
        path = f"/alarm-groups/{grouped.group_id}"
        shown = {"groups": [{"group_id": grouped.group_id, "version": 1}]}
        assert (await client.post("/alarms/shown", json=shown)).json() == {
            "shown": 40
        }  # those that joined later were not
        group = (await client.get(path)).json()
        assert (group["members"], group["open"], group["seen"], group["state"]) == (50, 50, 40, "shown")
        assert len((await client.get(f"/alarms?group_id={grouped.group_id}&limit=100")).json()["items"]) == 50
        assert {row["event"] for row in (await client.get("/alarms?alone=true")).json()["items"]} >= {"magnetic"}
        assert [row["members"] for row in (await client.get(f"{path}/places")).json()] == [50]
        listed = (await client.get("/alarm-groups?status=unacknowledged")).json()["items"]
        assert [row["group_id"] for row in listed] == [grouped.group_id]
        assert (await client.post(f"{path}/acknowledge")).json()["state"] == "acknowledged"
        assert (await client.post(f"{path}/acknowledge")).json()["type"].endswith("already-done")
        assert grouped.group_id not in await ringing(client)
        await town.raised(town.meters[51:52], "power_loss", ago_s=0)
        await town.turn(1)
        assert ((await client.get(path)).json()["waiting"], listed[0]["waiting"]) == (1, None)
        assert grouped.group_id in await ringing(client)  # also for who opens the console only now
        listed = (await client.get("/alarm-groups?status=acknowledged")).json()["items"]
        assert grouped.group_id not in {row["group_id"] for row in listed}
        assert (await client.post(f"{path}/acknowledge")).json()["waiting"] == 0  # also of the one that joined since
        assert grouped.group_id not in await ringing(client)
        await town.over(town.meters[51:52], "power_loss")
        assert (await client.post(f"{path}/dispatch", json={"to": "grid team"})).json()["state"] == "dispatched"
        member = (await client.get(f"/alarms?group_id={grouped.group_id}&limit=9")).json()["items"][-1]
        assert (member["state"], member["dispatched_to"]) == ("dispatched", "grid team")
        assert [entry["news"] for entry in (await client.get(f"{path}/history")).json()] == [
            "grouped", "shown", "acknowledged", "acknowledged", "dispatched",
        ]  # fmt: skip
        other = member["alarm_id"]
        assert (await client.post(f"/alarms/{other}/recall", json={"reason": "not this one"})).status_code == 200
        async with town.pool.acquire() as connection, connection.transaction():
            waiting = town.mine(await waiting_events(connection, 1000))
            assert other not in {event.alarm_id for event in waiting}  # a member's is history: no notice of it
        assert (await client.get(f"/alarms/{other}/history")).json()[-1]["news"] == "recalled"
    await town.over(town.meters[:49], "power_loss")
    assert AlarmNews.CLEARED not in {event.news for event in town.mine((await town.turn(2)).news)}
    await town.over(town.meters[49:50], "power_loss")
    assert [event.news for event in town.mine((await town.turn(2)).news)] == [AlarmNews.CLEARED]  # with the last one


async def test_what_comes_to_a_group_that_a_person_ends_meanwhile_is_told_by_itself(world: World, town: Town) -> None:
    await town.raised(town.meters[:30], "power_loss", ago_s=1)
    (grouped,) = town.mine((await town.turn()).news)
    assert grouped.group_id is not None
    await town.raised(town.meters[30:31], "power_loss", ago_s=2)
    async with world.client(town.utility.token) as client, town.loop.turn() as turn:
        assert turn is not None
        (fresh,) = [each.alarm for each in await turn.untold(100)]
        assert [group.group_id for group in await turn.open_groups([fresh.kind])] == [grouped.group_id]
        path = f"/alarm-groups/{grouped.group_id}"
        assert (await client.post(f"{path}/clear", json={"reason": "power is back"})).json()["state"] == "cleared"
        assert not await turn.join(grouped.group_id, [fresh], town.now_us)
    assert [(event.news, event.alarm_id) for event in town.mine((await town.turn(2)).news)] == [
        (AlarmNews.RAISED, fresh.alarm_id)
    ]


async def test_the_loop_waits_for_nobody_and_tells_afterwards_what_was_locked(town: Town) -> None:
    await town.raised(town.meters[:30], "power_loss", ago_s=30)
    (grouped, _) = town.mine((await town.turn()).news)
    await town.raised(town.meters[30:32], "power_loss", ago_s=2)
    await town.over(town.meters[:30], "power_loss")
    async with town.pool.acquire() as other, other.transaction():  # a person's act, or a batch, holds all of it
        await other.execute("SELECT FROM alarm_group WHERE group_id = $1 FOR UPDATE", grouped.group_id)
        await other.execute("SELECT FROM alarm WHERE meter_id = $1 FOR UPDATE", town.meters[31])
        work = await asyncio.wait_for(town.turn(1), PATIENCE_S)
        assert (town.mine(work.news), town.mine(work.grown)) == ([], [])
    (grown,) = town.mine((await town.turn(2)).grown)
    assert (grown.group_id, grown.members) == (grouped.group_id, 32)


async def test_news_from_before_notices_came_and_old_news_are_taken_by_nobody(world: World, town: Town) -> None:
    owner, tenant = world.owner, town.utility.tenant_id
    await town.raised(town.meters[:3], "seal_broken")
    old, older, new = [event.event_id for event in town.mine((await town.turn()).news)]
    assert await town.loop.forget(1, 5_000) == 0
    async with town.pool.acquire() as connection, connection.transaction():
        await connection.execute("UPDATE alarm_event SET made_us = made_us - 1000000000 WHERE event_id = $1", old)
        await owner.execute("DELETE FROM platform_choice WHERE name = 'alarm news'")
        taken = {event.event_id for event in town.mine(await waiting_events(connection, 1000))}
        assert taken == {older, new}
        await take_events(connection, sorted(taken), town.now_us)
    await owner.execute("UPDATE alarm_event SET made_us = 1 WHERE event_id = $1", older)
    for _ in range(2):
        await forget_news(town.loop, town.now_us)
    assert await owner.fetchval("SELECT count(*) FROM alarm_event WHERE tenant_id = $1", tenant) == 2


async def test_an_alarm_that_is_gone_before_its_news_are_told_stops_nobody(world: World, town: Town) -> None:
    await town.raised(town.meters[:2], "seal_broken")
    gone, kept = [event.alarm_id for event in town.mine((await town.turn()).news)]
    async with world.client(town.utility.token) as client:
        for alarm in (gone, kept):
            assert (await client.post(f"/alarms/{alarm}/acknowledge")).status_code == 200
    await world.owner.execute("DELETE FROM alarm WHERE alarm_id = $1", gone)
    assert [event.alarm_id for event in town.mine((await town.turn(1)).acts)] == [kept]
    async with town.pool.acquire() as connection, connection.transaction():
        waiting = town.mine(await waiting_events(connection, 1000))
        assert {event.alarm_id for event in waiting} == {kept}


async def test_what_a_meter_raised_again_meanwhile_is_not_reopened(world: World, town: Town) -> None:
    await town.raised(town.meters[:1], "magnetic")
    (raised,) = town.mine((await town.turn()).news)
    assert raised.alarm_id is not None
    await town.over(town.meters[:1], "magnetic")
    await town.raised(town.meters[:1], "magnetic")
    with pytest.raises(Problem) as told:  # looked at before the meter said it again
        async with world.deps.store.tenant(TenantId(town.utility.tenant_id)) as work:
            await work[AlarmStore].step(raised.alarm_id, AlarmStep.REOPEN, UserId(1), town.now_us)
    assert told.value.code == "alarm-open-again"


async def test_what_nobody_was_shown_in_time_is_counted_and_told_once(world: World, town: Town) -> None:
    await town.raised(town.meters[:30], "power_loss", ago_s=25)
    await town.raised(town.meters[40:42], "magnetic", ago_s=25)
    news = town.mine((await town.turn()).news)
    assert Counter((event.news, event.group_id is None) for event in news) == {
        (AlarmNews.GROUPED, False): 1, (AlarmNews.RAISED, True): 2, (AlarmNews.MISSED, True): 2, (AlarmNews.MISSED, False): 1,
    }  # fmt: skip
    assert town.mine((await town.turn(1)).news) == []
    async with world.client(town.utility.token) as client:
        delays = (await client.get("/alarms/delays")).json()
        assert (delays["alarms"], delays["shown"], delays["missed"]) == (32, 0, 32)


async def test_muted_alarms_are_stored_told_to_nobody_and_told_when_the_mute_is_over(world: World, town: Town) -> None:
    async with world.client(town.utility.token) as client:
        place = {"area_id": town.utility.ids["area_id"], "seconds": 3600, "reason": "works in the street"}
        for wrong, status in (
            ({"seconds": 32 * 86_400}, 400),
            ({"reason": "--"}, 400),
            ({"event": "no_such"}, 400),
            ({"area_id": 2**31 - 1}, 400),
            ({"meter_id": town.meters[0]}, 400),
        ):
            assert (await client.post("/alarm-mutes", json=place | wrong)).status_code == status, wrong
        nothing = {"seconds": 3600, "reason": "works in the street"}
        assert (await client.post("/alarm-mutes", json=nothing)).status_code == 400
        mute = (await client.post("/alarm-mutes", json=place)).json()
        town.now_us = world.deps.now_us()
        await town.raised(town.meters[:2], "movement", severity="minor")
        await town.raised(town.meters[:1], "gas_leak", severity="critical")
        assert [event.event for event in town.mine((await town.turn()).news)] == ["gas_leak"]
        quiet = (await client.get("/alarms?event=movement")).json()["items"]
        assert [row["muted_until"] for row in quiet] == [mute["until_at"]] * 2
        assert (await client.get("/alarm-mutes?standing=true")).json()["items"][0]["muted"] == 2
        assert "movement" not in {row["event"] for row in (await client.get("/alarms?alone=true")).json()["items"]}
        await town.over(town.meters[:1], "movement")
        assert "movement" not in {event.event for event in town.mine((await town.turn(30)).news)}
        assert (
            await client.post(f"/alarm-mutes/{mute['mute_id']}/end", json={"reason": "works are done"})
        ).status_code == 200
        assert (await client.post(f"/alarm-mutes/{mute['mute_id']}/end", json={"reason": "again"})).status_code == 409
    told = [event for event in town.mine((await town.turn(31)).news) if event.event == "movement"]
    assert [(event.news, event.meter_id) for event in told] == [(AlarmNews.RAISED, town.meters[1])]
    later = [event for event in town.mine((await town.turn(50)).news) if event.event == "movement"]
    assert later == []  # its 20 s began with the end of the mute
    (missed,) = [event for event in town.mine((await town.turn(52)).news) if event.event == "movement"]
    assert (missed.news, missed.alarm_id, missed.at_us) == (
        AlarmNews.MISSED, told[0].alarm_id, town.now_us + 52 * S,
    )  # fmt: skip
    async with world.client(town.utility.token) as client:
        assert (await client.get("/alarms/delays")).json()["missed"] >= 1
