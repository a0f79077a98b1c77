# SPDX-License-Identifier: Apache-2.0
"""A meter's messages made with the product's own driver: what the emulator says is what the driver can read."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from openmains.domain.period import DAY_S, HOUR_S
from openmains.drivers import catalog
from openmains.drivers.model import MISSING_VALUE, Driver, EncodeError, Kind
from openmains.drivers.points import vocabulary
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.profile import UNKNOWN, Snapshot
from openmains.emulator.meter.radio import RadioPlace, ecl_of, sinr_of
from openmains.emulator.meter.surroundings import ATMOSPHERE

_MAX_INCREMENT = 0xFFFE  # u16 without the mark for unknown
_MAX_BACK = 0xFFFFFE  # u24 likewise
PRESSURE_STEP, _VIBRATION_STEP = 2, 25  # of the enhanced series report of water: 0.1 kPa, 0.01 mm/s

# R1.5: what reports at once; everything else rides on the next report
_OF_ALL = frozenset({
    "over_flow", "micro_leak", "reed_fault", "flow_valve_closed", "movement", "arrears", "module_removed", "magnetic",
    "balance_low",  # S6.1.2.7: when it falls to the warning threshold
    "burst", "pressure_high", "pressure_low", "valve_fault",  # R6.6, R4.2: somebody must go there now
})  # fmt: skip
_OF_GAS = frozenset({
    "low_battery", "under_voltage", "over_voltage", "power_loss", "flow_abnormal", "pressure_abnormal",
    "temperature_abnormal", "seal_broken", "gas_leak",
})  # fmt: skip
AT_ONCE = {Medium.WATER: _OF_ALL, Medium.GAS: _OF_ALL | _OF_GAS}


def medium_of(driver_name: str) -> Medium:
    """What a driver's product measures; raises ``ValueError`` for an unknown driver or another medium."""
    if driver_name not in catalog.load():
        raise ValueError(f"no driver {driver_name}; there are {', '.join(catalog.load().names())}")
    return Medium[catalog.load().driver(driver_name).medium.upper()]


@lru_cache(maxsize=64)
def _carried(driver: Driver) -> frozenset[str]:
    """Events that the driver's messages can carry."""
    probe = driver.encode(Kind.HEARTBEAT, {"frame_seq": 0, "device_at": 0, "meter_number": 0})
    columns, _ = driver.decode([probe], [0])
    return frozenset(vocabulary().event_names(columns[0].event_known))


def immediate_events(driver_name: str) -> frozenset[str]:
    """Events of this product that report at once; raises ``ValueError`` for an unknown driver."""
    return AT_ONCE[medium_of(driver_name)] & _carried(catalog.load().driver(driver_name))


@lru_cache(maxsize=64)
def _time_place(driver: Driver) -> tuple[int, int, int] | None:
    """(length, start, end) of the clock in the driver's answers, found by asking for two of them."""
    probe = driver.encode(Kind.HEARTBEAT, {"frame_seq": 0, "device_at": 0, "meter_number": 0})
    low, high = driver.answer(probe, 0, 0), driver.answer(probe, 0xFFFFFFFF, 0)
    differing = [at for at in range(len(low) - 2) if low[at] != high[at]]  # the last two bytes are the CRC
    return (len(low), differing[0], differing[-1] + 1) if differing else None


PLAIN = {"balance_kind": 2, "valve": 0}  # a meter without valve and account
_STATE = ("balance_kind", "valve", "balance")  # of every report; a heartbeat has no place for the balance
_RESULT = ("command_counter", "valve", "balance_kind", "balance", "open_permitted", "closed_by_arrears",
           "closed_for_safety", "price_version", "price_deferred")  # fmt: skip
LOG_PART = 440  # bytes of text in one message


class DriverFrames:
    """One meter's messages. ``number``: twelve digits at most; its radio (cell, signal) follows from it.

    ``enhanced``: the R1.2 report where the driver has one; ``series``: the one with all of it as series. ``place``: its cell and
    signal, if not from its number.
    """

    def __init__(
        self,
        driver_name: str,
        number: int = 0,
        *,
        enhanced: bool = False,
        series: bool = False,
        place: RadioPlace | None = None,
    ) -> None:
        if driver_name not in catalog.load():
            raise ValueError(f"no driver {driver_name}; there are {', '.join(catalog.load().names())}")
        self._driver = catalog.load().driver(driver_name)
        self._number = number % 10**12
        # What the meter is besides its register, at an instant of its clock: asked for as each frame is written, never kept.
        self.state: Callable[[int], Mapping[str, int]] = lambda _: PLAIN
        self._report_name = "enhanced" if enhanced or series else None
        self._series = series
        self._place = place or RadioPlace.of(number)

    def report(self, snapshot: Snapshot) -> bytes:
        """Interval report, or daily registers when the intervals are whole days (report modes 旬 and month)."""
        if snapshot.interval_s >= DAY_S:
            known = [
                (snapshot.start_at + k * snapshot.interval_s, register)
                for k, register in enumerate(snapshot.freezes)
                if register != UNKNOWN
            ]
            known.append((snapshot.device_at, snapshot.register))
            instants, registers = zip(*known, strict=True)
            return self.log(self._number, snapshot.frame_seq, snapshot.device_at, instants, registers)
        values = self._head(snapshot)
        values |= self._radio(snapshot)
        bounds = snapshot.freezes
        base = next((register for register in bounds if register != UNKNOWN), snapshot.register)
        values |= {
            "register": snapshot.register,
            "start_at": snapshot.start_at,
            "interval_s": snapshot.interval_s,
            "base": base,
            "increments": [_difference(a, b, _MAX_INCREMENT) for a, b in pairwise(bounds)],
            "battery_mv": snapshot.battery_mv,
        }
        newest = snapshot.history[0] if snapshot.history else UNKNOWN
        if newest != UNKNOWN:
            older = snapshot.history[1:]
            told = [r if _difference(r, newest, _MAX_BACK) != MISSING_VALUE else MISSING_VALUE for r in older]
            values["history"] = [newest, *told]
            values["history_at"] = [snapshot.history_at - k * DAY_S for k in range(len(snapshot.history))]
        if self.enhanced:
            values |= self._sensors(snapshot, bounds, base)
            if self._series and (packed := self._packed(snapshot, values)) is not None:
                return packed
        return self._driver.encode(Kind.REPORT, values, self._report_name or "report")

    def alarm(self, snapshot: Snapshot) -> bytes:
        """What happened, with the state of all events."""
        active = set(snapshot.active) | {snapshot.event} if snapshot.raised else set(snapshot.active) - {snapshot.event}
        values = self._head(snapshot) | {
            "raised_at": snapshot.raised_at,
            "events": self._events(active),
            "register": snapshot.register,
            "battery_mv": snapshot.battery_mv,
            "rsrp_ddbm": self._place.rsrp_of(snapshot.frame_seq),
        }
        return self._driver.encode(Kind.ALARM, values)

    def heartbeat(self, snapshot: Snapshot) -> bytes:
        """State only."""
        values = self._head(snapshot) | self._radio(snapshot, cell=False)
        values.pop("balance", None)
        return self._driver.encode(Kind.HEARTBEAT, values)

    def log(
        self, number: int, frame_seq: int, device_at: int, instants: Sequence[int], registers: Sequence[int]
    ) -> bytes:
        """Registers at arbitrary instants, in the given order."""
        values: dict[str, object] = {
            "frame_seq": frame_seq & 0xFFFF,
            "device_at": device_at,
            "meter_number": number,
            "register_instants": list(instants),
            "register_values": list(registers),
        }
        return self._driver.encode(Kind.REGISTERS, values)

    def result(self, snapshot: Snapshot, serial: int, code: int, result: int) -> bytes:
        """What became of a command, with the read-back in ``state``."""
        values = self._plain(snapshot) | self._state(snapshot, _RESULT)
        values |= {"command_serial": serial, "command_code": code, "command_result": result}
        return self._driver.encode(Kind.COMMAND_RESULT, values | {"register": snapshot.register})

    def parameters(
        self, snapshot: Snapshot, serial: int, result: int, settings: Mapping[int, int], host: str, port: int
    ) -> bytes:
        """Settings (number → value) and the platform's address, as they are now."""
        values = self._plain(snapshot) | {"command_serial": serial, "command_result": result, "platform_port": port}
        values |= {"parameter_numbers": list(settings), "parameter_values": list(settings.values())}
        return self._driver.encode(Kind.PARAMETERS, values | {"platform_host": list(host.encode("ascii"))})

    def log_parts(self, snapshots: Callable[[], Snapshot], serial: int, lines: Sequence[str]) -> list[bytes]:
        """The log in messages of whole lines; the newest 255 messages if it is longer."""
        parts = [b""]
        for line in lines:
            raw = f"{line}\n".encode()[:LOG_PART]
            if len(parts[-1]) + len(raw) > LOG_PART:
                parts.append(b"")
            parts[-1] += raw
        parts = parts[-255:]
        return [
            self._driver.encode(
                Kind.LOG,
                self._plain(snapshots())
                | {"command_serial": serial, "log_part": k, "log_parts": len(parts), "log_text": list(part)},
            )
            for k, part in enumerate(parts)
        ]

    def registers(self, snapshot: Snapshot, entries: Sequence[tuple[int, int]]) -> bytes:
        """A register log of (instant, register)."""
        instants, registers = zip(*entries, strict=True)
        return self.log(self._number, snapshot.frame_seq, snapshot.device_at, instants, registers)

    @property
    def enhanced(self) -> bool:
        return self._report_name is not None

    @property
    def driver(self) -> Driver:
        """The product's driver."""
        return self._driver

    def _plain(self, snapshot: Snapshot) -> dict[str, object]:
        return {
            "frame_seq": snapshot.frame_seq & 0xFFFF,
            "device_at": snapshot.device_at,
            "meter_number": self._number,
        }

    def time_of(self, answer: bytes) -> int | None:
        """The platform's clock in an answer."""
        place = _time_place(self._driver)
        if place is None or len(answer) != place[0]:
            return None
        return int.from_bytes(answer[place[1] : place[2]], "big")

    def _state(self, snapshot: Snapshot, names: Sequence[str]) -> dict[str, int]:
        state = self.state(snapshot.device_at)
        return {name: state[name] for name in names if name in state}

    def _head(self, snapshot: Snapshot) -> dict[str, object]:
        return {
            "frame_seq": snapshot.frame_seq & 0xFFFF,
            "device_at": snapshot.device_at,
            "meter_number": self._number,
            "events": self._events(snapshot.active),
            **self._state(snapshot, _STATE),
        }

    def _sensors(self, snapshot: Snapshot, bounds: Sequence[int], base: int) -> dict[str, object]:
        """Of the enhanced report: day, flow, temperature, vibration, pressures (gas: absolute)."""
        air = ATMOSPHERE if self._driver.medium == "gas" else 0
        last = next((register for register in reversed(bounds) if register != UNKNOWN), base)
        pressures = [MISSING_VALUE if felt == UNKNOWN else felt + air for felt in snapshot.pressures]
        return {
            "daily_flow": max(0, last - base),
            "daily_reverse": snapshot.reverse,
            "flow": snapshot.flow,
            "temperature": snapshot.temperature,
            "vibration": snapshot.vibration,
            "pressure_now": MISSING_VALUE if snapshot.pressure == UNKNOWN else (snapshot.pressure + air) * 10,
            "pressure_interval_s": HOUR_S,
            "pressure": pressures,
        }

    def _packed(self, snapshot: Snapshot, values: Mapping[str, object]) -> bytes | None:
        """The enhanced series report; None where a range of the day is wider than its bits: then the enhanced one goes out."""
        is_gas = self._driver.medium == "gas"
        pressures, warmths, shakings = zip(*snapshot.felt, strict=True) if snapshot.felt else ((), (), ())
        known = [ATMOSPHERE * is_gas + felt if felt != UNKNOWN else MISSING_VALUE for felt in pressures]
        series = {
            "pressure": in_steps(known, 1 if is_gas else PRESSURE_STEP),
            "temperature": list(warmths),
            "vibration": in_steps(shakings, _VIBRATION_STEP),
        }
        try:
            return self._driver.encode(Kind.REPORT, {**values, **series}, "enhanced_series")
        except EncodeError:
            return None

    def _radio(self, snapshot: Snapshot, *, cell: bool = True) -> dict[str, object]:
        rsrp = self._place.rsrp_of(snapshot.frame_seq)
        values: dict[str, object] = {
            "rsrp_ddbm": rsrp,
            "sinr_ddb": sinr_of(rsrp),
            "ecl": ecl_of(rsrp),
            "battery_pct": snapshot.battery_pct,
            "battery_mv": snapshot.battery_mv,
        }
        if cell:
            values |= {"pci": self._place.pci, "cell": self._place.cell, "earfcn": self._place.earfcn}
        return values

    def _events(self, active: set[str] | frozenset[str]) -> list[str]:
        return sorted(active & _carried(self._driver))


def in_steps(values: Sequence[int], step: int) -> list[int]:
    """As the sensor says them: in steps above the least one."""
    least = min((value for value in values if value != MISSING_VALUE), default=0)
    return [value if value == MISSING_VALUE else least + (value - least) // step * step for value in values]


def _difference(earlier: int, later: int, largest: int) -> int:
    """later − earlier, or unknown where one is, or where it cannot be said (a reset, too large)."""
    if UNKNOWN in (earlier, later) or not 0 <= later - earlier <= largest:
        return MISSING_VALUE
    return later - earlier
