# SPDX-License-Identifier: Apache-2.0
"""A meter behind CTWing, as an emulated platform on a socket: our registry makes it known there, its pushed reading is seen over the API, and
a valve command lies in the platform's cache until the module speaks – once, though the receiving processes are killed between the answer to a
push and the work on it."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest

from openmains.app.command.signer.keys import command_key
from openmains.emulator.operators.ctwing import EmulatedCtwing
from tests.support.chaos import pids
from tests.support.commanded import CommandedTown, commanded_town
from tests.support.operators import pump, served
from tests.support.passed_on import PassedOnMeter
from tests.support.system import System, Systems, until

FIRST = 470_000_000_000


class OperatorMeter(PassedOnMeter):
    """The emulator's meter behind a platform: what it says is pushed, what lay in the cache reaches it then."""

    def __init__(self, town: CommandedTown, cloud: Any, url: str) -> None:
        super().__init__(town.number(0), command_key(town.master, town.id_of(0)), self._sent, money=False)
        self.cloud, self.url, self.imei, self.said = cloud, url, f"{town.imei(0):015d}", 0
        self.answers: list[int] = []
        cloud.deliver = lambda imei, frame: self.frames.append(frame)

    async def pump(self) -> None:
        """All that the platform has to say; one that is refused is said again, as it does."""
        async with httpx.AsyncClient(base_url=self.url.rpartition("/operator-pushes")[0]) as client:
            self.answers += await pump(self.cloud, client, self.url)

    async def _sent(self, payload: bytes) -> None:
        self.said += 1
        self.cloud.uplink(self.imei, payload)


def kill(system: System, *names: str) -> None:
    for name in names:
        for pid in pids(system, name):
            os.kill(pid, signal.SIGKILL)


def is_back(system: System) -> bool:
    """The API answers again."""
    with suppress(httpx.TransportError):
        return system.api.get("/ready").is_success
    return False


def outcomes(system: System, meter_id: int) -> list[str]:
    rows = system.get(f"/meters/{meter_id}/frames", direction="up")["items"]
    return [row["outcome"] for row in rows if row["channel"] == "operator"]


@pytest.mark.usefixtures("starts_engines")
async def test_a_meter_behind_an_operators_platform_is_read_and_commanded(systems: Systems) -> None:
    cloud = EmulatedCtwing(time.time)
    async with served(cloud) as there:
        with systems(notify_networks="127.0.0.0/8") as system:
            async with commanded_town(system, 1, first_number=FIRST) as town:
                path = f"/meters/{town.id_of(0)}"
                base = str(system.api.base_url).rstrip("/")
                made = system.send(
                    "POST",
                    "/operator-platforms",
                    {
                        "kind": "ctwing", "name": "city", "settings": cloud.settings(there.url, base), "secrets": cloud.secrets(),
                        "products": [system.products["prepay"]], "reason": "test",
                    },
                )  # fmt: skip
                key = made["platform_id"]
                told = await asyncio.to_thread(system.send, "POST", f"/operator-platforms/{key}/trial", {})
                assert told == {"is_good": True, "response": ""}
                meter = OperatorMeter(town, cloud, made["push_url"])
                await until(lambda: cloud.of_imei(meter.imei))  # made known there by our registry
                await meter.carry_out(meter.terminal.switch_on(int(time.time()), attach_after_s=0))
                await meter.run_on(5)
                await meter.pump()
                shown = await until(lambda: (system.get(path)["state"] or {}).get("register_m3"))
                assert float(shown) == 1000
                known = system.get(f"/operator-platforms/{key}/devices")["items"]
                assert [(one["imei"], one["is_online"]) for one in known] == [(meter.imei, True)]

                closing = town.give(0, "valve_close", "operator-close", signed=True)
                await town.reaches(closing, "queued")
                await meter.speak()
                await meter.pump()
                await town.reaches(closing, "sent")
                await until(lambda: cloud.held)
                (held,) = cloud.held.values()
                assert not meter.frames

                # nobody works; what is pushed is answered when it is on disk, and then the receiver itself dies
                kill(system, "edge")
                cloud.mischief.doubled = 9
                await meter.speak()
                (frame,) = meter.frames
                assert frame == held.frame
                await meter.carry_out(meter.terminal.on_command(frame, int(time.time())))
                await meter.run_on(60)
                before = len(meter.answers)
                await meter.pump()
                assert set(meter.answers[before:]) == {200}
                kill(system, "core", "edge")
                await until(lambda: is_back(system))

                done = await town.reaches(closing, "confirmed", "failed")
                assert (done["state"], done["reason"]) == ("confirmed", "done"), done
                assert len(cloud.held) == 1
                await until(lambda: system.get("/operator-platforms")[0]["waiting"] == 0)
                await until(lambda: outcomes(system, town.id_of(0)).count("ok") == meter.said)
                # our end says again what it may have said
                assert set(outcomes(system, town.id_of(0))) <= {"ok", "repeat"}
                assert system.get(path)["state"]["valve"] == 1
