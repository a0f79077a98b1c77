# SPDX-License-Identifier: Apache-2.0
"""Network management over real engines: what gateways say is the topology, a node's card, its days and the log; nobody sees another's."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from openmains.app.link.station.standing import StandingCache
from openmains.app.network.cache import EventReport, GatewayReport, NetworkCache
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import PIPELINE_ROLE, Pool, create_pool
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.network.writer import KEPT_DAYS, NetworkWriter
from openmains.wire.gateway.messages import GatewayState
from openmains.wire.gateway.network import LAYOUT, NetworkWord, NodeWord, RelayWord
from tests.edges.http.test_concentrators import code, meters, number
from tests.edges.http.world import Utility, World

AT_US = 1_790_000_000_000_000
TODAY = AT_US // 86_400_000_000
PLACE = {"name": "泵房", "place": "人民路 2 号", "lat_e7": 311_000_000, "lon_e7": 1_214_000_000}


@asynccontextmanager
async def pipeline(world: World) -> AsyncIterator[Pool]:
    pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    try:
        yield pool
    finally:
        await pool.close()


def state(run: str, nodes: list[NodeWord], relays: list[RelayWord], waiting: int = 0) -> GatewayState:
    net = NetworkWord(LAYOUT, 7, len(nodes), 5_040, tuple(relays), tuple(nodes), {"messages": 4})
    return GatewayState("s", run, "a", 1, "platform", "mains", "1.0", len(nodes), 0, waiting, 0, 0, net)


def node(
    name: str, via: int, messages: int, heard: int, missed: int = 0, off_ms: int | None = None, is_silent: bool = False
) -> NodeWord:
    return NodeWord(name, 5, via, 2, 17, True, is_silent, AT_US // 1000, messages, 1, heard, missed, 2_310, off_ms)


async def behind(
    client: httpx.AsyncClient, utility: Utility, count: int
) -> tuple[str, int, list[str], dict[str, MeterId]]:
    """A gateway with meters: its number and id, their numbers, and their ids as gateways name them."""
    known, given = await meters(client, utility, count), number()
    made = (await client.post("/concentrators", json={"number": given, "meters": known})).json()
    listed = (await client.get(f"/concentrators/{made['concentrator_id']}/meters")).json()["items"]
    ids = {row["number"].zfill(16): MeterId(row["meter_id"]) for row in listed}
    return given, made["concentrator_id"], known, ids


def columns(told: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """By number: kind, number of the parent, state."""
    found = {}
    for place, name in enumerate(told["number"]):
        parent = told["parent"][place]
        found[name] = (
            told["kinds"][told["kind"][place]], "" if parent < 0 else told["number"][parent], told["states"][told["state"][place]]
        )  # fmt: skip
    return found


async def test_what_a_gateway_says_is_seen_by_its_own_utility(world: World) -> None:
    utility, other = await world.utility(), await world.utility()
    async with world.client(utility.token) as client, world.client(other.token) as stranger, pipeline(world) as pool:
        given, key, known, ids = await behind(client, utility, 3)
        one, two, three = (each.zfill(16) for each in known)
        book, writer, standing = NetworkCache(), NetworkWriter(pool), StandingCache(lambda: AT_US)
        standing.gateway_connected(given, TenantId(utility.tenant_id), "broker.example", 0)
        await ConcentratorStanding(pool, 5).write(standing, 0.0)
        strange = f"9{uuid.uuid4().int % 10**15:015d}"
        relays = [RelayWord(1, 40, 40, AT_US // 1000, False), RelayWord(2, 40, 39, AT_US // 1000, False)]

        async def say(run: str, *nodes: NodeWord, relays: list[RelayWord] = relays, at_us: int = AT_US) -> None:
            book.state(
                GatewayReport(given, at_us, at_us // 86_400_000_000, -40, state(run, list(nodes), relays)), ids.get
            )
            await writer.write(book, AT_US)

        await say("r1", node(one, 0, 2, 1), node(two, 1, 5, 3, 1, off_ms=3_000), node(strange, 2, 1, 1))
        await say("r1", node(one, 0, 2, 1))  # the same again counts once
        await say("r1", node(one, 0, 3, 2))
        await say("r2", node(one, 0, 1, 1))  # its program began anew
        told = (await client.get("/network/topology")).json()
        assert columns(told) == {
            given: ("gateway", "", "well"), "1": ("relay", given, "well"), "2": ("relay", given, "well"),
            known[0]: ("meter", given, "well"), known[1]: ("meter", "1", "warned"), known[2]: ("meter", given, "unknown"),
            strange: ("meter", "2", "well"),
        }  # fmt: skip
        assert told["left_out"] == 0 and told["key"][told["number"].index(strange)] == 0
        assert (await stranger.get("/network/topology")).json()["kind"] == []
        card = (await client.get(f"/network/nodes/{key}", params={"meter": known[1]})).json()
        assert (card["kind"], card["via"], card["logical"], card["slice"], card["clock_off_ms"]) == (
            "meter",
            1,
            5,
            17,
            3_000,
        )
        assert (card["meter_id"], card["heard"], card["missed"], card["late_ms"]) == (ids[two], 3, 1, 2_310)
        gateway = (await client.get(f"/network/nodes/{key}")).json()
        assert (gateway["kind"], gateway["slots"], gateway["counters"], gateway["clock_off_ms"], gateway["network"]) == (
            "gateway", 5_040, {"messages": 4}, -40, 7,
        )  # fmt: skip
        (day,) = (await client.get(f"/network/nodes/{key}/days", params={"meter": known[0], "days": 800})).json()[
            "days"
        ]
        assert (day["heard"], day["messages"], day["repeats"], day["delivery_ppm"]) == (3, 4, 2, 1_000_000)
        whole = (await client.get(f"/network/nodes/{key}/days", params={"days": 800})).json()
        assert (whole["days"][0]["heard"], whole["days"][0]["missed"], whole["days"][0]["slots_used"]) == (7, 1, 1)
        assert {line["verdict"] for line in whole["forecasts"]} == {"too_few"}
        relay = (await client.get(f"/network/nodes/{key}", params={"relay": 2})).json()
        assert (relay["kind"], relay["heard"], relay["missed"], relay["is_failed"]) == ("relay", 39, 1, False)

        done: list[str] = []
        events = [("joined", 0, three), ("relay_lost", 1, ""), ("silent", 0, one)]
        for item, (event, which, meter) in enumerate(events, 1):
            said = EventReport(given, "s", item, AT_US + item, AT_US, event, which, meter, ids.get(meter), "detail")
            for _ in range(2):
                book.event(said, lambda event=event: done.append(event))  # type: ignore[misc]
        await writer.write(book, AT_US)
        assert done == [event for event, _, _ in events for _ in range(2)]
        shown = columns((await client.get("/network/topology")).json())
        assert (shown["1"][2], shown[known[1]][2], shown[known[0]][2], shown[strange][2]) == (
            "failed",
            "cut_off",
            "failed",
            "well",
        )
        log = (await client.get("/network/events", params={"limit": 2})).json()
        assert [(row["event"], row["relay"], row["meter"]) for row in log["items"]] == [
            ("silent", 0, one),
            ("relay_lost", 1, ""),
        ]
        rest = (await client.get("/network/events", params={"cursor": log["next"]})).json()
        assert [row["event"] for row in rest["items"]] == ["joined"] and rest["next"] is None
        faults = (await client.get("/network/events", params={"faults": True, "concentrator_id": key})).json()
        assert [row["event"] for row in faults["items"]] == ["silent", "relay_lost"]
        mine = (await client.get("/network/events", params={"meter": known[2]})).json()
        assert [row["meter_id"] for row in mine["items"]] == [ids[three]]
        assert (await stranger.get("/network/events")).json()["items"] == []
        await say(
            "r2", at_us=AT_US + 60_000_000, relays=relays[1:]
        )  # back by a state, and relay 1 is configured no more
        assert columns((await client.get("/network/topology")).json())[known[1]][:2] == ("meter", given)
        for path in (f"/network/nodes/{key}", f"/network/nodes/{key}/days"):
            assert (await stranger.get(path)).status_code == 404
            assert (await client.get(path, params={"relay": 9})).status_code == 404
            assert (await client.get(path, params={"meter": "404"})).status_code == 404
            assert code(await client.get(path, params={"relay": 1, "meter": one})) == "invalid-input"
        late = AT_US + KEPT_DAYS * 86_400_000_000 + 10**12
        await NetworkWriter(pool).write(NetworkCache(), late)
        assert (await client.get("/network/events")).json()["items"] == []


async def test_where_a_relay_stands_is_for_people_to_say(world: World) -> None:
    utility, other = await world.utility(), await world.utility()
    async with world.client(utility.token) as client, world.client(other.token) as stranger, pipeline(world) as pool:
        given, key, _, ids = await behind(client, utility, 1)
        book = NetworkCache()
        book.state(GatewayReport(given, AT_US, TODAY, 0, state("r", [], [RelayWord(3, 1, 1, 1, False)])), ids.get)
        await NetworkWriter(pool).write(book, AT_US)
        path = f"/network/nodes/{key}/place"
        for relay in (0, 3):
            assert (await client.put(path, params={"relay": relay}, json=PLACE)).json() == PLACE
        assert (await client.put(path, params={"relay": 4}, json=PLACE)).status_code == 404
        assert (await stranger.put(path, json=PLACE)).status_code == 404
        for bad in ({"lat_e7": 1}, {"lon_e7": 1}, {"name": "=1+1"}, {"lat_e7": 900_000_001, "lon_e7": 0}, {"more": 1}):
            assert (await client.put(path, json=PLACE | {"lat_e7": None, "lon_e7": None} | bad)).status_code == 400, bad
        told = (await client.get("/network/topology")).json()
        assert (told["name"], told["lat_e7"][:2]) == (["泵房", "泵房", ""], [PLACE["lat_e7"]] * 2)
        trail = (await client.get("/audit", params={"object_type": "network_node"})).json()["items"]
        assert [row["object_id"] for row in trail] == [f"{key}/3", f"{key}/0"]
    async with world.client(await world.user(utility, "operator")) as client:
        assert (await client.put(path, json=PLACE)).status_code == 403


async def test_two_edges_that_write_the_same_network_do_not_wait_for_each_other_for_ever(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client, pipeline(world) as pool:
        given, _, known, ids = await behind(client, utility, 2)
        words = [node(each.zfill(16), 0, 1, 1) for each in known]

        async def write(order: list[NodeWord]) -> None:
            for _ in range(5):
                book = NetworkCache()
                book.state(GatewayReport(given, AT_US, TODAY, 0, state("r", order, [])), ids.get)
                await NetworkWriter(pool).write(book, AT_US)

        await asyncio.gather(write(words), write(words[::-1]))
        assert columns((await client.get("/network/topology")).json())[known[0]] == ("meter", given, "well")


async def test_what_two_edges_write_of_one_gateway_counts_once(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client, pipeline(world) as pool:
        given, key, (known,), ids = await behind(client, utility, 1)

        async def write(run: str, messages: int, at_us: int = AT_US) -> None:
            book = NetworkCache()
            words = [node(known.zfill(16), 0, messages, messages)]
            book.state(GatewayReport(given, at_us, TODAY, 0, state(run, words, [])), ids.get)
            await NetworkWriter(pool).write(book, at_us)

        async def counted() -> int:
            path = f"/network/nodes/{key}/days"
            (day,) = (await client.get(path, params={"meter": known, "days": 800})).json()["days"]
            return int(day["messages"])

        await asyncio.gather(*(write("r1", 7) for _ in range(4)))
        assert await counted() == 7
        for messages in (9, 8, 9, 10):  # the second edge is behind the first
            await write("r1", messages)
        assert await counted() == 10
        await write("r2", 2, AT_US + 1_000_000)
        await write("r1", 10, AT_US + 500_000)  # of the run before, late
        await write("r2", 3, AT_US + 2_000_000)
        assert await counted() == 13
