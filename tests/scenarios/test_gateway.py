# SPDX-License-Identifier: Apache-2.0
"""``openmains gateway`` between emulated meters on a radio and a running platform, over a real broker: readings, joins and how it stands are
seen over the API; a valve is closed and a balance topped up through the one life cycle of commands, once each, though the gateway is
killed while each is under way. A small box is enough for it: what it takes is printed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from openmains.app.command.signer.keys import command_key
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.radio_meter import RadioMeter
from openmains.emulator.gateway.terminal_body import TerminalBody
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, NONE, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position
from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.commanded import DRIVER, RICH_FEN, CommandedTown, commanded_town, still
from tests.support.radio_module import GatewayProcess, RadioModule, now_ms, radio_module, soon
from tests.support.system import System, Systems, until

FIRST = 470_000_000_000
GATEWAY = "9000000000000001"
BOX_MB = 100  # what a small box is to have for it (issue 14)
VALVED, PREPAID, UNLISTED = FIRST + 1, FIRST + 2, FIRST + 9


def terminal(number: int, key: bytes, *, money: bool = False) -> Terminal:
    balance, price = RICH_FEN * UNITS_A_FEN if money else 0, PriceSet(1, 0, 1, 12, False, (0,), (25_000,))
    held = Held(account=Account(MONEY if money else NONE, balance, price=price))
    return Terminal(number, Profile(), still, DriverFrames(DRIVER, number), key=key, store=Store(held))


@asynccontextmanager
async def pressed(meter: RadioMeter) -> AsyncIterator[None]:
    """Somebody presses its button again and again: it reports, and hears what waits for it."""

    async def press() -> None:
        while True:
            meter.press(now_ms())
            await asyncio.sleep(2)

    pressing = asyncio.create_task(press())
    try:
        yield
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)


async def carried_out(town: CommandedTown, gateway: GatewayProcess, meter: RadioMeter, command_id: int) -> None:
    """The gateway is killed as soon as the meter has heard the command, and begins anew; it is confirmed all the same."""
    await town.reaches(command_id, "sent", "delivered")
    before = meter.counters["commands"]
    async with pressed(meter):
        await soon(lambda: meter.counters["commands"] > before)
        await gateway.kill()
    await gateway.begin()
    async with pressed(meter):
        done = await town.reaches(command_id, "confirmed", "failed")
    assert (done["state"], done["reason"]) == ("confirmed", "done"), done


@pytest.mark.usefixtures("foreign_programs")
async def test_meters_are_read_and_commanded_through_a_gateway(systems: Systems, tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port:
        user, password = ACCOUNT
        url = f"mqtt://127.0.0.1:{port}"
        with systems(
            mqtt_broker=url, mqtt_user=user, mqtt_password=password, mqtt_lorawan_topic="", mqtt_gateways=True
        ) as system:

            async def prepare(tenant_id: int) -> None:
                (area,) = (row["area_id"] for row in system.get("/areas")["items"] if row["code"] == "all")
                for number in (VALVED, PREPAID):
                    body = {"number": str(number), "product_id": system.products["prepay"], "area_id": area}
                    system.send("POST", "/meters", body | {"installed_on": "2015-01-01"})

            async with commanded_town(system, 1, first_number=FIRST, also=prepare) as town:
                town.meter_ids |= system.meter_ids()
                behind = {"number": GATEWAY, "name": "A gateway", "meters": [str(VALVED), str(PREPAID)]}
                book = f"/concentrators/{system.send('POST', '/concentrators', behind)['concentrator_id']}"
                keys = [command_key(town.master, town.id_of(place)) for place in (1, 2)]
                terminals = [
                    terminal(VALVED, keys[0]),
                    terminal(PREPAID, keys[1], money=True),
                    terminal(UNLISTED, bytes(16)),
                ]
                async with radio_module(terminals, DRIVER) as module:
                    gateway = GatewayProcess(tmp_path, GATEWAY, module.port, port)
                    await gateway.begin()
                    try:
                        await check(system, town, module, gateway, book)
                    finally:
                        await gateway.kill()


def register(system: System, path: str) -> str | None:
    found: str | None = (system.get(path)["state"] or {}).get("register_m3")
    return found


def network(system: System) -> dict[str, str]:
    """How each node stands."""
    told = system.get("/network/topology")
    return {number: told["states"][state] for number, state in zip(told["number"], told["state"], strict=True)}


async def set_from_afar(system: System, gateway: GatewayProcess, concentrator_id: int) -> None:
    """The gateway is killed while its parameters are set, and goes by them all the same; it begins anew by itself for the next."""
    path = f"/network/nodes/{concentrator_id}"

    def now() -> dict[str, object]:
        return {each["name"]: each["value"] for each in system.get(f"{path}/parameters")["parameters"]}

    def given(key: str, parameters: dict[str, object]) -> str:
        body = {"kind": "set_parameters", "unique_key": key, "parameters": parameters, "note": "a scenario"}
        return f"/network/commands/{system.send('POST', f'{path}/commands', body)['command_id']}"

    async def confirmed(command: str) -> dict[str, object]:
        told = await until(lambda: (one := system.get(command))["ended_at"] and one)
        assert (told["state"], told["reason"]) == ("confirmed", "done"), told
        return dict(told["answer"])

    await until(lambda: now()["tries"] == 3)
    command = given("scenario-parameters-1", {"tries": 4, "log_level": "debug"})
    await until(lambda: system.get(command)["state"] in ("sent", "delivered", "confirmed"))
    await gateway.kill()
    await gateway.begin()
    assert (await confirmed(command))["tries"] == 4
    assert (await confirmed(given("scenario-parameters-2", {"report_s": 10})))["report_s"] == 10
    await until(lambda: (now()["tries"], now()["log_level"], now()["report_s"]) == (4, "debug", 10))


async def check(system: System, town: CommandedTown, module: RadioModule, gateway: GatewayProcess, book: str) -> None:
    # known by the platform, it has the time, and gives it to its meters
    shown = await until(lambda: (one := system.get(book))["is_connected"] and one)
    assert (shown["kind"], shown["meters"]) == ("gateway", 2)
    module.begin()
    for path in (f"/meters/{town.id_of(1)}", f"/meters/{town.id_of(2)}"):
        assert float(await until(partial(register, system, path))) == 1000
    valved, prepaid = module.place.meters[:2]
    for meter in (valved, prepaid):
        clock_ms = meter.clock_ms(now_ms())
        assert clock_ms is not None and abs(clock_ms - now_ms()) < 2_000
    refused = f"{GATEWAY}/{UNLISTED:016d}"  # it joined, and nobody said that it may
    await until(lambda: refused in {row["name"] for row in system.get(book)["refusals"]})
    wanted = {GATEWAY: "well", str(VALVED): "well", str(PREPAID): "well", f"{UNLISTED:016d}": "well"}
    await until(lambda: network(system) == wanted)
    joined = {row["meter"] for row in system.get("/network/events")["items"] if row["event"] == "joined"}
    assert joined == {f"{number:016d}" for number in (VALVED, PREPAID, UNLISTED)}

    await set_from_afar(system, gateway, int(book.rpartition("/")[2]))

    await carried_out(town, gateway, valved, town.give(1, "valve_close", "gateway-close", signed=True))
    top_up = town.give(2, "top_up", "gateway-top-up", signed=True, params={"amount": 5_000, "balance_kind": 0})
    await carried_out(town, gateway, prepaid, top_up)

    assert isinstance(valved.body, TerminalBody) and isinstance(prepaid.body, TerminalBody)
    assert valved.body.terminal.valve.position == Position.CLOSED
    assert system.get(f"/meters/{town.id_of(1)}")["state"]["valve"] == 1
    assert prepaid.body.terminal.store.held.account.balance == (RICH_FEN + 5_000) * UNITS_A_FEN
    print(f"openmains gateway: ready after {gateway.started_s:.1f} s, {gateway.memory_mb():.0f} MB")
    assert gateway.memory_mb() < BOX_MB
