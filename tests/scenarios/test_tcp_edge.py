# SPDX-License-Identifier: Apache-2.0
"""A concentrator and a DTU on the TCP port of a running system: what their meters say is stored and seen."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from openmains.domain.fleet.identifiers import imei_of
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.station.content import Kind, Verdict
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.station import readings
from tests.support.system import System, Systems, add_product, found_utility, import_meters, until

CONCENTRATOR, DTU, UNKNOWN = (f"{2_026_000_000_000_000 + n}" for n in range(3))
FIRST = 340_000_000_000
FIRST_IMEI = 86_340_000_000_000
GAS, LINE, OTHER, WATER = (FIRST + n for n in range(4))


def add(system: System, *words: object) -> subprocess.CompletedProcess[str]:
    """``openmains concentrator add``."""
    environment = os.environ | {"LANG": "C.UTF-8", "OPENMAINS_VAR": str(system.var), "OPENMAINS_LANGUAGE": "en"}
    command = [sys.executable, "-m", "openmains.run.cli", "concentrator", "add", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def talk(port: int, terminal: StationTerminal, enough: Callable[[], bool]) -> None:
    """Until it is enough and said, or the main station closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    terminal.connected()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if out := terminal.to_send():
                    writer.write(out)
                if enough() or not (data := await reader.read(4096)):
                    break
                terminal.receive(data)
    finally:
        writer.close()


async def test_a_concentrators_readings_become_readings_of_its_meters(systems: Systems) -> None:
    port = free_port(socket.SOCK_STREAM)
    with systems(tcp_port=port) as system:
        await found_utility(system)
        add_product(system, "water", "openmains/water-1")
        add_product(system, "gas", "station/gas-1")
        add_product(system, "line", "cjt188/water-2004")
        products = {GAS: "gas", LINE: "line", OTHER: "gas", WATER: "water"}
        await import_meters(
            system,
            [(number, f"{imei_of(FIRST_IMEI + number - FIRST)}", product) for number, product in products.items()],
        )
        for words, why in (
            ((CONCENTRATOR[:-1], GAS), "16 digits"),
            ((CONCENTRATOR, GAS, FIRST + 99), str(FIRST + 99)),
            ((CONCENTRATOR, GAS, f"0{GAS}"), "the same in a frame"),
        ):
            refused = add(system, *words)
            assert refused.returncode and why in refused.stderr + refused.stdout, refused
        assert add(system, CONCENTRATOR, GAS).returncode == 0
        taken = add(system, DTU, GAS, LINE)
        assert taken.returncode and "behind another concentrator" in taken.stderr + taken.stdout, taken
        assert add(system, DTU, LINE, "--poll-s", 60).returncode == 0

        async def registered(terminal: StationTerminal) -> bool:
            await talk(port, terminal, lambda: terminal.is_registered)
            return terminal.is_registered

        at = int(time.time())
        concentrator = StationTerminal(CONCENTRATOR)
        while not await registered(concentrator):
            await asyncio.sleep(0.5)
        concentrator.verdicts.clear()
        for message in (readings(GAS, 5_000, at), readings(OTHER, 1, at), readings(GAS, 5_000, at, closure=True)):
            concentrator.hold(message)
        await talk(port, concentrator, lambda: concentrator.verdicts.total() == 4)
        assert concentrator.verdicts == {Verdict.STORED: 3, Verdict.UNKNOWN_METER: 1} and not concentrator.holds
        line = EmulatedLineMeter(0x10, f"{LINE:014d}", total=777)
        asked: list[bytes] = []
        dtu = StationTerminal(DTU, Kind.DTU, line=lambda raw: asked.append(raw) or line.receive(raw, 0))  # type: ignore[func-returns-value]
        # It stays: a busy main station may hear the answer too late, and asks again after a minute.
        listening = asyncio.create_task(talk(port, dtu, lambda: False))
        await talk(port, StationTerminal(UNKNOWN), lambda: False)

        ids = system.meter_ids()
        for number, register in ((GAS, 5_000), (LINE, 7_770)):
            frames = await until(
                lambda n=number: system.get(f"/meters/{ids[str(n)]}/frames", direction="up")["items"] or None
            )
            assert {frame["channel"] for frame in frames} == {"tcp"}, frames
            state = await until(lambda n=number: system.get(f"/meters/{ids[str(n)]}")["state"])
            shown = await until(lambda n=number: system.get(f"/meters/{ids[str(n)]}")["state"]["register"])
            assert shown == register, (state, frames)
        assert asked
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        assert not system.get(f"/meters/{ids[str(OTHER)]}/frames", direction="up")["items"]
        alarms = await until(lambda: system.get("/alarms", meter_id=ids[str(GAS)])["items"] or None)
        assert "under_voltage" in {alarm["event"] for alarm in alarms}, alarms
