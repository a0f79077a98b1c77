# SPDX-License-Identifier: Apache-2.0
"""A LoRaWAN meter behind a network server at a real MQTT broker: its reading is seen over the API, and a valve command goes into the
device's queue and is confirmed by the next uplink – once, though the edge is killed in between and the broker gives messages again. What is no
event, or a stranger's, is a dead letter that stops nothing. At the same broker: a meter whose page comes by the guide followed to the letter,
one of a published format, one behind a gateway that says plain JSON."""

import os
import signal
import struct
import time
from pathlib import Path

import pytest

from openmains.app.command.signer.keys import command_key
from tests.support import guide
from tests.support.brokers import ACCOUNT, mosquitto
from tests.support.chaos import pids
from tests.support.chirpstack import network_server, say, topic_of, uplink
from tests.support.commanded import CommandedTown, commanded_town
from tests.support.passed_on import PassedOnMeter
from tests.support.system import System, Systems, add_product, until

FIRST = 460_000_000_000
DEV_EUI, STRANGER = "70b3d57ed0001234", "70b3d57ed0009999"
GUIDES, AXIOMAS = "70b3d57ed0002020", "70b3d57ed0003030"
JSON_NUMBER = "460000000902"
JSON_PAGE = (guide.GUIDE.parent / "protocols" / "json.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]


class LoraMeter(PassedOnMeter):
    """The emulator's meter behind a radio without answers: the network server acknowledges, the platform's time comes from the network."""

    def __init__(self, town: CommandedTown, port: int) -> None:
        super().__init__(town.number(1), command_key(town.master, town.id_of(1)), self._sent, money=False)
        self.port, self.count, self.said = port, 0, list[str]()

    async def _sent(self, payload: bytes) -> None:
        self.count += 1
        self.said.append(uplink(DEV_EUI, payload, self.count))
        await say(self.port, topic_of(DEV_EUI, "up"), self.said[-1])


def qalcosonic(litres: int) -> bytes:
    """An extended uplink of now: fifteen hours of ten litres each."""
    now = int(time.time())
    log_at = now - now % 3600 - 15 * 3600
    return struct.pack("<IBIII15H", now, 0x20, litres, log_at, litres - 150, *[10] * 15)


async def other_meters(system: System, port: int, folder: Path) -> None:
    """Pages that no release had to bring, a published one, and plain JSON; each meter's reading is seen."""
    token = system.api.headers["Authorization"].removeprefix("Bearer ")
    checked, added, known, product = await guide.follow(folder, str(system.api.base_url).rstrip("/"), token)
    assert (checked["name"], added["version"], known["grade"]) == ("huaxin/hx-20", 1, "draft")
    system.send("POST", "/driver-pages", {"text": JSON_PAGE, "reason": "the gateway of the example"})
    await until(lambda: "acme/gateway-1" in {row["name"] for row in system.get("/drivers")["items"]})
    drivers = {"axioma": "axioma/qalcosonic-w1", "gateway": "acme/gateway-1"}
    products = {code: add_product(system, code, driver) for code, driver in drivers.items()}
    (area,) = (row["area_id"] for row in system.get("/areas")["items"] if row["code"] == "all")

    def register(number: str, product_id: int, **more: str) -> str:
        body = {"number": number, "product_id": product_id, "area_id": area, "installed_on": "2015-01-01", **more}
        return f"/meters/{system.send('POST', '/meters', body)['meter_id']}"

    paths = {
        "guide": register("003420260188", product["product_id"], dev_eui=GUIDES),
        "axioma": register("460000000901", products["axioma"], dev_eui=AXIOMAS),
        "other": register("460000000903", products["gateway"]),
    }
    await until(lambda: system.counters().get("edge.mqtt.devices") == 4)
    del paths["other"]  # so that the edge knows the product; the next is one more change, as any day brings
    paths["json"] = register(JSON_NUMBER, products["gateway"])
    await until(lambda: system.counters().get("edge.mqtt.devices") == 5)
    await say(port, topic_of(GUIDES, "up"), uplink(GUIDES, guide.frame(), 1))
    await say(port, topic_of(AXIOMAS, "up"), uplink(AXIOMAS, qalcosonic(6_054), 1, 100))
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    text = f'{{"at": "{at}", "meter": "{JSON_NUMBER}", "n": 1, "values": {{"total_m3": 12.345}}, "valve": "open"}}'
    await say(port, f"plant/{JSON_NUMBER}/state", text)

    def shown() -> dict[str, str] | None:
        states = {name: system.get(path)["state"] or {} for name, path in paths.items()}
        told = {name: one["register_m3"] for name, one in states.items() if one.get("register_m3") is not None}
        return told if len(told) == len(paths) else None

    found = await until(shown)
    assert {name: float(value) for name, value in found.items()} == {"guide": 1234.56, "axioma": 6.054, "json": 12.345}


def outcomes(system: System, meter_id: int) -> list[str]:
    """Of the frames that came up, oldest first."""
    return [row["outcome"] for row in system.get(f"/meters/{meter_id}/frames", direction="up")["items"]][::-1]


@pytest.mark.usefixtures("foreign_programs")
async def test_a_lorawan_meter_is_read_and_commanded_through_a_broker(systems: Systems, tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as port, network_server(tmp_path, port) as queue:
        user, password = ACCOUNT
        url = f"mqtt://127.0.0.1:{port}"
        with systems(
            mqtt_broker=url, mqtt_user=user, mqtt_password=password, mqtt_json_topic="plant/+/state"
        ) as system:

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

                await other_meters(system, port, tmp_path)

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
