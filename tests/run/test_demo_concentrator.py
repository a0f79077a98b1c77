# SPDX-License-Identifier: Apache-2.0
"""The demo's DTU and the house behind it: what its line says, what is kept over a restart, and its certificate."""

import asyncio
import json
from datetime import date
from pathlib import Path

from openmains.app.ingest.edge.limiter import AddressLimiter
from openmains.app.ingest.pipeline.ports import MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.link.station.session import StationSession
from openmains.domain.fleet.meter_number import plain_number
from openmains.domain.period import DAY_S, date_to_day, zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.edges.tcp.server import TcpLimits, TcpServer, open_tcp_socket, tls_context
from openmains.emulator.meter.consumption import Consumption
from openmains.emulator.station.live import LiveStation
from openmains.emulator.station.terminal import StationTerminal
from openmains.run.demo.certificates import is_ours, terminal_tls, with_tcp
from openmains.run.demo.concentrators import (
    FIRST,
    NUMBER,
    PRODUCT,
    House,
    RegisteredLineMeter,
    line_meters,
    line_night,
)
from openmains.run.demo.history import SEED
from openmains.run.settings import load
from openmains.wire.cjt188.acts import Act, LineMeter, Result, read, set_valve
from openmains.wire.cjt188.dialect import Valve
from openmains.wire.cjt188.line import Line
from openmains.wire.outcome import Outcome
from openmains.wire.station.content import Kind
from tests.support.patience import PATIENCE_S
from tests.support.station import Town

ZONE = zone("Asia/Shanghai")
NOON = ZONE.start_of(date_to_day(date(2026, 10, 1))) + DAY_S // 2


def test_what_its_line_said_before_leaves_nothing_for_a_person() -> None:
    fleet = [RegisteredLineMeter(each, place, 1, 1) for place, each in enumerate(line_meters(), 1)]
    records = {
        item.meter_id: MeterRecord(
            item.meter_id, 1, 1, 1, 0, date_to_day(item.meter.installed_on), MeterState(), 0, 0,
            number=str(item.meter.number), plain_number=plain_number(str(item.meter.number)),
        )
        for item in fleet
    }  # fmt: skip
    processor = Processor(catalog.load(), {1: Product(1, PRODUCT[3], 100_000_000, DAY_S, PRODUCT[4])}, {1: ZONE})
    use = Consumption(SEED, ZONE.offset_s(NOON))
    stored = 0
    for day in range(date_to_day(date(2026, 10, 1)), date_to_day(date(2026, 10, 6))):
        effects = processor.run(line_night(fleet, day, ZONE, use), records)
        assert not effects.dead_letters and not [row for row in effects.exceptions if row.status == "open"]
        stored += 1
    assert stored == 5


def asked(house: House, act: Act, now_ms: int) -> tuple[Result, int]:
    """An act on the house's line; what came of it, and when it was over."""
    line = Line()
    line.begin("x", act, now_ms)
    while (event := line.next_event()) is None:
        if out := line.to_send():
            line.receive(house.receive(out, now_ms), now_ms)
        elif (due := line.next_timer()) is not None:
            now_ms = max(due, now_ms)
            line.timer(now_ms)
    return event.result, now_ms


def test_a_closed_valve_stays_closed_over_a_restart_and_its_register_stands_still() -> None:
    use = Consumption(SEED, ZONE.offset_s(NOON))
    house, now_ms = House(use, use.utc_offset_s, {}, NOON), NOON * 1000
    meter = LineMeter(0x10, f"{FIRST:014d}")
    first, now_ms = asked(house, read(meter), now_ms)
    closed, now_ms = asked(house, set_valve(meter, Valve.CLOSED), now_ms)
    assert first.outcome is closed.outcome is Outcome.DONE
    kept = json.loads(json.dumps(house.standing(now_ms)))
    again = House(use, use.utc_offset_s, kept, NOON + 40 * DAY_S)
    later, then_ms = asked(again, read(meter), (NOON + 40 * DAY_S) * 1000)
    assert later.metering and closed.metering
    assert later.metering.total == closed.metering.total
    opened, then_ms = asked(again, set_valve(meter, Valve.OPEN), then_ms)
    flowing, _ = asked(again, read(meter), then_ms + 20 * DAY_S * 1000)
    assert flowing.metering and opened.metering
    assert flowing.metering.total > opened.metering.total >= later.metering.total


def test_the_port_is_the_demos_own_unless_somebody_set_it(tmp_path: Path) -> None:
    ours = with_tcp(load({}, var=str(tmp_path)))
    assert is_ours(ours.settings) and ours.settings.tcp_port
    assert with_tcp(load({"OPENMAINS_TCP_PORT": "0"}, var=str(tmp_path))).settings.tcp_port == 0
    plain = load({"OPENMAINS_TCP_PORT": "7", "OPENMAINS_TCP_CERTIFICATE": "x.pem"}, var=str(tmp_path))
    assert with_tcp(plain) == plain
    assert not [path for path in (tmp_path / "demo" / "tcp").iterdir() if path.stat().st_mode & 0o077]


async def test_the_dtu_proves_itself_and_another_certificate_speaks_for_itself_only(tmp_path: Path) -> None:
    settings = with_tcp(load({}, var=str(tmp_path))).settings
    sock = open_tcp_socket("127.0.0.1", 0)
    town = Town()
    server = TcpServer(
        sock,
        lambda host, certified, now, wake: StationSession(town.main, host, now, wake, certified),
        AddressLimiter(1000, ["127.0.0.0/8"], 10_000),
        TcpLimits(50, 50),
        tls_context(settings.tcp_certificate, settings.tcp_key, settings.tcp_client_ca),
    )
    await server.start()
    stop = asyncio.Event()
    target = sock.getsockname()[:2]
    town.add(NUMBER, {})
    stations = [
        LiveStation(StationTerminal(NUMBER, Kind.DTU), target, tls=terminal_tls(settings, name))
        for name in (NUMBER, "2026000000000199")
    ]
    runs = [asyncio.create_task(each.run(stop)) for each in stations]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (stations[0].terminal.is_registered and town.main.counters["station.refused"]):
                await asyncio.sleep(0.01)
        assert stations[0].terminal.is_registered and not stations[1].terminal.is_registered
        found = town.main.connected(NUMBER)
        assert found is not None and found.is_proven
    finally:
        stop.set()
        await asyncio.gather(*runs)
        server.stop_reading()
        server.close()
