# SPDX-License-Identifier: Apache-2.0
"""The demo town's old house: eight water meters on a CJ/T 188 line behind a DTU, which the platform reads and commands (R3.2).

Where each stands is kept in ``var/demo/line.json``: a valve that was closed stays closed over a restart, and its register stands still
as long as it is. What the line said before the demo began is a history like the other meters'; nobody read it while the demo was stopped.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, HOUR_S, Zone
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.concentrators import put_concentrator
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.station.live import LiveStation
from openmains.emulator.station.terminal import StationTerminal
from openmains.run.demo.certificates import is_ours, terminal_tls
from openmains.run.logs import say
from openmains.run.secret_files import write_private
from openmains.run.settings import Settings
from openmains.wire.cjt188.data import METERING, DataUnit, encode_unit
from openmains.wire.cjt188.dialect import Valve
from openmains.wire.cjt188.frame import READ, Frame, encode_frame
from openmains.wire.station.content import Kind

NUMBER, NAME = "2026000000000188", "老城片区 2 号楼 DTU Old Town house 2"
PRODUCT = ("CJ188-15", "CJ/T 188 水表 LXSY-15", "water", "cjt188/water-2004", 3125)
METERS = 8
FIRST = 11 * 10**10 + 88_000_001
AREA = "A02"
INSTALLED = date(2023, 5, 9)
WATER_TYPE = 0x10
DIGITS = 14
READ_EVERY_S = 6 * HOUR_S  # in the history
LEAST_POLL_S = 10
STANDING_FILE = "line.json"
LITRES = 10  # of the dial's last digit


@dataclass(frozen=True, slots=True)
class LineMeterOfTown:
    """One of them in the registry; it has no module and no SIM."""

    number: int
    address: str
    installed_on: date = INSTALLED


@dataclass(frozen=True, slots=True)
class RegisteredLineMeter:
    """The same with its identity."""

    meter: LineMeterOfTown
    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId


def line_meters() -> Iterator[LineMeterOfTown]:
    """All of them; the same at every set-up."""
    for place in range(METERS):
        yield LineMeterOfTown(FIRST + place, f"人民路2号1栋1单元{place // 2 + 1}{place % 2 + 1:02d}室")


async def register_concentrator(owner: Pool, tenant_id: TenantId, settings: Settings) -> None:
    """With its meters behind it; a second time changes nothing but how often they are read. ``owner``: of the schema."""
    poll_s = max(LEAST_POLL_S, settings.demo_report_s)
    async with owner.acquire() as connection, connection.transaction():
        numbers = [str(each.number) for each in line_meters()]
        left = await put_concentrator(connection, tenant_id, NUMBER, NAME, poll_s, numbers)
    if left:
        raise RuntimeError(f"the demo's meters {', '.join(left)} are behind another concentrator")


def line_night(fleet: Sequence[RegisteredLineMeter], day: int, zone: Zone, town: Consumption) -> list[Uplink]:
    """What reading the line gave on ``day``, in the order of arrival."""
    start = zone.start_of(day)
    offset_s = zone.offset_s(start)
    found = []
    for at in range(start, start + DAY_S, READ_EVERY_S):
        for place, item in enumerate(fleet):
            read_at = at + place
            total = town.register_at(item.meter.number, Medium.WATER, read_at) // LITRES
            meter = EmulatedLineMeter(
                WATER_TYPE, _address(item.meter.number), total=total, wall_s=lambda now_ms: now_ms // 1000 + offset_s
            )
            meter.clock_off_s = 0
            frame = meter.receive(_question(item.meter.number), read_at * 1000)
            arrived_us = read_at * 1_000_000 + 700_000
            found.append(Uplink(item.meter_id, item.tenant_id, item.product_id, "tcp", "cjt188", arrived_us, frame))
    return found


class House:
    """The emulated line. ``standing``: by number what is kept of each meter; empty at the first start."""

    def __init__(self, town: Consumption, offset_s: int, standing: dict[str, dict[str, object]], now_s: int) -> None:
        self._town = town
        self._meters: dict[int, EmulatedLineMeter] = {}
        self._last: dict[int, int] = {}
        self._lost: dict[int, int] = {}  # litres that were not used while the valve was closed
        for each in line_meters():
            kept = standing.get(str(each.number), {})
            meter = EmulatedLineMeter(
                WATER_TYPE,
                _address(each.number),
                wall_s=lambda now_ms: now_ms // 1000 + offset_s,
                valve=Valve.CLOSED if kept.get("valve") == Valve.CLOSED.value else Valve.OPEN,
            )
            meter.clock_off_s = _whole(kept.get("clock_off_s", 0))
            self._meters[each.number] = meter
            self._lost[each.number] = _whole(kept.get("lost", 0))
            self._last[each.number] = _whole(kept.get("last", town.register_at(each.number, Medium.WATER, now_s)))

    def receive(self, data: bytes, now_ms: int) -> bytes:
        """Bytes from the line → what its meters answer."""
        self._flow(now_ms)
        return b"".join(meter.receive(data, now_ms) for meter in self._meters.values())

    def standing(self, now_ms: int) -> dict[str, dict[str, object]]:
        """What is to be kept."""
        self._flow(now_ms)
        return {
            str(number): {
                "valve": meter.valve(now_ms).value,
                "clock_off_s": meter.clock_off_s,
                "lost": self._lost[number],
                "last": self._last[number],
            }
            for number, meter in self._meters.items()
        }

    def _flow(self, now_ms: int) -> None:
        for number, meter in self._meters.items():
            used = self._town.register_at(number, Medium.WATER, now_ms // 1000)
            if meter.valve(now_ms) is Valve.CLOSED:
                self._lost[number] += max(used - self._last[number], 0)
            self._last[number] = max(used, self._last[number])
            meter.total = (self._last[number] - self._lost[number]) // LITRES


async def live_concentrator(settings: Settings, town: Consumption, stop: asyncio.Event) -> None:
    """The DTU on its socket until ``stop``; nothing where the port is off, or wants a certificate that is not ours to make."""
    if not settings.tcp_port or (settings.tcp_client_ca and not is_ours(settings)):
        say(
            "TCP 端口关闭或使用自备证书，演示集中器不连接 / the TCP port is off or has its own authority: no demo concentrator"
        )
        await stop.wait()
        return
    path = settings.var_path / "demo" / STANDING_FILE
    house = House(town, town.utc_offset_s, _read(path), int(time.time()))
    told = ""

    def keep() -> None:
        nonlocal told
        text = json.dumps(house.standing(time.time_ns() // 1_000_000), indent=1)
        if text != told:
            write_private(path, text)
            told = text

    def line(data: bytes) -> bytes:
        answered = house.receive(data, time.time_ns() // 1_000_000)
        keep()
        return answered

    host = "127.0.0.1" if settings.coap_host in ("0.0.0.0", "::") else settings.coap_host  # noqa: S104 - compared
    tls = terminal_tls(settings, NUMBER) if is_ours(settings) else None
    station = LiveStation(StationTerminal(NUMBER, Kind.DTU, line=line), (host, settings.tcp_port), tls=tls)
    say(
        f"1 台模拟 DTU 接入，其后 {METERS} 只表由平台轮询 / an emulated DTU connects; the platform reads {METERS} meters behind it"
    )
    await station.run(stop)


def _read(path: Path) -> dict[str, dict[str, object]]:
    """What was kept; nothing of a file that is damaged: its meters begin anew, open and with no loss."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, dict)} if isinstance(found, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _address(number: int) -> str:
    return f"{number:0{DIGITS}d}"


def _question(number: int) -> bytes:
    return encode_frame(Frame(WATER_TYPE, _address(number), READ, encode_unit(DataUnit(METERING, 0))))
