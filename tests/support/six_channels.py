# SPDX-License-Identifier: Apache-2.0
"""One utility whose meters come over six channels, to each of which the same is done: a valve is closed, a balance topped up.

A channel has two meters: one without credit, whose valve may be closed, and one with. ``speak`` makes them say something and hear what waits
for them, as often as wanted; ``acts`` says how often each did what.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from openmains.app.command.signer.keys import command_key
from openmains.domain.fleet.identifiers import imei_of
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.radio_meter import RadioMeter
from openmains.emulator.gateway.terminal_body import TerminalBody
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.meter.prices import UNITS_A_FEN
from openmains.emulator.meter.valve import Position
from openmains.emulator.operators.ctwing import EmulatedCtwing
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.data import VALVE
from openmains.wire.station.content import Kind
from tests.support.chirpstack import Queue, network_server, say, topic_of, uplink
from tests.support.commanded import DRIVER, FIRST_IMEI, RICH_FEN, CommandedMeter, CommandedTown
from tests.support.dtu_site import Site
from tests.support.operators import pump, served
from tests.support.passed_on import PassedOnMeter, prepay_terminal
from tests.support.radio_module import GatewayProcess, RadioModule, now_ms, radio_module
from tests.support.system import System, add_product, until

FIRST = 480_000_000_000
LWM2M, COAP, GATEWAY, LINE, LORA, OPERATOR = range(0, 12, 2)  # of two meters each, the first for the valve
ON_SESSIONS = 4  # meters with a key and a module of their own
GATEWAY_NUMBER, DTU_NUMBER = "9000000000000048", "2026000000000048"
EUIS = ("70b3d57ed0004801", "70b3d57ed0004802")
TOP_UP = {"amount": 5_000, "balance_kind": 0}


@dataclass(frozen=True)
class Acts:
    """How often a valve moved, whether it is closed, and what was credited (fen)."""

    moves: int
    is_closed: bool
    credit_fen: int | None


class Channel(Protocol):
    """``first``: place of its valve's meter in the town, the balance's is the next."""

    name: str
    first: int

    async def begin(self) -> None:
        """Its meters are known and have reported."""
        ...

    async def speak(self) -> None: ...
    def acts(self) -> Acts: ...


def of_terminals(valved: Terminal, rich: Terminal) -> Acts:
    credit = rich.store.held.account.balance - RICH_FEN * UNITS_A_FEN
    assert credit % UNITS_A_FEN == 0
    return Acts(valved.valve.moves, valved.valve.position == Position.CLOSED, credit // UNITS_A_FEN)


class SessionChannel:
    """Meters with a session of their own: LwM2M, or plain CoAP in DTLS – reports to ``/r``, frames as a PUT – without a registration."""

    def __init__(self, town: CommandedTown, first: int, *, registers: bool) -> None:
        self.name, self.first, self._town, self._registers = "LwM2M" if registers else "CoAP", first, town, registers
        self.meters = [town.meter(first, money=False), town.meter(first + 1)]

    async def begin(self) -> None:
        for meter in self.meters:
            await (meter.wake() if self._registers else wake_unregistered(meter))

    async def speak(self) -> None:
        await asyncio.gather(*(meter.speak() for meter in self.meters))

    def acts(self) -> Acts:
        return of_terminals(*(meter.terminal for meter in self.meters))


async def wake_unregistered(meter: CommandedMeter) -> None:
    """Handshake and first report; nothing is registered."""
    assert await meter.connect()
    await meter.carry_out(meter.terminal.switch_on(meter.now, attach_after_s=0))
    meter._ticking = asyncio.create_task(meter._tick())


class GatewayChannel:
    """Meters of GB/T 36330 behind ``openmains gateway``, whose radio is a module on a socket."""

    name, first = "GB/T 36330", GATEWAY

    def __init__(self, module: RadioModule, gateway: GatewayProcess) -> None:
        self.module, self.gateway = module, gateway

    @property
    def meters(self) -> list[RadioMeter]:
        return self.module.place.meters

    async def begin(self) -> None:
        await self.gateway.begin()
        self.module.begin()

    async def speak(self) -> None:
        for meter in self.meters:
            meter.press(now_ms())

    def acts(self) -> Acts:
        bodies = [meter.body for meter in self.meters]
        return of_terminals(*(body.terminal for body in bodies if isinstance(body, TerminalBody)))


class LineChannel:
    """A meter of CJ/T 188 behind a DTU. Its protocol has no top-up that can be read back, so none is offered: its credit is the server's."""

    name, first = "CJ/T 188", LINE

    def __init__(self, port: int, number: int) -> None:
        self.meter = EmulatedLineMeter(
            0x10, f"{number:014d}", total=777, wall_s=lambda at_ms: int(time.time()) + 8 * 3600
        )
        self.site = Site(port, StationTerminal(DTU_NUMBER, Kind.DTU), [self.meter])

    async def begin(self) -> None:
        self.site.start()

    async def speak(self) -> None:
        """It is asked, and needs not to speak."""

    def acts(self) -> Acts:
        return Acts(
            self.meter.acted.count(VALVE), self.meter.valve(int(time.monotonic() * 1000)).name == "CLOSED", None
        )


class LoraChannel:
    """Meters behind a LoRaWAN network server at the broker: it keeps what is to go down until they speak, and tells that it came."""

    name, first = "LoRaWAN", LORA

    def __init__(self, town: CommandedTown, port: int, queue: Queue) -> None:
        self._port, self._queue, self._counts = port, queue, [0, 0]
        self._handed: set[str] = set()

        def passing(place: int) -> PassedOnMeter:
            async def pass_on(payload: bytes) -> None:
                self._counts[place] += 1
                await say(port, topic_of(EUIS[place], "up"), uplink(EUIS[place], payload, self._counts[place]))

            index = LORA + place
            return PassedOnMeter(town.number(index), key_of(town, index), pass_on, money=bool(place))

        self.meters = [passing(place) for place in range(2)]

    async def begin(self) -> None:
        for meter in self.meters:
            await meter.begin()

    async def speak(self) -> None:
        for meter in self.meters:
            await meter.speak()
        for item in list(self._queue.items):  # what is in the queue by now goes down with the answer
            if item["id"] in self._handed:
                continue
            self._handed.add(item["id"])
            place = EUIS.index(item["devEui"])
            told = {"deviceInfo": {"devEui": item["devEui"]}, "queueItemId": item["id"], "acknowledged": True}
            await say(self._port, topic_of(item["devEui"], "ack"), json.dumps(told))
            await self.meters[place].hear(base64.b64decode(item["data"]))

    def acts(self) -> Acts:
        return of_terminals(*(meter.terminal for meter in self.meters))


class OperatorChannel:
    """Meters at CTWing: what they say is pushed, what lies in its cache reaches them then."""

    name, first = "operator", OPERATOR

    def __init__(self, town: CommandedTown, cloud: EmulatedCtwing, push_url: str) -> None:
        self._cloud, self._url = cloud, push_url
        self._imeis = [f"{town.imei(OPERATOR + place):015d}" for place in range(2)]
        self._came: list[tuple[str, bytes]] = []
        cloud.deliver = lambda imei, frame: self._came.append((imei, frame))

        def passing(place: int) -> PassedOnMeter:
            async def pass_on(payload: bytes) -> None:
                self._cloud.uplink(self._imeis[place], payload)

            return PassedOnMeter(
                town.number(OPERATOR + place), key_of(town, OPERATOR + place), pass_on, money=bool(place)
            )

        self.meters = [passing(place) for place in range(2)]

    async def begin(self) -> None:
        await until(lambda: all(self._cloud.of_imei(imei) for imei in self._imeis))
        for meter in self.meters:
            await meter.begin()
        await self._pump()

    async def speak(self) -> None:
        for meter in self.meters:
            await meter.speak()
        while self._came:
            imei, frame = self._came.pop(0)
            await self.meters[self._imeis.index(imei)].hear(frame)
        await self._pump()

    async def _pump(self) -> None:
        """All that the platform has to say; what cannot be said while nobody listens stays, and is said the next time."""
        async with httpx.AsyncClient(base_url=self._url.rpartition("/operator-pushes")[0]) as client:
            with suppress(httpx.TransportError):
                await pump(self._cloud, client, self._url)

    def acts(self) -> Acts:
        return of_terminals(*(meter.terminal for meter in self.meters))


def key_of(town: CommandedTown, index: int) -> bytes:
    return command_key(town.master, town.id_of(index))


def register(system: System) -> None:
    """Meters that have no session of their own; before persons sign what the registry says."""
    products = {code: add_product(system, code, driver) for code, driver in (
        ("radio", DRIVER), ("line", "cjt188/water-2004"), ("lora", DRIVER), ("nb", DRIVER),
    )}  # fmt: skip
    (area,) = (row["area_id"] for row in system.get("/areas")["items"] if row["code"] == "all")

    def one(index: int, product: str, **more: str) -> None:
        body: dict[str, Any] = {"number": str(FIRST + index), "product_id": products[product], "area_id": area}
        system.send("POST", "/meters", body | {"installed_on": "2015-01-01", **more})

    for place in range(2):
        one(GATEWAY + place, "radio")
        one(LORA + place, "lora", dev_eui=EUIS[place])
        one(OPERATOR + place, "nb", imei=f"{imei_of(FIRST_IMEI + OPERATOR + place):015d}")
    one(LINE, "line")


@asynccontextmanager
async def channels(town: CommandedTown, folder: Path, broker: int, tcp: int) -> AsyncIterator[list[Channel]]:
    """All six, begun."""
    system = town.system
    town.meter_ids |= system.meter_ids()
    behind = [str(town.number(GATEWAY + place)) for place in range(2)]
    system.send("POST", "/concentrators", {"number": GATEWAY_NUMBER, "meters": behind})
    system.send("POST", "/concentrators", {"number": DTU_NUMBER, "meters": [str(town.number(LINE))], "poll_s": 600})
    cloud = EmulatedCtwing(time.time)
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(served(cloud))
        base = str(system.api.base_url).rstrip("/")
        made = await asyncio.to_thread(system.send, "POST", "/operator-platforms", {
            "kind": "ctwing", "name": "city", "settings": cloud.settings(there.url, base), "secrets": cloud.secrets(),
            "products": [system.products["nb"]], "reason": "test",
        })  # fmt: skip
        queue = await stack.enter_async_context(network_server(folder, broker))
        terminals = [
            prepay_terminal(town.number(GATEWAY + place), key_of(town, GATEWAY + place), money=bool(place))
            for place in range(2)
        ]
        module = await stack.enter_async_context(radio_module(terminals, DRIVER))
        gateway = GatewayProcess(folder, GATEWAY_NUMBER, module.port, broker)
        stack.push_async_callback(gateway.kill)
        line = LineChannel(tcp, town.number(LINE))
        stack.callback(line.site.stop)
        found: list[Channel] = [
            SessionChannel(town, LWM2M, registers=True), SessionChannel(town, COAP, registers=False), GatewayChannel(module, gateway), line,
            LoraChannel(town, broker, queue), OperatorChannel(town, cloud, made["push_url"]),
        ]  # fmt: skip
        for channel in found:
            await channel.begin()
        yield found
