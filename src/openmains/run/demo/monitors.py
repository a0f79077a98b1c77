# SPDX-License-Identifier: Apache-2.0
"""The demo town's monitors (R3.7): where they stand, the limits of their products, what they would have said at night."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from openmains.app.alarm.model import QuantityLimit
from openmains.app.ingest.uplink import Uplink
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, HOUR_S, Zone
from openmains.emulator.monitor.monitor import Monitor, MonitorSpec
from openmains.emulator.monitor.network import Network

IMEI_BASE = 86_170_006_000_000
HOURS = 24
# code, name, medium, driver, how many
PRODUCTS = (
    ("YLJ-W", "供水压力监测终端 Water pressure monitor", "water", "openmains/pressure-1", 6),
    ("YLJ-G", "燃气压力监测终端 Gas pressure monitor", "gas", "openmains/gas-pressure-1", 3),
    ("LLJ-W", "管网流量监测终端 Flow monitor", "water", "openmains/flow-1", 3),
    ("YWJ-W", "水箱液位监测终端 Level monitor", "water", "openmains/level-1", 2),
    ("SZJ-W", "水质监测终端 Water quality monitor", "water", "openmains/quality-1", 2),
    ("BZJ-W", "二次供水泵站监测终端 Pump station monitor", "water", "openmains/pump-1", 1),
    ("GDJ-W", "管道噪声监测终端 Pipe monitor", "water", "openmains/pipe-1", 3),
    ("AQJ-G", "燃气安全监测终端 Gas safety monitor", "gas", "openmains/safety-1", 4),
)
LIMITS = {
    "YLJ-W": [QuantityLimit("pressure", 1_900, 4_500, 60, "major")],
    "YLJ-G": [QuantityLimit("pressure", 3_500, 4_200, 20, "critical")],
    "YWJ-W": [QuantityLimit("water_level", 1_500, 3_600, 50, "major")],
    "SZJ-W": [
        QuantityLimit("turbidity", None, 1_000, 100, "major"),
        QuantityLimit("residual_chlorine", 300, None, 10, "major"),
    ],
    "BZJ-W": [
        QuantityLimit("pumps_running", 2, None, 0, "critical"),
        QuantityLimit("pressure", 2_900, None, 100, "major"),
    ],
    "AQJ-G": [QuantityLimit("methane", None, 200, 20, "critical")],
}
"""By product; the demo sets them once, when it makes the product."""
_PLACES = ("滨江路", "人民路", "科技大道", "南湖路", "学府路", "工业一路", "站前街", "青山巷")


@dataclass(frozen=True, slots=True)
class DemoMonitor:
    """One monitor of the town."""

    spec: MonitorSpec
    imsi: str
    product: str
    area: str
    address: str
    installed_on: date


def monitors() -> Iterator[DemoMonitor]:
    """All of them; the same at every set-up."""
    index = 0
    for code, _, _, driver, count in PRODUCTS:
        for place in range(count):
            spec = MonitorSpec(imei_of(IMEI_BASE + index), 51 * 10**10 + 26_000_000 + index, driver, place)
            yield DemoMonitor(
                spec,
                f"46004{900_000 + index:010d}",
                code,
                f"A{index % 8 + 1:02d}",
                f"{_PLACES[index % 8]}{place + 1}号",
                date(2025, 3, 3),
            )
            index += 1


@dataclass(frozen=True, slots=True)
class RegisteredMonitor:
    """A monitor with its identity in the registry."""

    monitor: DemoMonitor
    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId


def monitors_night(fleet: Sequence[RegisteredMonitor], day: int, zone: Zone) -> list[Uplink]:
    """Their reports about ``day``, hour by hour, sent in the night after it, in the order they arrive."""
    return _reports(fleet, zone.start_of(day), HOURS, zone.start_of(day) + DAY_S + 60, zone)


def monitors_today(fleet: Sequence[RegisteredMonitor], now_s: int, zone: Zone) -> list[Uplink]:
    """Their reports about the whole hours of today, so that what they say live joins the nights before."""
    start = zone.start_of(zone.day_of(now_s))
    return _reports(fleet, start, (now_s - start) // HOUR_S, now_s - 7 * len(fleet), zone)


def _reports(fleet: Sequence[RegisteredMonitor], start: int, hours: int, first_at: int, zone: Zone) -> list[Uplink]:
    network = Network(zone.offset_s(start))
    sent = []
    for place, item in enumerate(fleet if hours else ()):
        at = first_at + place * 7
        frame = Monitor(item.monitor.spec, network).report(at, start, HOUR_S, hours)
        sent.append(
            Uplink(item.meter_id, item.tenant_id, item.product_id, "coaps", "r", at * 1_000_000 + 900_000, frame)
        )
    return sent
