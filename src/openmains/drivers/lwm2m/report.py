# SPDX-License-Identifier: Apache-2.0
"""One LwM2M report read resource by resource: which of them become which point or event is data, in the tables below.

A cumulated volume is m³ with decimals, often out of a binary float: it is rounded to the nearest litre, half to even;
nothing else is rounded. The opaque interval payloads of 10266–10271 are kept raw: the registry leaves the unit of their
values to the implementation, so reading them would be guessing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from openmains.drivers.lwm2m import envelope
from openmains.drivers.model import Fault, Kind
from openmains.drivers.points import vocabulary
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import path as paths
from openmains.wire.lwm2m.codec import values as codec
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.value import Item

METERS = {"gas": 3423, "water": 3424}
VOLUME, TIMESTAMP = 1, 5518
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
RANGES: Mapping[str, tuple[int, int]] = {
    "battery_mv": (0, 100_000), "battery_pct": (0, 100), "rsrp_ddbm": (-2000, 0), "cell": (0, 2**32 - 1),
    "sinr_ddb": (-500, 500), "ecl": (0, 2),
}  # fmt: skip


class Reading(NamedTuple):
    """One report's meaning. ``instants``/``registers``: in the order they were sent."""

    kind: Kind
    points: dict[str, int]
    instants: list[int]
    registers: list[int]
    mask: int
    known: int


class _UnreadableError(ValueError):
    """Resources that make no message: (reason code, prose)."""


@dataclass(slots=True)
class _Gathered:
    """What the resources of one report say, before it is known what kind of message that makes."""

    points: dict[str, int] = field(default_factory=dict)
    volumes: list[tuple[int | None, int]] = field(default_factory=list)  # instant if given, litres
    stamp: int | None = None  # the meter's own time resource
    raised_at: int | None = None
    mask: int = 0
    known: int = 0


def items_of(payload: bytes) -> list[Item]:
    """Resources of an envelope without a fault; raises ``WireError``."""
    report = envelope.unwrap(payload)
    return codec.decode(report.payload, report.content_format, paths.parse(report.path), definitions().type)


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
            for item in items_of(payload):
                self._gather(gathered, item, received_at)
            return _reading(gathered, received_at)
        except _UnreadableError as bad:
            reason, detail = bad.args
            return Fault(reason, start, detail)
        except WireError as bad:
            reason = "type" if bad.reason == "content format unknown" else "range"
            return Fault(reason, min(start + bad.offset, len(payload)), f"{bad.layer}: {bad.reason}")

    def _gather(self, gathered: _Gathered, item: Item, received_at: int) -> None:
        """Adds what one resource says."""
        key, value = (item.path[0], item.path[2]), item.value
        if key == (self._meter, VOLUME) and isinstance(value, Decimal):
            gathered.volumes.append((_instant(item, received_at), _litres(value)))
        elif key == (self._meter, TIMESTAMP) and isinstance(value, int):
            gathered.stamp = value
        elif key in POINTS and isinstance(value, int):
            name, factor = POINTS[key]
            low, high = RANGES[name]
            if low <= value * factor <= high:  # a module's mark for unknown is no value
                gathered.points.setdefault(name, value * factor)
        elif key in self._events and isinstance(value, bool):
            gathered.known |= self._events[key]
            gathered.mask |= self._events[key] if value else 0
        elif key[1] == EVENT_TIME and item.path[0] >= FIRST_ALARM and isinstance(value, int):
            gathered.raised_at = value


def _reading(found: _Gathered, received_at: int) -> Reading:
    """What kind of message the resources make: registers where there is a volume, else alarm, else heartbeat."""
    points, known = found.points, found.known
    if not found.volumes and not points and not known:
        raise _UnreadableError("type", "nothing of the objects that this driver reads")
    undated = received_at if found.stamp is None else found.stamp
    instants = [undated if at is None else at for at, _ in found.volumes]
    registers = [litres for _, litres in found.volumes]
    if any(not 0 <= at < 1 << 32 for at in [*instants, found.raised_at or 0]):
        raise _UnreadableError("range", "an instant before 1970 or after 2106")
    points["device_at"] = max(instants, default=received_at)
    if found.volumes:
        newest, register = max(zip(instants, registers, strict=True))
        points |= {"register": register, "register_at": newest}
        return Reading(Kind.REGISTERS, points, instants, registers, found.mask, known)
    if known and found.raised_at is not None:
        points["raised_at"] = found.raised_at
    return Reading(Kind.ALARM if known else Kind.HEARTBEAT, points, [], [], found.mask, known)


def _litres(volume: Decimal) -> int:
    """m³ → litres, rounded half to even."""
    if volume.is_finite() and abs(volume) < MOST:
        litres = int((volume * 1000).to_integral_value(ROUND_HALF_EVEN))
        if 0 <= litres < MOST:
            return litres
    raise _UnreadableError("range", "a cumulated volume is 0 to 10^12 m3")


def _instant(item: Item, received_at: int) -> int | None:
    if item.time_s is None:
        return None
    whole = int(item.time_s)
    return received_at + whole if abs(whole) < RELATIVE_S else whole
