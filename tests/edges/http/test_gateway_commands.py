# SPDX-License-Identifier: Apache-2.0
"""Parameters of a gateway through the one life of commands, over real engines and a real gateway's core: set and confirmed by what it then goes
by, agreed to by a second person, refused with the bounds, called off, over with time, once over kills; nobody sees another's."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest

from openmains.app.link.mqtt.gateway_parameters import GatewayParameterLink
from openmains.app.network.cache import GatewayReport, NetworkCache
from openmains.edges.postgres.command.gateways import GatewayCommandWork
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.network.writer import NetworkWriter
from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.gateway.config import GatewayConfig
from openmains.gateway.core import Gateway
from openmains.wire.gateway.messages import (
    ParametersCommand,
    ParametersWord,
    Stored,
    decode_down_untrusted,
    decode_up_untrusted,
    encode_up,
)
from tests.edges.http.test_concentrators import code
from tests.edges.http.test_network import behind, pipeline
from tests.edges.http.world import World

KEYS = itertools.count(1)
DAY_US = 86_400_000_000
MINUTE_US = 60_000_000


class Box:
    """A gateway's core and what of it a kill leaves. ``now_us``: of the platform, as the gateway has it too."""

    def __init__(self, number: str, pool: Pool, now_us: int) -> None:
        self.number, self.now_us, self.is_heard, self.is_stopped = number, now_us, True, False
        self.random, self.store = Random(1), SqliteGatewayStore(":memory:", number)  # noqa: S311 - the same again
        self.config = GatewayConfig(number, 7, bytes(16), relays=(1, 2))
        self.given: list[ParametersCommand] = []
        self.loses = 0  # so many words of the platform do not arrive
        self.pool, self.work, self.core = pool, GatewayCommandWork(pool), self.begun()
        self.link = self.edge()

    def edge(self) -> GatewayParameterLink:
        return GatewayParameterLink(self.publish, lambda: [self.number] * self.is_heard, lambda _: self.is_stopped)

    def begun(self) -> Gateway:
        core = Gateway(self.config, self.store, self.random.randbytes, mono_ms=self.mono_ms, box_ms=self.now_us // 1000)
        core.north_connected()
        return core

    @property
    def mono_ms(self) -> int:
        return self.now_us // 1000

    def publish(self, name: str, payload: bytes, taken: object) -> bool:
        word = decode_down_untrusted(payload)
        assert isinstance(word, ParametersCommand)
        self.given.append(word)
        if self.loses:
            self.loses -= 1
        else:
            self.core.north_received(word, self.mono_ms)
            self.core.to_radio()  # on disk
        return True

    async def says_how_it_is(self) -> None:
        book = NetworkCache()
        state = self.core.state(self.mono_ms)
        book.state(GatewayReport(self.number, self.now_us, self.now_us // DAY_US, 0, state), lambda _: None)
        await NetworkWriter(self.pool).write(book, self.now_us)

    def speaks(self) -> None:
        """What it has to say goes up, and it is told once that is written."""
        while (batch := self.core.to_north(self.mono_ms)) is not None:
            for item in decode_up_untrusted(encode_up(batch)).items:
                if isinstance(item.word, ParametersWord):
                    told = Stored(batch.store, batch.run, (item.number,))
                    self.link.answer(self.number, item.word, partial(self.is_stored, told))

    def is_stored(self, told: Stored) -> None:
        self.core.north_received(told, self.mono_ms)

    async def goes_on(self, seconds: int = 1) -> None:
        """A turn of the edge, what the gateway does with it, and the turn in which it is heard."""
        self.now_us += seconds * 1_000_000
        await self.work.turn(self.link, self.now_us)
        self.speaks()
        if self.core.is_to_restart:
            self.core = self.begun()
        self.speaks()
        await self.work.turn(self.link, self.now_us)


class Town:
    def __init__(self, box: Box, client: httpx.AsyncClient, second: httpx.AsyncClient, key: int) -> None:
        self.box, self.client, self.second, self.key = box, client, second, key

    async def give(self, parameters: dict[str, Any], **more: Any) -> httpx.Response:
        body = {
            "kind": "set_parameters",
            "unique_key": f"gateway-{next(KEYS)}",
            "parameters": parameters,
            "note": "夜间抄表不稳",
        }
        return await self.client.post(f"/network/nodes/{self.key}/commands", json=body | more)

    async def given(self, parameters: dict[str, Any], **more: Any) -> int:
        answer = await self.give(parameters, **more)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["command_id"])

    async def command(self, command_id: int) -> dict[str, Any]:
        return dict((await self.client.get(f"/network/commands/{command_id}")).json())

    async def state(self, command_id: int) -> tuple[str, str, str]:
        told = await self.command(command_id)
        return told["state"], told["reason"], told["named"]


@asynccontextmanager
async def town(world: World) -> AsyncIterator[Town]:
    utility = await world.utility()
    second = await world.user(utility, "administrator")
    async with world.client(utility.token) as client, world.client(second) as other, pipeline(world) as pool:
        number, key, _, _ = await behind(client, utility, 1)
        box = Box(number, pool, world.deps.now_us() // 1_000_000 * 1_000_000)
        await box.says_how_it_is()
        yield Town(box, client, other, key)


async def test_a_setting_is_confirmed_by_what_the_gateway_then_goes_by(world: World) -> None:
    async with town(world) as here:
        box = here.box
        shown = (await here.client.get(f"/network/nodes/{here.key}/parameters")).json()
        now = {each["name"]: each["value"] for each in shown["parameters"]}
        assert (now["tries"], now["relays"], now["log_level"]) == (3, [1, 2], "info")
        made = await here.given({"tries": 5, "log_level": "debug"})
        assert await here.state(made) == ("approved", "", "")
        await box.goes_on()
        told = await here.command(made)
        assert (told["state"], told["reason"], told["attempts"]) == ("confirmed", "done", 1)
        assert told["answer"] == box.core.config.parameters and told["answer"]["tries"] == 5
        assert [line["event"] for line in told["history"]] == ["approve", "queue", "send", "deliver", "done"]
        await box.says_how_it_is()
        shown = (await here.client.get(f"/network/nodes/{here.key}/parameters")).json()
        assert {each["name"]: each["value"] for each in shown["parameters"]} == box.core.config.parameters
        read = await here.given({}, kind="read_parameters", note="")
        await box.goes_on()
        assert (await here.command(read))["answer"]["log_level"] == "debug"
        trail = (await here.client.get("/audit", params={"object_type": "gateway_command"})).json()["items"]
        assert [(row["action"], row["reason"]) for row in trail] == [
            ("give_gateway_command", ""),
            ("give_gateway_command", "夜间抄表不稳"),
        ]
        listed = (await here.client.get("/network/commands", params={"concentrator_id": here.key, "limit": 1})).json()
        assert [row["command_id"] for row in listed["items"]] == [read] and listed["next"]


async def test_what_moves_meters_waits_for_a_second_person(world: World) -> None:
    async with town(world) as here:
        box, path = here.box, "/network/commands"
        one, two = await here.given({"slice_s": 60}), await here.given({"channels": [3, 4]})
        await box.goes_on()
        assert await here.state(one) == ("quarantined", "second_person", "") and not box.given
        other = await here.given({"tries": 4})
        listed = (await here.second.get(path, params={"waiting": True})).json()["items"]
        assert [row["command_id"] for row in listed] == [two, one] and other > two
        assert code(await here.client.post(f"{path}/{one}/approve")) == "own-gateway-command"
        assert code(await here.second.post(f"{path}/{one}/reject", json={"reason": ""})) == "reason-needed"
        assert (await here.second.post(f"{path}/{one}/approve")).status_code == 200
        assert (await here.second.post(f"{path}/{two}/reject", json={"reason": "信道被邻站占用"})).status_code == 200
        await box.goes_on()
        assert await here.state(one) == ("confirmed", "done", "")
        assert await here.state(two) == ("failed", "rejected", "")
        assert (box.core.config.slice_s, box.core.config.channels) == (60, (1, 2))
        assert code(await here.second.post(f"{path}/{two}/approve")) == "already-done"
        acts = [
            row["action"]
            for row in (await here.client.get("/audit", params={"object_type": "gateway_command"})).json()["items"]
        ]
        assert acts[:2] == ["reject_gateway_command", "approve_gateway_command"]


@pytest.mark.parametrize(
    ("parameters", "name", "says"),
    [
        ({"tries": 11}, "tries", "integer from 1 to 10"),
        ({"report_s": "60"}, "report_s", "from 10 to 60 s"),
        ({"log_level": "loud"}, "log_level", "debug, info, warning, error"),
        ({"channels": [1, 1]}, "channels", "1 to 16 different"),
        ({"slice_s": 300, "cycle_s": 3_600}, "cycle_s", "60 slices"),
        ({"number": 1}, "number", "no parameter of this gateway"),
    ],
)
async def test_a_value_out_of_bounds_is_refused_with_its_bounds(
    world: World, parameters: dict[str, Any], name: str, says: str
) -> None:
    async with town(world) as here:
        refused = await here.give(parameters)
        assert (refused.status_code, code(refused)) == (400, "gateway-parameter")
        assert name in refused.json()["detail"] and says in refused.json()["detail"], refused.text
        assert (await here.client.get("/network/commands")).json()["items"] == []


async def test_what_is_asked_for_wrongly_is_refused(world: World) -> None:
    async with town(world) as here:
        assert code(await here.give({})) == "invalid-input"
        assert code(await here.give({"tries": 4}, kind="read_parameters")) == "invalid-input"
        assert code(await here.give({"tries": 4}, note="--")) == "reason-needed"
        made = await here.given({"tries": 4}, unique_key="the-same-key")
        assert await here.given({"tries": 4}, unique_key="the-same-key") == made
        assert code(await here.give({"tries": 5}, unique_key="the-same-key")) == "key-used"
        silent = await here.client.post("/concentrators", json={"number": "9" * 15 + "7", "meters": []})
        path = f"/network/nodes/{silent.json()['concentrator_id']}/commands"
        body = {"kind": "read_parameters", "unique_key": "never-spoken"}
        assert code(await here.client.post(path, json=body)) == "gateway-not-settable"
        for _ in range(19):
            await here.given({"tries": 4})
        assert code(await here.give({"tries": 4})) == "gateway-commands-open"
        other = await world.utility()
        async with world.client(other.token) as stranger:
            for tried in (
                await stranger.get(f"/network/commands/{made}"),
                await stranger.get(f"/network/nodes/{here.key}/parameters"),
                await stranger.post(f"/network/nodes/{here.key}/commands", json=body),
                await stranger.post(f"/network/commands/{made}/cancel", json={"reason": "x"}),
            ):
                assert tried.status_code == 404
            assert (await stranger.get("/network/commands")).json()["items"] == []


async def test_what_the_gateway_cannot_do_it_says_with_the_reason(world: World) -> None:
    async with town(world) as here:
        box = here.box
        made = await here.given({"tries": 4})
        box.store.tell_parameters(ParametersWord(made + 1_000, "taken"), 0)  # a later one was set by another platform
        await box.goes_on()
        assert await here.state(made) == ("failed", "overtaken", "")
        assert box.core.config.tries == 3


async def test_it_is_sent_until_it_is_heard_and_done_once_over_kills(world: World) -> None:
    async with town(world) as here:
        box = here.box
        box.loses = 2
        made = await here.given({"tries": 5})
        await box.goes_on()
        assert (await here.state(made))[0] == "sent"
        await box.goes_on(20)  # too early to say it again
        assert len(box.given) == 1
        await box.goes_on(30)
        box.now_us += 31_000_000
        await box.work.turn(box.link, box.now_us)  # it arrives, and the gateway is killed before it begins anew
        box.core = box.begun()
        box.speaks()
        box.link = box.edge()  # so is the edge, with what it had heard
        assert (await here.state(made))[0] == "sent"
        box.core.north_lost()
        box.core.north_connected()
        await box.goes_on(31)
        assert await here.state(made) == ("confirmed", "done", "")
        events = [line["event"] for line in (await here.command(made))["history"]]
        assert events.count("done") == 1 and events.count("send") == 4
        words = [item.word for item in box.store.items(0, 100) if isinstance(item.word, ParametersWord)]
        assert box.core.config.tries == 5 and not words  # all of it is stored, and forgotten


async def test_what_was_not_sent_is_called_off_or_lapses(world: World) -> None:
    async with town(world) as here:
        box = here.box
        box.is_heard = False
        one, two = await here.given({"tries": 5}), await here.given({"tries": 6}, validity_s=60)
        await box.goes_on()
        assert ((await here.state(one))[0], (await here.state(two))[0]) == ("queued", "approved")
        assert (await here.client.post(f"/network/commands/{one}/cancel", json={"reason": ""})).json()[
            "state"
        ] == "cancelled"
        box.now_us += MINUTE_US
        await box.work.sweep(box.now_us)
        assert await here.state(two) == ("expired", "not_sent", "")
        box.is_heard, box.is_stopped = True, True
        three = await here.given({"tries": 7})
        await box.goes_on()
        assert (await here.state(three))[0] == "queued" and not box.given
        box.is_stopped = False
        await box.goes_on()
        assert (await here.state(three))[0] == "confirmed"
        assert code(await here.client.post(f"/network/commands/{three}/cancel", json={"reason": "x"})) == "already-done"


async def test_no_answer_is_not_a_no(world: World) -> None:
    async with town(world) as here:
        box = here.box
        box.loses = 3
        made, never = await here.given({"tries": 5}, validity_s=60), await here.given({"tries": 6}, validity_s=600)
        await box.goes_on()
        box.now_us += MINUTE_US
        await box.work.turn(box.link, box.now_us)
        assert (await here.state(made))[0] == "asking"
        box.loses = 0
        await box.goes_on(31)
        assert await here.state(made) == ("expired", "expired", "")  # the gateway's own word
        assert await here.state(never) == ("confirmed", "done", "")
        box.loses = 1_000
        lost = await here.given({"tries": 7}, validity_s=900)
        await box.goes_on()
        box.now_us += 15 * MINUTE_US
        await box.work.sweep(box.now_us)
        box.now_us += 8 * DAY_US
        await box.work.sweep(box.now_us)
        assert await here.state(lost) == ("failed", "no_answer", "")


async def test_whoever_has_not_the_permission_sets_nothing(world: World) -> None:
    async with town(world) as here:
        utility = await world.utility()
        async with world.client(await world.user(utility, "viewer")) as viewer:
            body = {"kind": "read_parameters", "unique_key": "not-by-a-viewer"}
            for path in (
                f"/network/nodes/{here.key}/commands",
                "/network/commands/1/approve",
                "/network/commands/1/cancel",
            ):
                assert (await viewer.post(path, json=body)).status_code == 403, path
