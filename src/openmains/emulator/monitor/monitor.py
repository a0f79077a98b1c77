# SPDX-License-Identifier: Apache-2.0
"""One monitor, sans-IO: its messages, made with the product's own driver, out of what it feels of the network.

It lives on mains, listens always, and has no state but a sequence number: what it says of a span follows from the span. Of
commands it obeys those of its page that are unsigned and change nothing it would have to keep.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers import catalog
from openmains.drivers.model import CommandError, Kind
from openmains.emulator.meter.authorise import Result
from openmains.emulator.meter.radio import RadioPlace, ecl_of, sinr_of
from openmains.emulator.monitor.network import Network

WARM = 160  # 0.1 degC
Felt = Callable[[Network, int, int], int]  # network, place of the monitor, instant

SERIES: Mapping[DeviceKind, Mapping[str, Felt]] = {
    DeviceKind.PRESSURE: {"pressure": lambda net, place, at: net.pressure(place, at)},
    DeviceKind.FLOW: {
        "flow": lambda net, place, at: net.flow(at) // (2 + place % 2),
        "pressure": lambda net, place, at: net.pressure(place, at),
    },
    DeviceKind.LEVEL: {"water_level": lambda net, place, at: net.level(at)},
    DeviceKind.QUALITY: {
        "turbidity": lambda net, place, at: net.turbidity(at),
        "residual_chlorine": lambda net, place, at: net.chlorine(at) - 5 * place,
        "ph": lambda net, place, at: 735 + at // 3600 % 7,
        "conductivity": lambda net, place, at: 3_120 + at // 7200 % 40,
        "temperature": lambda net, place, at: WARM,
    },
    DeviceKind.PUMP: {
        "pressure": lambda net, place, at: net.delivery(at),
        "pressure_in": lambda net, place, at: net.suction(at),
        "flow": lambda net, place, at: net.flow(at),
        "power": lambda net, place, at: 110 * net.pumps(at) + net.flow(at) // 4000,
        "pumps_running": lambda net, place, at: net.pumps(at),
    },
    DeviceKind.PIPE: {
        "noise": lambda net, place, at: net.noise(place, at),
        "vibration": lambda net, place, at: 12 + net.flow(at) // 20_000,
        "pressure": lambda net, place, at: net.pressure(place, at),
    },
    DeviceKind.SAFETY: {"methane": lambda net, place, at: net.methane(place, at)},
}
GAS_PRESSURE: Mapping[str, Felt] = {"pressure": lambda net, place, at: net.gas_pressure(place, at)}
MOST = 24  # values of a series that every page holds


@dataclass(frozen=True, slots=True)
class MonitorSpec:
    """A monitor of the town. ``place``: where in the network it stands."""

    imei: int
    number: int
    driver: str
    place: int


class Monitor:
    """``radio``: its cell and signal."""

    def __init__(self, spec: MonitorSpec, network: Network) -> None:
        self.spec = spec
        self._network = network
        self._driver = catalog.load().driver(spec.driver)
        gas = self._driver.kind is DeviceKind.PRESSURE and self._driver.medium == "gas"
        self._series = GAS_PRESSURE if gas else SERIES[self._driver.kind]
        self._radio = RadioPlace.of(spec.number)
        self._seq = 0

    def report(self, sent_at: int, start: int, interval_s: int, count: int) -> bytes:
        """Values at ``start`` and each interval after it, at most ``MOST``; with the state of its events."""
        instants = [start + step * interval_s for step in range(min(count, MOST))]
        net, place = self._network, self.spec.place
        values: dict[str, object] = {
            name: [felt(net, place, at) for at in instants] for name, felt in self._series.items()
        }
        if "temperature" in self._driver.points and "temperature" not in values:
            values["temperature"] = WARM
        if self._driver.kind is DeviceKind.FLOW:
            day = (sent_at + net.offset_s) // 86_400 * 86_400 - net.offset_s
            hours = range(day, sent_at, 3600)
            values |= {"daily_flow": sum(self._series["flow"](net, place, at) for at in hours), "daily_reverse": 0}
        head = self._head(sent_at) | self._signal() | {"start_at": start, "interval_s": interval_s}
        return self._driver.encode(Kind.REPORT, head | values, "report")

    def heartbeat(self, sent_at: int) -> bytes:
        """State only."""
        told = self._signal()
        return self._driver.encode(
            Kind.HEARTBEAT,
            self._head(sent_at) | {name: told[name] for name in told if name not in ("pci", "cell", "earfcn")},
        )

    def answers(self, frame: bytes, now: int) -> list[bytes]:
        """What it says to a frame of the platform; nothing to one that is no command of its page."""
        try:
            command = self._driver.read_command(frame)
        except CommandError:
            return []
        said = [self.heartbeat(now)] if command.kind == "read_status" else []
        obeyed = command.mac is None and command.kind in ("read_status", "set_clock", "restart")
        done = Result.EXPIRED if command.not_after < now else Result.DONE if obeyed else Result.UNKNOWN_KIND
        result = self._head(now) | {
            "command_serial": command.serial,
            "command_code": self._driver.command_kinds[command.kind].code,
            "command_result": int(done),
        }
        result.pop("events")
        return [*said, self._driver.encode(Kind.COMMAND_RESULT, result)]

    def events(self, at: int) -> list[str]:
        """What is the matter where it stands."""
        if self._driver.kind is DeviceKind.PUMP and self._network.is_stopped(at):
            return ["pump_stopped"]
        if self._driver.kind is DeviceKind.SAFETY and self._network.is_leaking(self.spec.place, at):
            return ["gas_leak"]
        return []

    def _head(self, sent_at: int) -> dict[str, object]:
        self._seq = self._seq + 1 & 0xFFFF
        return {
            "frame_seq": self._seq,
            "device_at": sent_at,
            "meter_number": self.spec.number,
            "events": self.events(sent_at),
        }

    def _signal(self) -> dict[str, object]:
        rsrp = self._radio.rsrp_of(self._seq)
        return {
            "rsrp_ddbm": rsrp, "sinr_ddb": sinr_of(rsrp), "ecl": ecl_of(rsrp), "pci": self._radio.pci, "cell": self._radio.cell,
            "earfcn": self._radio.earfcn, "battery_pct": 100, "battery_mv": 3_600,
        }  # fmt: skip
