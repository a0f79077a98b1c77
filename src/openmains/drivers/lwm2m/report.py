# SPDX-License-Identifier: Apache-2.0
"""One LwM2M report read resource by resource: which of them become which point or event is data, in the tables below.

A cumulated volume is m³ with decimals, often out of a binary float: it is rounded to the nearest litre, half to even;
nothing else is rounded. One resource that cannot be read does not cost the others: it is left out and noted with its path;
a report of which nothing is left has a fault. The opaque interval payloads of 10266–10271 are kept raw: the registry
leaves the unit of their values to the implementation, so reading them would be guessing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, TypeGuard

from openmains.drivers.lwm2m import envelope
from openmains.drivers.model import Fault, Kind
from openmains.drivers.points import vocabulary
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import path as paths
from openmains.wire.lwm2m.codec import values as codec
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.value import Item, Oddity

METERS = {"gas": 3423, "water": 3424}
VOLUME, TIMESTAMP = 1, 5518
CURRENT_TIME = (3, 13)
RELATIVE_S = 1 << 28  # SenML: times below this count from the reception on (RFC 8428 section 4.5.3)
MOST = 10**15  # litres

# (object, resource) → point and factor; the meter's volume and time are read by code
POINTS: Mapping[tuple[int, int], tuple[str, int]] = {
    (3, 7): ("battery_mv", 1),
    (3, 9): ("battery_pct", 1),
    (4, 2): ("rsrp_ddbm", 10),
    (4, 8): ("cell", 1),
    (4, 11): ("sinr_ddb", 10),
    (4, 13): ("ecl", 1),
}
FIRST_ALARM = 10_272
# (object, resource) → event while true
EVENTS: Mapping[tuple[int, int], str] = {
    (3423, 9): "micro_leak", (3423, 10): "gas_leak", (3423, 11): "temperature_high",
    (3424, 9): "micro_leak", (3424, 10): "burst", (3424, 11): "reverse_flow", (3424, 12): "sensor_fault",
    (3424, 13): "movement",
    (10272, 6013): "micro_leak", (10273, 6013): "reverse_flow", (10274, 6013): "empty_pipe", (10275, 6013): "movement",
    (10276, 6013): "pressure_high", (10277, 6013): "pressure_low", (10278, 6013): "temperature_high",
    (10279, 6013): "temperature_low", (10280, 6013): "burst", (10281, 6013): "low_battery",
}  # fmt: skip
EVENT_TIME = 6021
UNKNOWN: Mapping[str, frozenset[int]] = {
    "rsrp_ddbm": frozenset({990, 2550, 327_670}), "sinr_ddb": frozenset({2550, 327_670, -327_680}), "ecl": frozenset({255}),
    "battery_pct": frozenset({255}), "battery_mv": frozenset({0xFFFFFFFF}),
}  # fmt: skip
"""Marks of modules for 'not known' beyond what the point can be (3GPP TS 27.007 +CSQ: 99, +CESQ: 255; all ones)."""


class Reading(NamedTuple):
    """One report's meaning. ``instants``/``registers``: in the order they were sent."""

    kind: Kind
    points: dict[str, int]
    instants: list[int]
    registers: list[int]
    mask: int
    known: int
    clock: int | None  # the meter's: Current Time where it says so, else the newest instant of its own making
    damages: list[tuple[int, str, str]]  # byte of the frame, path, prose


@dataclass(slots=True)
class _Gathered:
    """What the resources of one report say, before it is known what kind of message that makes."""

    points: dict[str, int] = field(default_factory=dict)
    volumes: list[tuple[Item, int]] = field(default_factory=list)  # litres
    damages: list[tuple[int, str, str]] = field(default_factory=list)
    stamp: int | None = None  # the meter's own time resource
    clock: int | None = None  # of the device: Current Time
    raised_at: int | None = None
    mask: int = 0
    known: int = 0


def items_of(payload: bytes) -> tuple[list[Item], list[Oddity]]:
    """Resources of an envelope without a fault, and what cannot be read; raises ``WireError`` where nothing can."""
    report = envelope.unwrap(payload)
    return codec.decode_sound(report.payload, report.content_format, paths.parse(report.path), definitions().type)


class ReportReader:
    """Reads the reports of one medium's meters."""

    __slots__ = ("_events", "_meter", "points")

    def __init__(self, medium: str) -> None:
        events = vocabulary().events
        self._meter = METERS[medium]
        self._events = {key: 1 << events[name].bit for key, name in EVENTS.items()}
        own = {"device_at", "register", "register_at", "register_values", "register_instants", "raised_at"}
        self.points = frozenset(own | {name for name, _ in POINTS.values()})

    def read(self, payload: bytes, received_at: int) -> Reading | Fault:
        """The report's meaning; ``received_at`` (s UTC) dates what the meter does not date."""
        fault = envelope.fault_of(payload)
        if fault is not None:
            return fault
        start = envelope.HEAD_SIZE + payload[3]
        gathered = _Gathered()
        try:
            items, oddities = items_of(payload)
        except WireError as bad:
            reason = "type" if bad.reason == "content format unknown" else "range"
            return Fault(reason, min(start + bad.offset, len(payload)), f"{bad.layer}: {bad.reason}")
        for odd in oddities:
            at = min(start + odd.offset, len(payload))
            gathered.damages.append((at, odd.place, f"{odd.layer}: {odd.reason}"))
        for item in items:
            why = self._gather(gathered, item)
            if why:
                gathered.damages.append((start, paths.text(item.path), why))
        return _reading(gathered, start, received_at)

    def _gather(self, gathered: _Gathered, item: Item) -> str:
        """Adds what one resource says; why it cannot be, else empty. What nobody reads is none of this driver's matters."""
        key, value = (item.path[0], item.path[2]), item.value
        if key == (self._meter, VOLUME):
            litres = _litres(value)
            if litres is None:
                return "a cumulated volume is 0 to 10^12 m3"
            gathered.volumes.append((item, litres))
        elif key == (self._meter, TIMESTAMP):
            if not _is_number(value) or not 0 <= value < 1 << 32:
                return "an instant before 1970 or after 2106"
            gathered.stamp = int(value)
        elif key == CURRENT_TIME:
            if not _is_number(value) or not 0 <= value < 1 << 32:
                return "an instant before 1970 or after 2106"
            gathered.clock = int(value)
        elif key in POINTS:
            return _point(gathered, *POINTS[key], value)
        elif key in self._events:
            if not isinstance(value, bool):
                return "not true or false"
            gathered.known |= self._events[key]
            gathered.mask |= self._events[key] if value else 0
        elif key[1] == EVENT_TIME and item.path[0] >= FIRST_ALARM:
            if not _is_number(value) or not 0 <= value < 1 << 32:
                return "an instant before 1970 or after 2106"
            gathered.raised_at = int(value)
        return ""


def _point(gathered: _Gathered, name: str, factor: int, value: object) -> str:
    """Takes the value of a point; why it cannot be, else empty. A mark for unknown is no value and no damage."""
    if not _is_number(value) or value * factor != int(value * factor):
        return f"{name} = {value} is no number of its unit"
    number, point = int(value * factor), vocabulary().points[name]
    if number in point.missing or number in UNKNOWN.get(name, ()):
        return ""
    if not point.is_possible(number):
        return f"{name} = {number} is outside {point.least}..{point.most}"
    gathered.points.setdefault(name, number)
    return ""


def _reading(found: _Gathered, start: int, received_at: int) -> Reading | Fault:
    """What kind of message the resources make: registers where there is a volume, else alarm, else heartbeat."""
    points, known, damages = found.points, found.known, found.damages
    undated = received_at if found.stamp is None else found.stamp
    instants: list[int] = []
    registers: list[int] = []
    for item, litres in found.volumes:
        place = paths.text(item.path)
        if item.is_undated and len(found.volumes) > 1:
            damages.append((start, place, "one of several volumes without its instant"))
            continue
        at = _instant(item, received_at)
        at = undated if at is None else at
        if not 0 <= at < 1 << 32:
            damages.append((start, place, "an instant before 1970 or after 2106"))
            continue
        instants.append(at)
        registers.append(litres)
    if not registers and not points and not known and found.clock is None:
        if damages:
            return Fault("range", damages[0][0], f"{damages[0][1]}: {damages[0][2]}")
        return Fault("type", start, "nothing of the objects that this driver reads")
    times = [int(item.time_s) for item, _ in found.volumes if item.time_s is not None]
    own = [at for at in times if abs(at) >= RELATIVE_S]
    own += [] if found.stamp is None else [found.stamp]
    newest_own = max(own) if own else None
    clock = newest_own if found.clock is None else found.clock
    points["device_at"] = max(instants, default=received_at) if found.clock is None else found.clock
    if registers:
        newest, register = max(zip(instants, registers, strict=True))
        points |= {"register": register, "register_at": newest}
        return Reading(Kind.REGISTERS, points, instants, registers, found.mask, known, clock, damages)
    if known and found.raised_at is not None:
        points["raised_at"] = found.raised_at
    return Reading(Kind.ALARM if known else Kind.HEARTBEAT, points, [], [], found.mask, known, clock, damages)


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and -MOST < value < MOST


def _litres(volume: object) -> int | None:
    """m³ → litres, rounded half to even; None for what is no volume."""
    if _is_number(volume):
        litres = int((Decimal(volume) * 1000).to_integral_value(ROUND_HALF_EVEN))
        if 0 <= litres < MOST:
            return litres
    return None


def _instant(item: Item, received_at: int) -> int | None:
    if item.time_s is None:
        return None
    whole = int(item.time_s)
    return received_at + whole if abs(whole) < RELATIVE_S else whole
