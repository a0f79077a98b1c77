# SPDX-License-Identifier: Apache-2.0
"""A LoRaWAN meter behind a network server at a real MQTT broker: its reading is seen over the API, and a valve command goes into the
device's queue and is confirmed by the next uplink – once, though the edge is killed in between and the broker gives messages again. What is no
event, or a stranger's, is a dead letter that stops nothing."""

import os
import signal
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest

from openmains.app.command.signer.keys import command_key
from openmains.drivers import catalog
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import NONE, Account, PriceSet
from openmains.emulator.meter.profile import Action, Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.chaos import pids
from tests.support.chirpstack import network_server, say, topic_of, uplink
from tests.support.commanded import DRIVER, CommandedTown, commanded_town, still
from tests.support.system import System, Systems, until

FIRST = 460_000_000_000
DEV_EUI, STRANGER = "70b3d57ed0001234", "70b3d57ed0009999"
UTC_OFFSET_MIN = 480


class LoraMeter:
    """The emulator's meter behind a radio without answers: the network server acknowledges, the platform's time comes from the network."""

    def __init__(self, town: CommandedTown, port: int) -> None:
        account = Account(NONE, 0, price=PriceSet(1, 0, 1, 12, False, (0,), (25_000,)))
        self.terminal = Terminal(
            town.number(1), Profile(), still, DriverFrames(DRIVER, town.number(1)), key=command_key(town.master, town.id_of(1)),
            store=Store(Held(account=account)),
        )  # fmt: skip
        self.port, self.count, self.said = port, 0, list[str]()

    async def carry_out(self, actions: Sequence[Action]) -> None:
        todo, now = deque(actions), int(time.time())
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, now)
            elif isinstance(action, Send):
                self.count += 1
                self.said.append(uplink(DEV_EUI, action.payload, self.count))
                await say(self.port, topic_of(DEV_EUI, "up"), self.said[-1])
                answer = catalog.load().driver(DRIVER).answer(action.payload, now, UTC_OFFSET_MIN)
                todo += self.terminal.on_answer(action.message, answer, now)

    async def speak(self) -> None:
        """A short report."""
        frame = self.terminal._frames.heartbeat(self.terminal.meter.snapshot(int(time.time())))
        await self.carry_out([Send(-1, "heartbeat", frame, 1)])

    async def run_on(self, seconds: int) -> None:
        """What is due at the meter in the next seconds, now."""
        until_s = int(time.time()) + seconds
        while (due := self.terminal.next_timer()) is not None and due <= until_s:
            await self.carry_out(self.terminal.handle(max(due, int(time.time()))))


def outcomes(system: System, meter_id: int) -> list[str]:
    """Of the frames that came up, oldest first."""
    return [row["outcome"] for row in system.get(f"/meters/{meter_id}/frames", direction="up")["items"]][::-1]


@pytest.mark.usefixtures("foreign_programs")
async def test_a_lorawan_meter_is_read_and_commanded_through_a_broker(systems: Systems, tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port, network_server(tmp_path, port) as queue:
        user, password = ACCOUNT
        url = f"mqtt://127.0.0.1:{port}"
        with systems(mqtt_broker=url, mqtt_user=user, mqtt_password=password) as system:

            async def prepare(tenant_id: int) -> None:
                (area,) = (row["area_id"] for row in system.get("/areas")["items"] if row["code"] == "all")
                body = {"number": str(FIRST + 1), "product_id": system.products["prepay"], "area_id": area}
                system.send("POST", "/meters", body | {"installed_on": "2015-01-01", "dev_eui": DEV_EUI.upper()})

            async with commanded_town(system, 1, first_number=FIRST, also=prepare) as town:
                town.meter_ids |= system.meter_ids()
                path = f"/meters/{town.id_of(1)}"
                assert system.get(path)["dev_eui"] == DEV_EUI
                await until(lambda: system.counters().get("edge.mqtt.devices") == 1)
                assert system.counters()["edge.mqtt.connected"] == 1

                # garbage and a stranger stop nothing
                await say(port, topic_of(DEV_EUI, "up"), "{ no json")
                for count in range(3):
                    await say(port, topic_of(STRANGER, "up"), uplink(STRANGER, b"\1", count))
                meter = LoraMeter(town, port)
                await meter.carry_out(meter.terminal.switch_on(int(time.time()), attach_after_s=0))
                await meter.run_on(5)
                shown = await until(lambda: (system.get(path)["state"] or {}).get("register_m3"))
                assert float(shown) == 1000
                letters = await until(lambda: len(found := system.get("/dead-letters")["items"]) >= 2 and found)
                assert sorted(row["reason"] for row in letters) == ["bad_event", "unknown_device"]
                await until(lambda: STRANGER in {row["name"] for row in system.get("/refusals")["items"]})

                # the same once more, as a network server that lost its own memory would say it
                before = await until(lambda: (said := outcomes(system, town.id_of(1))) and said)
                await say(port, topic_of(DEV_EUI, "up"), meter.said[-1])
                await until(lambda: system.counters().get("edge.mqtt.repeated", 0) == 1)

                closing = town.give(1, "valve_close", "lora-close", signed=True)
                await town.reaches(closing, "queued")
                await meter.speak()
                await town.reaches(closing, "sent")
                (frame,) = await until(queue.frames)
                item = queue.items[0]
                assert (item["devEui"], item["confirmed"], item["fPort"]) == (DEV_EUI, True, 10)

                # killed before the meter's word: the broker keeps it, and it is applied once
                for pid in pids(system, "edge"):
                    os.kill(pid, signal.SIGKILL)
                await say(
                    port,
                    topic_of(DEV_EUI, "ack"),
                    f'{{"deviceInfo":{{"devEui":"{DEV_EUI}"}},"queueItemId":"{item["id"]}","acknowledged":true}}',
                )
                await meter.carry_out(meter.terminal.on_command(frame, int(time.time())))
                await meter.run_on(60)
                await say(port, topic_of(DEV_EUI, "up"), meter.said[-1])
                done = await town.reaches(closing, "confirmed", "failed")
                assert (done["state"], done["reason"]) == ("confirmed", "done"), done
                assert len(queue.frames()) == 1
                said = await until(lambda: len(now := outcomes(system, town.id_of(1))) >= len(before) + 2 and now)
                assert said.count("ok") == len(meter.said), said
                assert system.get(path)["state"]["valve"] == 1
                await until(lambda: system.get("/system")["engines"].get("mqtt") == "connected")
