# SPDX-License-Identifier: Apache-2.0
"""``openmains gateway`` between emulated meters on a radio and a running platform, over a real broker: readings, joins and how it stands are
seen over the API; a valve is closed and a balance topped up through the one life cycle of commands, once each, though the gateway is
killed while each is under way. A small box is enough for it: what it takes is printed."""

import asyncio
from pathlib import Path

import pytest

from openmains.app.command.signer.keys import command_key
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.terminal_body import TerminalBody
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position
from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.commanded import DRIVER, RICH_FEN, CommandedTown, commanded_town, still
from tests.support.radio_module import GatewayProcess, RadioModule, now_ms, radio_module, soon
from tests.support.system import Systems, until

FIRST = 470_000_000_000
GATEWAY = "9000000000000001"
BOX_MB = 100  # what a small box is to have for it (issue 14)
UNLISTED = FIRST + 9


def terminal(town: CommandedTown, number: int, key: bytes) -> Terminal:
    account = Account(MONEY, RICH_FEN * UNITS_A_FEN, price=PriceSet(1, 0, 1, 12, False, (0,), (25_000,)))
    return Terminal(number, Profile(), still, DriverFrames(DRIVER, number), key=key, store=Store(Held(account=account)))


async def under_way(module: RadioModule, gateway: GatewayProcess, count: int) -> None:
    """The meter's button is pressed until it has heard so many commands; then the gateway is killed at once, and begins anew."""
    meter = module.place.meters[0]
    pressing = asyncio.create_task(press(module))
    try:
        await soon(lambda: meter.counters["commands"] >= count)
        await gateway.kill()
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
    await gateway.begin()


async def press(module: RadioModule) -> None:
    while True:
        module.place.meters[0].press(now_ms())
        await asyncio.sleep(2)


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
                body = {"number": str(FIRST + 1), "product_id": system.products["prepay"], "area_id": area}
                system.send("POST", "/meters", body | {"installed_on": "2015-01-01"})

            async with commanded_town(system, 1, first_number=FIRST, also=prepare) as town:
                town.meter_ids |= system.meter_ids()
                path = f"/meters/{town.id_of(1)}"
                added = system.send(
                    "POST", "/concentrators", {"number": GATEWAY, "name": "A gateway", "meters": [str(FIRST + 1)]}
                )
                book = f"/concentrators/{added['concentrator_id']}"
                terminals = [
                    terminal(town, FIRST + 1, command_key(town.master, town.id_of(1))), terminal(town, UNLISTED, bytes(16))
                ]  # fmt: skip
                async with radio_module(terminals, DRIVER) as module:
                    gateway = GatewayProcess(tmp_path, GATEWAY, module.port, port)
                    await gateway.begin()
                    try:
                        # known by the platform, it has the time, and gives it to its meters
                        shown = await until(lambda: (one := system.get(book))["is_connected"] and one)
                        assert (shown["kind"], shown["meters"]) == ("gateway", 1)
                        module.begin()
                        reading = await until(lambda: (system.get(path)["state"] or {}).get("register_m3"))
                        assert float(reading) == 1000
                        meter = module.place.meters[0]
                        clock_ms = meter.clock_ms(now_ms())
                        assert clock_ms is not None and abs(clock_ms - now_ms()) < 2_000
                        refused = f"{GATEWAY}/{UNLISTED:016d}"  # it joined, and nobody said that it may
                        await until(lambda: refused in {row["name"] for row in system.get(book)["refusals"]})

                        closing = town.give(1, "valve_close", "gateway-close", signed=True)
                        await town.reaches(closing, "sent", "delivered")
                        await under_way(module, gateway, 1)
                        pressing = asyncio.create_task(press(module))
                        done = await town.reaches(closing, "confirmed", "failed")
                        assert (done["state"], done["reason"]) == ("confirmed", "done"), done

                        topping = town.give(
                            1, "top_up", "gateway-top-up", signed=True, params={"amount": 5_000, "balance_kind": 0}
                        )
                        pressing.cancel()
                        await town.reaches(topping, "sent", "delivered")
                        await under_way(module, gateway, meter.counters["commands"] + 1)
                        pressing = asyncio.create_task(press(module))
                        done = await town.reaches(topping, "confirmed", "failed")
                        pressing.cancel()
                        assert (done["state"], done["reason"]) == ("confirmed", "done"), done

                        assert isinstance(meter.body, TerminalBody)
                        held = meter.body.terminal.store.held
                        assert held.account.balance == (RICH_FEN + 5_000) * UNITS_A_FEN
                        assert meter.body.terminal.valve.position == Position.CLOSED
                        assert system.get(path)["state"]["valve"] == 1
                        print(f"openmains gateway: ready after {gateway.started_s:.1f} s, {gateway.memory_mb():.0f} MB")
                        assert gateway.memory_mb() < BOX_MB
                    finally:
                        await gateway.kill()
