# SPDX-License-Identifier: Apache-2.0
"""The demo town's riverside: water meters of GB/T 36330 on an emulated radio, behind three gateways with relays (R5.1–R5.5).

The gateways are the real core, and what they say is taken in by what takes it in behind a broker; only the broker is left out, for a demo is to
run without one. Commands reach their meters the same way. Now and then the mains of a stairwell are off for some minutes, and its relay with
them: the page *Network* shows it, and the meters behind.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from nats.aio.client import Client

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.gateway_commands import GatewayCommands
from openmains.app.link.mqtt.gateway_parameters import GatewayParameterLink
from openmains.app.link.mqtt.gateways import GatewayReceiver
from openmains.app.link.station.standing import StandingCache
from openmains.app.network.cache import NetworkCache
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import Zone
from openmains.drivers import catalog
from openmains.edges.nats.commands import WakeUpPublisher, listen_downlinks
from openmains.edges.nats.stream import UplinkStream
from openmains.edges.postgres.command.gateways import GatewayCommandWork
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.fleet.concentrators import ConcentratorFollower, put_concentrator
from openmains.edges.postgres.network.writer import NetworkWriter
from openmains.edges.postgres.queries import load
from openmains.edges.signer.switch import CachedStopSwitch, FileSwitch
from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.place import Place
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import Account
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held, Store
from openmains.gateway.config import GatewayConfig
from openmains.gateway.core import Gateway
from openmains.run.demo import town
from openmains.run.logs import say
from openmains.run.roles.edge_context import LoopClock
from openmains.run.roles.process import every, now_us
from openmains.run.roles.tcp_edge import ConcentratorTable
from openmains.run.settings import Settings
from openmains.wire.gateway.messages import decode_down_untrusted, encode_state, encode_up, topic
from openmains.wire.gbt36330.air import AirFrame

GATEWAYS, RELAYS = 3, 2
METERS: Final = town.RADIO // GATEWAYS
FIRST_GATEWAY: Final = 9_000_000_036_330_001
DRIVER = "openmains/water-1"
CYCLE_S, TURN_S = 1_800, 0.2
OFF_EVERY_MIN, OFF_MIN = 90, 6  # the stairwell's mains
NODE = 900  # in whose name its gateways stand; no edge is called so
LAT_E7, LON_E7, STEP_E7 = 305_900_000, 1_143_000_000, 60_000
_QUERIES = load(__package__)


def numbers_of(gateway: int) -> list[int]:
    """Of the meters behind it."""
    return [each.number for each in town.radio_meters()][gateway * METERS : (gateway + 1) * METERS]


async def register_gateways(owner: Pool, tenant_id: TenantId) -> None:
    """With their meters and where they stand; a second time changes nothing. ``owner``: of the schema."""
    async with owner.acquire() as connection, connection.transaction():
        for gateway in range(GATEWAYS):
            behind = [str(number) for number in numbers_of(gateway)]
            name = f"滨江路 {gateway + 3} 号 Riverside {gateway + 3}"
            left = await put_concentrator(connection, tenant_id, str(FIRST_GATEWAY + gateway), name, 3_600, behind)
            if left:
                raise RuntimeError(f"the demo's meters {', '.join(left)} are behind another concentrator")
            for relay in range(RELAYS + 1):
                await _QUERIES["place_network_node"].execute(
                    connection, number=str(FIRST_GATEWAY + gateway), relay=relay, name=f"楼道 Stairwell {relay}" if relay else "",
                    lat_e7=LAT_E7 + gateway * STEP_E7 + (0, 14_000, -14_000)[relay], lon_e7=LON_E7 + (0, 18_000, 18_000)[relay],
                )  # fmt: skip


class _Intake:
    """Meters' messages into the stream, as an MQTT edge would have them."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    def take_in(
        self, identity: Identity, payload: bytes, path: str, heard_us: int, key: object, done: Callable[[], None]
    ) -> None:
        uplink = Uplink(
            identity.meter_id,
            identity.tenant_id,
            identity.product_id,
            "mqtt",
            path,
            heard_us or now_us(),
            payload,
            node=NODE,
        )
        self._batcher.add(uplink, lambda is_stored: done() if is_stored else None)

    def bury_unknown(self, name: str, path: str, payload: bytes, fault: str, done: Callable[[], None]) -> None:
        done()


class _Box:
    """One gateway with the radio around it. ``say(part, payload)``: north."""

    def __init__(
        self, place: int, folder: Path, terminals: Sequence[Terminal], say: Callable[[str, bytes], None]
    ) -> None:
        self.number, self._say = str(FIRST_GATEWAY + place), say
        key = hashlib.sha256(f"a demo's gateway {place}".encode()).digest()
        config = GatewayConfig(
            self.number,
            1 + place,
            key,
            channels=(1 + 2 * place, 2 + 2 * place),
            relays=tuple(range(1, RELAYS + 1)),
            cycle_s=CYCLE_S,
        )
        self._config, self.store = config, SqliteGatewayStore(folder / f"gateway-{place + 1}.sqlite", self.number)
        at_ms = time.time_ns() // 1_000_000
        self._core = self._new_core()
        self._place = Place(
            config.network, key, 0, 36_330 + place, self._heard, terminals=terminals, driver=DRIVER, relays=RELAYS
        )
        self._place.begin(at_ms)

    def _new_core(self) -> Gateway:
        core = Gateway(
            self._config, self.store, secrets.token_bytes, mono_ms=_mono_ms(), box_ms=time.time_ns() // 1_000_000, version="demo"
        )  # fmt: skip
        core.north_connected()
        self._said_at = float("-inf")
        return core

    def told(self, payload: bytes) -> None:
        """A word of the platform."""
        self._core.north_received(decode_down_untrusted(payload), _mono_ms())

    def turn(self, now: float) -> None:
        """What is due."""
        at_ms, mono_ms = time.time_ns() // 1_000_000, _mono_ms()
        minute = at_ms // 60_000
        for relay in self._place.relays:
            relay.is_broken = (minute + 17 * relay.number + 31 * relay.network) % OFF_EVERY_MIN < OFF_MIN
        self._place.run(at_ms)
        self._core.timer(mono_ms)
        for frame in self._core.to_radio():
            self._place.send(frame)
        if now - self._said_at >= self._core.config.report_s:
            self._said_at = now
            self._say("state", encode_state(self._core.state(mono_ms)))
        while (batch := self._core.to_north(mono_ms)) is not None:
            self._say("up", encode_up(batch))
        if self._core.is_to_restart:
            self._core = self._new_core()

    def _heard(self, frame: AirFrame) -> None:
        self._core.radio_received(frame, _mono_ms())


async def live_gateways(
    settings: Settings,
    pool: Pool,
    client: Client,
    stream: UplinkStream,
    tenant_id: TenantId,
    ids: Mapping[int, MeterId],
    keys: Mapping[MeterId, bytes],
    use: Consumption,
    place: Zone,
    stop: asyncio.Event,
) -> None:
    """Until ``stop``. ``ids``: of the meters by number; ``keys``: of their commands, none where the signer keeps them."""
    clock, table = LoopClock(asyncio.get_running_loop()), ConcentratorTable()
    drivers = catalog.load()
    follower, standing, writer = (
        ConcentratorFollower(pool, table.take),
        ConcentratorStanding(pool, NODE),
        NetworkWriter(pool),
    )
    await follower.follow()
    await standing.begin(now_us())
    batcher = Batcher(stream, settings.shards)
    waking = WakeUpPublisher(client, NODE)
    batcher.on_stored = lambda uplinks, shard, sequence: waking.stored(uplinks)
    words, cache, book = LinkReports(NODE, clock, batcher.add), StandingCache(now_us), NetworkCache()
    boxes: dict[str, _Box] = {}

    def publish(name: str, payload: bytes, taken: Callable[[bool], None]) -> bool:
        box = boxes.get(name.split("/")[2])
        if box is None:
            return False
        box.told(payload)
        taken(True)
        return True

    stopped = CachedStopSwitch(FileSwitch(settings.stop_folder), clock.time).stopped
    parameters, work = GatewayParameterLink(publish, lambda: receiver.connected(), stopped), GatewayCommandWork(pool)
    receiver = GatewayReceiver(
        tenant_id=tenant_id, host="demo", directory=table, intake=_Intake(batcher), standing=cache, book=book, words=words,
        answer=parameters.answer, clock=clock, publish=publish, offset_min=lambda whose, now_s: place.offset_s(now_s) // 60,
        note=lambda name, reason, detail: None,
    )  # fmt: skip
    commands = GatewayCommands(
        directory=table, clock=clock, words=words, stopped=lambda whose: False, publish=publish, is_connected=receiver.is_connected,
        driver_of=lambda product_id: drivers.driver(DRIVER),
    )  # fmt: skip
    await listen_downlinks(client, NODE, commands.handle)
    async with AsyncExitStack() as stack:
        for gateway in range(GATEWAYS):
            number = str(FIRST_GATEWAY + gateway)
            terminals = [
                _terminal(each, keys.get(ids[each], bytes(16)), use) for each in numbers_of(gateway) if each in ids
            ]

            def north(part: str, payload: bytes, number: str = number) -> None:
                receiver.receive(number, part, topic(number, part), payload, lambda: None)

            boxes[number] = _Box(gateway, settings.var_path / "demo", terminals, north)
            stack.callback(boxes[number].store.close)
        say(
            f"{GATEWAYS} 台模拟网关、{GATEWAYS * RELAYS} 个中继、{len(ids)} 只无线水表 / {GATEWAYS} emulated gateways with"
            f" {GATEWAYS * RELAYS} relays and {len(ids)} water meters on their radio"
        )

        async def turn() -> None:
            for box in boxes.values():
                box.turn(clock.time())

        async def followed() -> None:
            await follower.follow()

        async with asyncio.TaskGroup() as all_of_them:
            all_of_them.create_task(every(TURN_S, "demo gateways", turn, stop))
            all_of_them.create_task(every(5.0, "demo gateways' book", followed, stop))
            all_of_them.create_task(
                every(1.0, "demo gateways' standing", lambda: standing.write(cache, clock.time()), stop)
            )
            all_of_them.create_task(
                every(1.0, "demo commands to gateways", lambda: work.turn(parameters, now_us()), stop)
            )
            all_of_them.create_task(every(1.0, "demo network", lambda: writer.write(book, now_us()), stop))


def _terminal(number: int, key: bytes, use: Consumption) -> Terminal:
    def supply(instants_s: Sequence[int]) -> list[int]:
        return [use.register_at(number, Medium.WATER, at) for at in instants_s]

    return Terminal(
        number, Profile(), supply, DriverFrames(DRIVER, number), key=key, store=Store(Held(account=Account()))
    )


def _mono_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
