# SPDX-License-Identifier: Apache-2.0
"""A LoRaWAN network server at the test's mosquitto, in ChirpStack v4's JSON, by a client of others: ``mosquitto_pub`` and ``mosquitto_sub``."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.brokers import ACCOUNT, foreign, until_said

APPLICATION = "2b6f4a0e-6f7d-4d9e-9a53-0d9b8e1c7a10"


def topic_of(dev_eui: str, event: str) -> str:
    return f"application/{APPLICATION}/device/{dev_eui}/event/{event}"


def about(dev_eui: str, **more: Any) -> dict[str, Any]:
    """What stands in every event of a device."""
    device = {
        "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
        "applicationId": APPLICATION,
        "deviceName": "meter",
        "devEui": dev_eui,
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%S.123456789+00:00", time.gmtime())
    return {"deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": at, "deviceInfo": device, **more}


def uplink(dev_eui: str, payload: bytes, f_count: int, f_port: int = 1) -> str:
    told = {"devAddr": "00189440", "adr": True, "dr": 1, "fCnt": f_count, "fPort": f_port, "confirmed": False}
    radio = [{"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5}]
    return json.dumps(about(dev_eui, **told, data=base64.b64encode(payload).decode(), rxInfo=radio))


async def say(port: int, topic: str, text: str) -> None:
    """One message at QoS 1, taken by the broker."""
    user, password = ACCOUNT
    process = await asyncio.create_subprocess_exec(
        foreign("mosquitto_pub"), "-V", "5", "-p", str(port), "-u", user, "-P", password, "-q", "1", "-t", topic, "-s",
        stdin=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await process.communicate(text.encode())
    assert process.returncode == 0


class Queue:
    """What was asked to go down, in order, by the whole JSON."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def frames(self) -> list[bytes]:
        """Payloads; an item whose name is in the queue already is none, as the server has it."""
        named = {item["id"]: base64.b64decode(item["data"]) for item in reversed(self.items)}
        return [named[name] for name in dict.fromkeys(item["id"] for item in self.items)]


@asynccontextmanager
async def network_server(folder: Path, port: int) -> AsyncIterator[Queue]:
    """Takes commands of all devices from the broker whose log is in ``folder``."""
    user, password = ACCOUNT
    queue = Queue()
    words = ["-V", "5", "-p", str(port), "-u", user, "-P", password, "-q", "1", "-i", "network-server"]
    process = await asyncio.create_subprocess_exec(
        foreign("mosquitto_sub"), *words, "-t", "application/+/device/+/command/down", stdout=asyncio.subprocess.PIPE
    )

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            queue.items.append(json.loads(line))

    reading = asyncio.create_task(read())
    try:
        await until_said(folder / "mosquitto.log", "Sending SUBACK to network-server", 1)
        yield queue
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await asyncio.gather(reading, return_exceptions=True)
