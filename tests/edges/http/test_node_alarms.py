# SPDX-License-Identifier: Apache-2.0
"""A gateway or relay that fails reaches a person as a meter's alarm does: list, news, notice, trail, order, mute; within one's reach only."""

import dataclasses
import uuid
from typing import Any

import pytest

from openmains.app.alarm.loop import work_turn
from openmains.app.link.station.standing import StandingCache
from openmains.app.network.cache import EventReport, GatewayReport, NetworkCache
from openmains.app.notice.texts import facts_of, worded
from openmains.domain.alarm.nodes import DOUBLE_S, HUSHED_S, LATE_S, SILENT_S
from openmains.domain.ids import TenantId
from openmains.domain.period import zone
from openmains.edges.postgres.alarm.loop import PostgresAlarmLoop
from openmains.edges.postgres.alarm.nodes import PostgresNodeFaults
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.network.writer import NetworkWriter
from openmains.wire.gateway.network import RelayWord
from openmains.wire.station.content import Kind, Registration
from tests.edges.http.test_network import behind, pipeline, state
from tests.edges.http.test_notices import Clock, a_channel, a_policy, desk_of, log, turn
from tests.edges.http.world import Utility, World
from tests.support.receiver import receiver

S = 1_000_000


class Net:
    """A gateway as its edge writes of it, and the look at what is wrong."""

    def __init__(self, pool: Pool, utility: Utility, number: str, now_us: int) -> None:
        self.pool, self.number, self.now_us = pool, number, now_us
        self.tenant_id = TenantId(utility.tenant_id)
        self.standing = StandingCache(lambda: self.now_us)
        self.faults, self.node, self._item = PostgresNodeFaults(pool), uuid.uuid4().int % 30_000, 0

    async def connected(self) -> None:
        self.standing.gateway_connected(self.number, self.tenant_id, "broker.example", 0)
        await ConcentratorStanding(self.pool, self.node).write(self.standing, 0.0)

    async def left(self) -> None:
        self.standing.left(self.number, "silent")
        await ConcentratorStanding(self.pool, self.node).write(self.standing, 1.0)

    async def says(self, off_ms: int = 0, power: str = "mains", lost: bool = False, later_s: int = 60) -> None:
        self.now_us += later_s * S
        book, relay = NetworkCache(), RelayWord(1, 9, 8, self.now_us // 1000, lost)
        said = dataclasses.replace(state("r", [], [relay]), power=power)
        book.state(
            GatewayReport(self.number, self.now_us, self.now_us // 86_400 // S, off_ms, said), lambda number: None
        )
        await NetworkWriter(self.pool).write(book, self.now_us)

    async def tells(self, event: str, relay: int = 0) -> None:
        self._item += 1
        book = NetworkCache()
        book.event(
            EventReport(self.number, "s", self._item, self.now_us, self.now_us, event, relay, "", None, ""),
            lambda: None,
        )
        await NetworkWriter(self.pool).write(book, self.now_us)

    async def look(self, later_s: float = 0) -> None:
        self.now_us += int(later_s * S)
        await self.faults.look(self.now_us)


def events(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return sorted(row["event"] for row in answer.json()["items"])


async def test_a_relay_that_is_lost_reaches_a_person(world: World) -> None:
    utility, other, clock = await world.utility(), await world.utility(), Clock()
    area = utility.ids["area_id"]
    elsewhere = await world.owner.fetchval(
        "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, 'far', 'Far', $2) RETURNING area_id",
        utility.tenant_id,
        area,
    )
    async with (
        receiver() as receiving, world.client(utility.token) as client, world.client(other.token) as stranger,
        pipeline(world) as pool, desk_of(world, clock) as desk,
    ):  # fmt: skip
        await world.owner.execute("DELETE FROM alarm WHERE tenant_id = $1", utility.tenant_id)  # of its meter
        given, key, _, _ = await behind(client, utility, 2)
        net = Net(pool, utility, given, clock.us)
        await net.connected()
        await net.says(later_s=0)
        await net.look()
        assert events(await client.get("/alarms")) == []
        await a_policy(client, {"after_min": 0, "channels": [await a_channel(client, receiving)]}, area_id=area)
        await net.tells("relay_lost", 1)
        await net.look()
        await net.look()
        (raised,) = (await client.get("/alarms", params={"area_id": area, "status": "open"})).json()["items"]
        assert (raised["event"], raised["severity"], raised["number"], raised["area_id"]) == (
            "relay_lost",
            "major",
            f"{given}/R1",
            area,
        )
        assert (raised["meter_id"], raised["concentrator_id"], raised["relay"]) == (None, key, 1)
        for nobodys in ({"area_id": elsewhere}, {"severity": "minor"}, {"meter_id": 1}):
            assert events(await client.get("/alarms", params=nobodys)) == [], nobodys
        assert (await client.get("/alarms/counts", params={"area_id": area})).json()["major"] == 1
        path = f"/alarms/{raised['alarm_id']}"
        assert events(await stranger.get("/alarms")) == ["magnetic"] and (await stranger.get(path)).status_code == 404

        news = [
            each
            for each in (await work_turn(PostgresAlarmLoop(pool), net.now_us + 5 * S)).news
            if each.tenant_id == utility.tenant_id
        ]
        assert [(each.news, each.number, each.area_id, each.meter_id) for each in news] == [
            ("raised", f"{given}/R1", area, None)
        ]
        await turn(desk)
        (line,) = await log(client)
        (got,) = receiving.got
        assert (
            line["alarm_id"] == raised["alarm_id"]
            and f"网关 {given}/R1" in got.json["text"]
            and "中继失联" in got.json["text"]
        )

        async with world.client(await world.user(utility, "operator", places=[elsewhere])) as far:
            assert events(await far.get("/alarms")) == [] and (await far.post(f"{path}/acknowledge")).status_code == 404
        async with world.client(await world.user(utility, "operator", places=[area])) as near:
            assert events(await near.get("/alarms")) == ["relay_lost"]
            assert (await near.post(f"{path}/acknowledge")).json()["state"] == "acknowledged"
        (act,) = (await client.get("/audit", params={"object_type": "alarm"})).json()["items"]
        assert (act["action"], act["object_name"]) == ("acknowledge_alarm", f"{given}/R1")
        order = {"key": uuid.uuid4().hex, "kind": "meter_fault", "source": "alarm", "alarm_id": raised["alarm_id"]}
        made = await client.post("/work-orders", json=order)
        assert made.status_code == 201 and made.json()["area_id"] == area, made.text
        assert (await client.get(path)).json()["state"] == "dispatched"
        await net.says()  # it answers again
        await net.look()
        assert (await client.get(path)).json()["state"] == "cleared"
        muted = {"event": "relay_lost", "area_id": area, "seconds": 600, "reason": "works at the mains"}
        assert (await client.post("/alarm-mutes", json=muted)).status_code == 201
        told = await world.owner.fetch(
            "SELECT change, meter_id, data ->> 'node' AS node FROM outbox_event"
            " WHERE subject_id = $1 AND kind = 'alarm' ORDER BY event_id",
            raised["alarm_id"],
        )
        assert [tuple(row) for row in told] == [
            (change, None, f"{given}/R1") for change in ("raised", "acknowledged", "cleared")
        ]


async def test_what_else_may_be_wrong_with_a_gateway(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client, pipeline(world) as pool:
        await world.owner.execute("DELETE FROM alarm WHERE tenant_id = $1", utility.tenant_id)  # of its meter
        given, key, _, _ = await behind(client, utility, 1)
        net = Net(pool, utility, given, world.deps.now_us())

        async def standing() -> list[str]:
            await net.look()
            return events(await client.get("/alarms", params={"status": "open"}))

        await net.connected()
        await net.says(off_ms=-3_000)
        assert await standing() == []  # it may have waited at the broker
        await net.says(off_ms=-3_100, power="battery")
        assert await standing() == ["gateway_clock_off", "gateway_on_battery"]
        await net.says(off_ms=-1_500)
        assert await standing() == ["gateway_clock_off"]
        await net.says(off_ms=900)
        assert await standing() == []
        await net.tells("duplicate_gateway")
        assert await standing() == ["gateway_duplicated"]
        net.now_us += (DOUBLE_S + 1) * S
        assert await standing() == []
        await world.owner.execute("DELETE FROM network_event WHERE concentrator_id = $1", key)  # time goes back
        await ConcentratorStanding(pool, net.node).begin(
            world.deps.now_us()
        )  # its edge began anew: nobody has listened
        state_at = await world.owner.fetchval("SELECT ended_us FROM concentrator_state WHERE concentrator_id = $1", key)
        net.now_us = state_at + (SILENT_S - 1) * S
        assert await standing() == []
        net.now_us += 2 * S
        assert await standing() == ["gateway_silent"]
        await net.connected()
        assert await standing() == []
        await net.left()
        assert await standing() == ["gateway_silent"]
        (row,) = (await client.get("/alarms", params={"status": "open"})).json()["items"]
        assert (row["number"], row["relay"], row["concentrator_id"]) == (given, 0, key)
        said = await client.post(f"/alarms/{row['alarm_id']}/clear", json={"reason": "taken down"})
        assert said.status_code == 200
        assert await standing() == []  # a person's word holds for a while
        net.now_us = world.deps.now_us() + (HUSHED_S + 5) * S
        assert await standing() == ["gateway_silent"]
        assert (
            (await client.post(f"/alarms/{row['alarm_id']}/reopen", json={"reason": "no"}))
            .json()["type"]
            .endswith("alarm-open-again")
        )
        assert (await client.delete(f"/concentrators/{key}", params={"reason": "gone"})).status_code < 300
        assert await standing() == []
        assert (await client.get(f"/alarms/{row['alarm_id']}")).json()["number"] == given  # it outlives its gateway


async def test_a_concentrator_over_tcp_is_silent_when_its_time_has_passed(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client, pipeline(world) as pool:
        await world.owner.execute("DELETE FROM alarm WHERE tenant_id = $1", utility.tenant_id)  # of its meter
        given, key, _, _ = await behind(client, utility, 1)
        net = Net(pool, utility, given, world.deps.now_us())

        async def connected(wakes: int, kind: Kind = Kind.DTU) -> None:
            said = Registration(kind, wakes, 60, 30, 1)
            net.standing.connected(given, net.tenant_id, "10.0.0.9", said, is_proven=False)
            await ConcentratorStanding(pool, net.node).write(net.standing, 0.0)

        async def alarms() -> list[str]:
            await net.look()
            return events(await client.get("/alarms", params={"status": "open"}))

        for wakes, late_s in enumerate(LATE_S):
            await connected(wakes)
            net.now_us += late_s * 2 * S
            assert await alarms() == []  # as long as it is connected its edge sees to it
            net.standing.frame(given, 0x3003, b"", net.now_us / S, down=False)
            await net.left()
            net.now_us += (late_s - 1) * S
            assert await alarms() == [], wakes
            net.now_us += 2 * S
            assert await alarms() == ["concentrator_silent"], wakes
            (row,) = (await client.get("/alarms", params={"status": "open"})).json()["items"]
            assert (row["number"], row["concentrator_id"], row["severity"]) == (given, key, "major")
            await connected(wakes)
            assert await alarms() == []
            await net.left()
            assert await alarms() == []  # it has just spoken
        await connected(0, Kind.METER)
        await net.left()
        net.now_us += 40 * 86_400 * S
        assert await alarms() == []  # a meter of its own: what it does not report is missing among readings


@pytest.mark.parametrize(
    ("event", "zh", "en"),
    [("gateway_silent", "网关 9001", "Gateway 9001"), ("concentrator_silent", "集中器 9001", "Concentrator 9001")],
)
def test_a_notice_says_what_kind_of_node_it_is(event: str, zh: str, en: str) -> None:
    for locale, wanted in (("zh", zh), ("en", en)):
        facts = facts_of({"event": event, "node": "9001", "number": "9001"}, "U", zone("Asia/Shanghai"), locale)
        for kind in ("raised", "cleared"):
            assert wanted in worded(kind, locale, {}, facts)[1]
