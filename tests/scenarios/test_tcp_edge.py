# SPDX-License-Identifier: Apache-2.0
"""A concentrator and a DTU on the TCP port of a running system: what their meters say is stored and seen, and commands go down the line
through the one life cycle – waiting while the DTU is away, once though the edge is killed in between, confirmed by reading back."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.data import PRICE, TIME, VALVE
from openmains.wire.station.content import Kind, Verdict
from tests.support.chaos import pids
from tests.support.commanded import commanded_town
from tests.support.dtu_site import Site
from tests.support.ports import free_port
from tests.support.station import readings
from tests.support.system import System, Systems, add_product, until

CONCENTRATOR, DTU, UNKNOWN = (f"{2_026_000_000_000_000 + n}" for n in range(3))
FIRST = 340_000_000_000
LINE, OTHER_LINE, GAS, STRANGE = (FIRST + 1 + n for n in range(4))
PRICES = {"tier_from": [0, 300, 600], "prices": [19_800, 25_200, 31_000], "first_day": 1}


@contextmanager
def at_work(*sites: Site) -> Iterator[None]:
    for site in sites:
        site.start()
    try:
        yield
    finally:
        for site in sites:
            site.stop()


def add_line_meters(system: System) -> None:
    """Products, and meters without a module of their own."""
    add_product(system, "line", "cjt188/water-2004")
    add_product(system, "gas", "station/gas-1")
    (area,) = (row["area_id"] for row in system.get("/areas")["items"] if row["code"] == "all")
    for number, product in ((LINE, "line"), (OTHER_LINE, "line"), (GAS, "gas"), (STRANGE, "gas")):
        body = {
            "number": str(number),
            "product_id": system.products[product],
            "area_id": area,
            "installed_on": "2015-01-01",
        }
        system.send("POST", "/meters", body)


def connected_since(system: System, number: str) -> float:
    """When it registered, s; 0: it is away."""
    (found,) = system.get("/concentrators", q=number)["items"]
    return datetime.fromisoformat(found["connected_at"]).timestamp() if found["is_connected"] else 0.0


async def test_a_concentrators_readings_and_commands_down_a_line(systems: Systems) -> None:
    port = free_port(socket.SOCK_STREAM)
    with systems(tcp_port=port, tcp_unproven_commands="true") as system:

        async def prepare(tenant_id: int) -> None:
            add_line_meters(system)

        async with commanded_town(system, 1, first_number=FIRST, also=prepare) as town:
            town.meter_ids |= system.meter_ids()
            for number, behind, poll_s in ((CONCENTRATOR, [GAS], 3600), (DTU, [LINE, OTHER_LINE], 600)):
                body = {"number": number, "meters": [str(one) for one in behind], "poll_s": poll_s}
                system.send("POST", "/concentrators", body)

            # while the DTU is away, commands wait and can be called off
            waiting = town.give(1, "valve_close", "line-close", signed=True)
            await town.reaches(waiting, "queued")
            unwanted = town.give(2, "read_now", "line-unwanted")
            await town.reaches(unwanted, "queued")
            system.send("POST", f"/commands/{unwanted}/cancel", {"reason": "not needed"})
            assert [town.state(one) for one in (waiting, unwanted)] == ["queued", "cancelled"]

            wall = time.time
            meters = [
                EmulatedLineMeter(0x10, f"{n:014d}", total=777, wall_s=lambda now_ms: int(wall()) + 8 * 3600)
                for n in (LINE, OTHER_LINE)
            ]
            dtu = Site(port, StationTerminal(DTU, Kind.DTU), meters)
            concentrator = Site(port, StationTerminal(CONCENTRATOR), [])
            for message in (readings(GAS, 5_000, int(wall())), readings(STRANGE, 1, int(wall()))):
                concentrator.terminal.hold(message)
            with at_work(dtu, concentrator, Site(port, StationTerminal(UNKNOWN), [])):
                done = await town.reaches(waiting, "confirmed", "failed")
                assert (done["state"], done["reason"]) == ("confirmed", "done"), done
                assert meters[0].acted == [VALVE] and meters[1].acted == []
                for kind, params, signed in (
                    ("set_clock", {"platform_at": 1, "utc_offset_min": 480}, False),
                    ("read_now", {}, False),
                    ("set_price", PRICES, True),
                ):
                    given = town.give(1, kind, f"line-{kind}", signed=signed, params=params)
                    done = await town.reaches(given, "confirmed", "failed")
                    assert (done["state"], done["reason"]) == ("confirmed", "done"), done
                assert meters[0].acted == [VALVE, TIME, PRICE]

                # killed between the write and its confirmation: it acts once
                dtu.mute = True
                opening = town.give(1, "valve_open", "line-open", signed=True)
                await town.reaches(opening, "sent")
                dtu.mute = False  # it is looked at, and then written
                await until(lambda: meters[0].acted[3:] == [VALVE])
                for pid in pids(system, "edge"):
                    os.kill(pid, signal.SIGKILL)
                killed = time.time()
                await until(lambda: connected_since(system, DTU) > killed)
                await town.sql("UPDATE command_waiting SET due_at = 0 WHERE command_id = $1", opening)
                done = await town.reaches(opening, "confirmed", "failed")
                assert done["state"] == "confirmed" and done["reason"] in ("done", "already_done"), done
                assert meters[0].acted == [VALVE, TIME, PRICE, VALVE]

                for number, register in ((GAS, "5.000"), (LINE, "7.770"), (OTHER_LINE, "7.770")):
                    path = f"/meters/{town.meter_ids[str(number)]}"
                    shown = await until(lambda path=path: (system.get(path)["state"] or {}).get("register"))
                    assert float(shown) in (float(register), 1000 * float(register)), (number, shown)
                shown = {row["number"]: row for row in system.get("/concentrators")["items"]}
                assert shown[DTU]["is_connected"] and shown[DTU]["kind"] == "dtu" and shown[DTU]["meters"] == 2
                key = shown[CONCENTRATOR]["concentrator_id"]
                said = await until(lambda: (found := system.get(f"/concentrators/{key}"))["refusals"] and found)
                assert said["refusals"][0]["name"] == f"{CONCENTRATOR}/{STRANGE:016d}"
                await until(lambda: UNKNOWN in {row["name"] for row in system.get("/refusals")["items"]})
            assert concentrator.terminal.verdicts[Verdict.STORED] >= 2
            assert not system.get(f"/meters/{town.meter_ids[str(STRANGE)]}/frames", direction="up")["items"]
            await until(lambda: not system.get("/concentrators", is_connected=True)["items"])
