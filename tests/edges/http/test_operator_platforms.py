# SPDX-License-Identifier: Apache-2.0
"""Operators' platforms over real engines and emulated platforms: devices are made known there, what is pushed is on disk before it is answered
and becomes a message once, commands lie in the platform's cache and what becomes of them is told; what the platforms do wrong does no harm."""

import asyncio
import secrets
from dataclasses import dataclass, field
from time import time_ns
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import delivery_report
from openmains.app.fleet.identities import Identities
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.operators.codecs import KINDS
from openmains.app.link.operators.commands import OperatorCommands
from openmains.app.link.operators.receiver import OperatorReceiver
from openmains.app.link.operators.rounds import OperatorRounds
from openmains.app.payment.channels.port import ProviderAnswer, ProviderRequest
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId
from openmains.drivers.catalog import load
from openmains.edges.postgres.fleet.operators import PostgresOperatorWork
from openmains.emulator.operators.ctwing import EmulatedCtwing
from openmains.emulator.operators.iotda import EmulatedIotda
from openmains.emulator.operators.onenet import EmulatedOnenet
from openmains.run.roles.operators_edge import KeptCodecs
from tests.edges.http.world import DRIVER, Utility, World, new_meter
from tests.support.disk import Disk
from tests.support.operators import call_to, pump
from tests.support.patience import PATIENCE_S

GOOD = [vector.frame for vector in load().driver(DRIVER).vectors if vector.fault is None]
CLOUDS: dict[str, Any] = {
    "ctwing": EmulatedCtwing,
    "iotda": EmulatedIotda,
    "onenet": EmulatedOnenet,
    "onenet_studio": lambda now_s: EmulatedOnenet(now_s, user="528332"),
}
MINUTE_US = 60_000_000


@dataclass
class Time:
    """The world's clock, moved by the test; what is for later is done at once."""

    world: World
    late_us: int = 0

    def time(self) -> float:
        return asyncio.get_running_loop().time() + self.late_us / 1e6

    def unix_us(self) -> int:
        return time_ns() // 1000 + self.late_us

    def call_later(self, seconds: float, call: Any, /) -> object:
        return asyncio.get_running_loop().call_later(min(seconds, 0.01), call)


@dataclass
class Plant:
    """A utility with a connection to an emulated platform, an edge's parts that work for it, and what the module was given."""

    world: World
    utility: Utility
    client: httpx.AsyncClient
    kind: str
    cloud: Any = None
    platform: dict[str, Any] = field(default_factory=dict)
    disk: Disk = field(default_factory=Disk)
    delivered: list[tuple[str, bytes]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    stopped: bool = False

    async def build(self) -> None:
        self.clock = Time(self.world)
        self.cloud = CLOUDS[self.kind](lambda: self.clock.unix_us() / 1e6)
        self.cloud.deliver = lambda imei, frame: self.delivered.append((imei, frame))
        made = await self.client.post(
            "/operator-platforms",
            json={
                "kind": self.kind, "name": "city", "settings": self.cloud.settings("http://cloud", "http://om.test/api/v1"),
                "secrets": self.cloud.secrets(), "products": [self.utility.ids["product_id"]], "reason": "test",
            },
        )  # fmt: skip
        assert made.status_code == 201, made.text
        self.platform = made.json()
        self.begin()

    def begin(self) -> None:
        """The edge's side, as after a start."""
        admission = Admission(Identities(), load())
        admission.set_products({self.utility.ids["product_id"]: DRIVER}, {})
        batcher = Batcher(self.disk, 1, linger_s=0.001)
        work = PostgresOperatorWork(self.world.pipeline, lambda: asyncpg.connect(self.world.urls.postgres_pipeline))
        assert self.world.deps.sealer is not None
        self.work, self.codecs, call = work, KeptCodecs(self.world.deps.sealer), call_to(self.cloud)
        self.commands = OperatorCommands(
            work=work, codecs=self.codecs, call=call, clock=self.clock, words=LinkReports(1, self.clock, batcher.add),
            stopped=lambda tenant_id: self.stopped, driver_of=lambda product_id: None,
        )  # fmt: skip
        self.receiver = OperatorReceiver(
            node=1, work=work, admission=admission, batcher=batcher, shedding=Shedding(Pace()), clock=self.clock, words=self.commands,
            note=lambda tenant, name, reason, detail: self.noted.append(name), is_blocked=lambda imei: False,
        )  # fmt: skip
        self.commands.left = self.receiver.left
        self.rounds = OperatorRounds(work, self.codecs, call, self.clock)

    async def learn(self) -> None:
        await self.codecs.learn([one for one in await self.work.platforms() if one.tenant_id == self.utility.tenant_id])

    async def pump(self) -> list[int]:
        """The platform says what it has to say; the world's clock is not moved for the API."""
        async with self.world.client() as caller:
            return await pump(self.cloud, caller, self.platform["push_url"])

    async def settle(self) -> None:
        """All that was pushed has become something."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.receiver.turn()
                await asyncio.sleep(0.005)
                left = await self.world.owner.fetchval(
                    "SELECT count(*) FROM operator_push WHERE platform_id = $1 AND done_us IS NULL", self.platform["platform_id"]
                )  # fmt: skip
                if not left:
                    return

    async def up(self, imei: str, frame: bytes) -> None:
        self.cloud.uplink(imei, frame)
        await self.pump()
        await self.settle()

    async def asked(self) -> None:
        """A platform that pushes no results is asked for them, a few minutes later."""
        if self.kind == "onenet_studio":
            self.clock.late_us += 70 * MINUTE_US
            await self.commands.ask()
            await asyncio.sleep(0.02)

    def ups(self) -> list[Uplink]:
        """What came of the meters themselves."""
        return [one for one in self.disk.uplinks if one.channel == "operator" and one.meter_id and not one.fault]

    def words(self) -> list[tuple[str, int]]:
        found = [delivery_report(one) for one in self.disk.uplinks if one.channel == "link"]
        return [(word.link, word.command_id) for word in found if word is not None]

    def letters(self) -> list[str]:
        return [one.fault for one in self.disk.uplinks if one.fault]

    async def command(self, meter: dict[str, Any], *, valid_s: int = 7200) -> DownFrame:
        """A command's frame as the dispatcher sends it; the command is a row."""
        given = await self.client.post(
            f"/meters/{meter['meter_id']}/commands", json={"kind": "read_now", "unique_key": secrets.token_hex(8)}
        )
        assert given.status_code in (200, 201), given.text
        number = given.json()["command"]["command_id"]
        now = self.clock.unix_us() // 1_000_000
        return DownFrame(
            CommandId(number), TenantId(self.utility.tenant_id), MeterId(meter["meter_id"]), ProductId(self.utility.ids["product_id"]),
            int(meter["imei"]), "read_now", secrets.token_bytes(12), now + valid_s,
        )  # fmt: skip

    async def give(self, frame: DownFrame) -> None:
        self.commands.handle([frame])
        await self.commands.turn()

    async def end(self, frame: DownFrame, state: str) -> None:
        await self.world.owner.execute("UPDATE command SET state = $2 WHERE command_id = $1", frame.command_id, state)


@pytest.fixture(params=sorted(CLOUDS))
async def plant(world: World, request: pytest.FixtureRequest) -> Any:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        made = Plant(world, utility, client, request.param)
        await made.build()
        await made.learn()
        before, world.deps.now_us = world.deps.now_us, made.clock.unix_us
        yield made
        world.deps.now_us = before
        await client.delete(f"/operator-platforms/{made.platform['platform_id']}", params={"reason": "test"})


async def known(plant: Plant) -> dict[str, Any]:
    """A meter that the platform knows by us."""
    meter: dict[str, Any] = (await plant.client.post("/meters", json=new_meter(plant.utility))).json()
    for _ in range(3):
        await plant.rounds.make_known()
    assert plant.cloud.of_imei(meter["imei"]) is not None
    return meter


async def test_the_seven_flows(plant: Plant) -> None:
    meter = await known(plant)  # create
    imei = meter["imei"]
    await plant.up(imei, GOOD[0])  # up, online
    assert plant.letters() == [], plant.noted
    (uplink,) = plant.ups()
    assert (uplink.meter_id, uplink.payload, uplink.node) == (meter["meter_id"], GOOD[0], 1)
    devices = (await plant.client.get(f"/operator-platforms/{plant.platform['platform_id']}/devices")).json()["items"]
    assert [one["is_online"] for one in devices if one["imei"] == imei] == [True]
    plant.cloud.leave(imei)
    await plant.pump()
    await plant.settle()
    devices = (await plant.client.get(f"/operator-platforms/{plant.platform['platform_id']}/devices")).json()["items"]
    assert [one["is_online"] for one in devices if one["imei"] == imei] == [False]

    frame = await plant.command(meter)  # command
    await plant.give(frame)
    await plant.give(frame)  # the dispatcher once more: it lies there once
    assert len(plant.cloud.held) == 1 and plant.delivered == [] and plant.words() == []
    await plant.up(imei, GOOD[0])  # result
    assert plant.delivered == [(imei, frame.frame)]
    await plant.asked()
    assert plant.words() == [("delivered", frame.command_id)]

    called_off = await plant.command(meter)  # cancel: our command ended while it lay there
    await plant.give(called_off)
    await plant.end(called_off, "expired")
    await plant.commands.ask()
    await plant.up(imei, GOOD[0])
    if plant.kind == "iotda":  # it cannot: the frame goes down, and the meter itself says that it is too late
        assert plant.delivered.pop() == (imei, called_off.frame)
    else:
        assert plant.commands.counters["operators.command_cancelled"] == 1
    assert plant.delivered == [(imei, frame.frame)]

    late = await plant.command(meter, valid_s=60)  # expire: the platform takes it away
    await plant.give(late)
    plant.clock.late_us += 3_700 * 1_000_000
    plant.cloud.expire()
    await plant.pump()
    await plant.settle()
    await plant.asked()
    assert plant.words()[-1] == ("lost", late.command_id) and len(plant.delivered) == 1
    await plant.give(late)  # and may be sent again
    await plant.up(imei, GOOD[0])
    await plant.asked()
    assert plant.delivered[-1] == (imei, late.frame) and plant.words()[-1] == ("delivered", late.command_id)


async def test_what_is_pushed_twice_or_after_our_end_comes_once(plant: Plant) -> None:
    imei = (await known(plant))["imei"]
    plant.cloud.mischief.doubled = 5
    plant.cloud.uplink(imei, GOOD[0])
    assert set(await plant.pump()) == {200}
    plant.begin()  # an edge that died before it had done anything; the answer had gone out
    await plant.learn()
    await plant.settle()
    assert len(plant.ups()) == 1
    waiting = (await plant.client.get("/operator-platforms")).json()[0]
    assert (waiting["waiting"], waiting["heard_at"] is not None) == (0, True)


async def test_while_the_stream_takes_nothing_pushes_are_taken_and_kept(plant: Plant) -> None:
    imei = (await known(plant))["imei"]
    plant.disk.is_away = True
    plant.cloud.uplink(imei, GOOD[0])
    assert set(await plant.pump()) == {200}
    await plant.receiver.turn()
    await asyncio.sleep(0.02)
    await plant.receiver.turn()
    assert (await plant.client.get("/operator-platforms")).json()[0]["waiting"] >= 1
    plant.disk.is_away = False
    await plant.settle()
    assert len(plant.ups()) == 1


async def test_a_late_result_still_counts_and_an_unknown_one_is_of_others(plant: Plant) -> None:
    meter = await known(plant)
    plant.cloud.mischief.late = True
    frame = await plant.command(meter)
    await plant.give(frame)
    await plant.up(meter["imei"], GOOD[0])
    assert plant.words() == [] and len(plant.delivered) == 1
    plant.clock.late_us += 3 * MINUTE_US  # it is asked instead
    await plant.commands.ask()
    await asyncio.sleep(0.02)
    assert plant.words() == [("delivered", frame.command_id)]
    plant.cloud.release()
    await plant.pump()
    await plant.settle()
    assert plant.words() == [("delivered", frame.command_id)]


async def test_a_request_without_a_reply_is_lost_and_may_have_arrived(plant: Plant) -> None:
    meter = await known(plant)
    plant.cloud.mischief.silent = 1
    frame = await plant.command(meter)
    await plant.give(frame)
    await asyncio.sleep(0.02)
    assert plant.words() == [("lost", frame.command_id)] and len(plant.cloud.held) == 1
    plant.cloud.mischief.busy = 1
    await plant.give(frame)
    await asyncio.sleep(0.02)
    assert plant.words() == [("lost", frame.command_id)] * 2
    plant.stopped = True
    await plant.give(frame)
    await asyncio.sleep(0.02)
    assert len(plant.words()) == 3 and len(plant.cloud.held) == 1


async def test_after_a_silence_the_platform_is_asked_for_what_was_missed(plant: Plant) -> None:
    imei = (await known(plant))["imei"]
    await plant.up(imei, GOOD[0])
    plant.cloud.mischief.unsaid = 1
    plant.cloud.uplink(imei, GOOD[0])
    assert len(plant.ups()) == 1
    asked = await plant.client.post(
        f"/operator-platforms/{plant.platform['platform_id']}/questions",
        json={"since": "2000-01-01T00:00:00Z", "reason": "x"},
    )
    assert asked.status_code == 400
    await plant.world.owner.execute(
        "UPDATE operator_platform SET alive_us = $2, heard_us = $2 WHERE platform_id = $1", plant.platform["platform_id"],
        plant.clock.unix_us() - 20 * MINUTE_US,
    )  # fmt: skip
    for _ in range(4):
        mine = [one for one in await plant.work.platforms() if one.tenant_id == plant.utility.tenant_id]
        await plant.rounds.fill_gaps(mine)
    await plant.settle()
    assert len(plant.ups()) == 2
    shown = (await plant.client.get("/operator-platforms")).json()[0]
    assert shown["missing_since"] is None and shown["checked_at"] is not None


async def test_a_stranger_a_garbled_one_and_an_unproven_one(plant: Plant) -> None:
    url = plant.platform["push_url"].removeprefix("http://om.test/api/v1")
    meter = await known(plant)
    stranger = f"86{secrets.randbelow(10**13):013d}"
    plant.cloud.adopt(stranger)
    for _ in range(3):
        await plant.up(stranger, GOOD[0])
    assert plant.letters() == ["unknown_device"] and set(plant.noted) == {stranger}
    plant.cloud.uplink(meter["imei"], b"\xff" * 700)  # more than a meter may say
    await plant.pump()
    await plant.settle()
    assert plant.letters()[-1] == "too_large"
    async with plant.world.client() as caller:
        refused = await caller.post(url, content=b"{}")
        assert refused.status_code == 401 and refused.json()["type"].endswith("push-refused")
        assert (await caller.get(url)).status_code == 401
        assert (await caller.post(url.rpartition("/")[0] + "/999999999", content=b"{}")).status_code == 404
    await plant.settle()
    assert plant.letters()[-1].startswith("push_")
    shown = (await plant.client.get("/operator-platforms")).json()[0]
    assert [(one["fault"] != "", one["count"]) for one in shown["refused"]] == [(True, 1)]


async def test_a_connection_is_set_by_who_may_and_its_keys_are_told_to_nobody(plant: Plant) -> None:
    key = plant.platform["platform_id"]
    path, client = f"/operator-platforms/{key}", plant.client
    text = (await client.get("/operator-platforms")).text
    assert all(secret not in text for secret in plant.cloud.secrets().values())
    assert sorted(plant.platform["secrets"]) == sorted(KINDS[plant.kind].secrets)  # type: ignore[index]

    async def call(asked: ProviderRequest) -> ProviderAnswer | None:
        told = plant.cloud.answer(asked.method, asked.url, asked.headers, asked.body)
        return None if told is None else ProviderAnswer(told[0], told[1])

    plant.world.deps.provider_call = call
    try:
        assert (await client.post(f"{path}/trial")).json() == {"is_good": True, "response": ""}
        form = {
            "name": "town",
            "settings": plant.platform["settings"],
            "products": plant.platform["products"],
            "reason": "other keys",
        }
        wrong = {name: value[::-1] for name, value in plant.cloud.secrets().items()}
        changed = await client.put(path, json=form | {"secrets": wrong})
        assert changed.status_code == 200 and changed.json()["name"] == "town"
        said = (await client.post(f"{path}/trial")).json()
        assert said["is_good"] is False and said["response"]
    finally:
        plant.world.deps.provider_call = None
    bad = await client.put(path, json=form | {"settings": {"push_base": "ftp://x"}})
    assert bad.status_code == 400 and "/settings/push_base" in bad.text
    twice = await client.post(
        "/operator-platforms", json=form | {"kind": plant.kind, "name": "other", "secrets": plant.cloud.secrets()}
    )
    assert twice.status_code == 409 and twice.json()["type"].endswith("products-not-free")
    off = await client.put(path, json=form | {"is_on": False})
    assert off.json()["is_on"] is False
    async with plant.world.client(await plant.world.user(plant.utility, "operator")) as other:
        assert (await other.put(path, json=form)).status_code == 403
    async with plant.world.client(plant.world.a.token) as stranger:
        assert (await stranger.put(path, json=form)).status_code == 404
    trail = await plant.world.owner.fetch(
        "SELECT action, after::text AS told FROM audit WHERE tenant_id = $1 AND object_type = 'operator_platform'",
        plant.utility.tenant_id,
    )
    assert {row["action"] for row in trail} >= {
        "add_operator_platform",
        "change_operator_platform",
        "try_operator_platform",
    }
    assert all(secret not in (row["told"] or "") for row in trail for secret in plant.cloud.secrets().values())
