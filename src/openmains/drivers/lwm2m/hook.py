# SPDX-License-Identifier: Apache-2.0
"""Standard LwM2M objects → standard points: 3423 and 3424 (meters), 10272–10281 (alarms), 3 (device), 4 (radio).

A hook and not a table because a pack of SenML is self-describing: which resources come, in which order and in which of
four formats, is the meter's choice. Which resource becomes which point or event is still data, in the two tables below.
A cumulated volume is m³ with decimals, often out of a binary float: it is rounded to the nearest litre, half to even;
nothing else is rounded. The opaque interval payloads of 10266–10271 are kept raw: the registry leaves the unit of their
values to the implementation, so reading them would be guessing.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np

from openmains.drivers.lwm2m import envelope
from openmains.drivers.model import Columns, EncodeError, FieldTrace, Kind, Rejected
from openmains.drivers.page import Page
from openmains.drivers.page_driver import PageDriver
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


class _OptionsEntry(TypedDict):
    observe: NotRequired[list[object]]


class _Fault(NamedTuple):
    reason: str
    offset: int
    detail: str


class _Read(NamedTuple):
    """One report's meaning. ``instants``/``registers``: in the order they were sent."""

    kind: Kind
    points: dict[str, int]
    instants: list[int]
    registers: list[int]
    mask: int
    known: int


class Lwm2mDriver(PageDriver):
    """Water or gas meter by the standard objects."""

    wants_envelope = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.encodes = False
        self.observes = _observes(page)
        if page.unit_exponent != -3:
            place = page.source.place("driver", "unit_exponent")
            page.source.fail(place, "volumes of the standard objects are read as litres: unit_exponent = -3")
        self._meter = METERS[page.medium]
        words = vocabulary().events
        self._events = {key: 1 << words[name].bit for key, name in EVENTS.items()}
        own = {"device_at", "register", "register_at", "register_values", "register_instants", "raised_at"}
        self.points = frozenset(own | {name for name, _ in POINTS.values()})

    def check(self, payload: bytes) -> str | None:
        found = self._read(payload, 0)
        return found.reason if isinstance(found, _Fault) else None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        shapes: dict[tuple[object, ...], list[tuple[int, _Read]]] = {}
        rejected: list[Rejected] = []
        for row, payload in enumerate(payloads):
            found = self._read(payload, received_at[row])
            if isinstance(found, _Fault):
                rejected.append(Rejected(row, *found))
                continue
            shape = (found.kind, tuple(sorted(found.points)), len(found.instants), found.known)
            shapes.setdefault(shape, []).append((row, found))
        return [self._columns(group) for group in shapes.values()], rejected

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        return b""  # LwM2M has its own: the response code, and the clock is object 3's

    def explain(self, payload: bytes) -> list[FieldTrace]:
        fault = envelope.fault_of(payload)
        sizes = [(1, "mark"), (2, "content_format"), (1, "path_length")]
        if len(payload) > 3:
            sizes.append((payload[3], "path"))
        end = max(len(payload) - envelope.CRC_SIZE, 0)
        traces: list[FieldTrace] = []
        at = 0
        for size, name in sizes:
            part = payload[at : min(at + size, end)]
            if part:
                text = part.decode("ascii", "replace") if name == "path" else str(int.from_bytes(part, "big"))
                traces.append(FieldTrace(at, len(part), name, part.hex(), text if len(part) == size else "cut"))
                at += len(part)
        if at < end:
            traces.append(FieldTrace(at, end - at, "payload", payload[at:end].hex(), self._text(payload)))
        if end < len(payload):
            good = fault is None or fault[0] != "crc"
            traces.append(FieldTrace(end, len(payload) - end, "crc", payload[end:].hex(), "good" if good else "wrong"))
        return traces

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        raise EncodeError("a report of standard objects is made by an LwM2M client, and wrapped by the edge")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _text(self, payload: bytes) -> str:
        if envelope.fault_of(payload) is not None:
            return ""
        try:
            items = self._items(envelope.unwrap(payload))
        except WireError as bad:
            return bad.reason
        return ", ".join(f"{paths.text(item.path)}={item.value!s}" for item in items)

    def _items(self, report: envelope.Envelope) -> list[Item]:
        return codec.decode(report.payload, report.content_format, paths.parse(report.path), definitions().type)

    def _read(self, payload: bytes, received_at: int) -> _Read | _Fault:
        fault = envelope.fault_of(payload)
        if fault is not None:
            return _Fault(*fault)
        report = envelope.unwrap(payload)
        start = envelope.HEAD_SIZE + len(report.path)
        try:
            items = self._items(report)
        except WireError as bad:
            reason = "type" if bad.reason == "content format unknown" else "range"
            return _Fault(reason, min(start + bad.offset, len(payload)), f"{bad.layer}: {bad.reason}")
        points: dict[str, int] = {}
        volumes: list[tuple[int | None, int]] = []
        stamp: int | None = None
        raised_at: int | None = None
        mask = known = 0
        for item in items:
            key = (item.path[0], item.path[2])
            value = item.value
            if key == (self._meter, VOLUME) and isinstance(value, Decimal):
                litres = (
                    (value * 1000).to_integral_value(ROUND_HALF_EVEN)
                    if value.is_finite() and abs(value) < MOST
                    else None
                )
                if litres is None or not 0 <= litres < MOST:
                    return _Fault("range", start, "a cumulated volume is 0 to 10^12 m3")
                volumes.append((_instant(item, received_at), int(litres)))
            elif key == (self._meter, TIMESTAMP) and isinstance(value, int):
                stamp = value
            elif key in POINTS and isinstance(value, int):
                name, factor = POINTS[key]
                low, high = RANGES[name]
                if low <= value * factor <= high:  # a module's mark for unknown is no value
                    points.setdefault(name, value * factor)
            elif key in self._events and isinstance(value, bool):
                known |= self._events[key]
                mask |= self._events[key] if value else 0
            elif key[1] == EVENT_TIME and item.path[0] >= 10_272 and isinstance(value, int):
                raised_at = value
        if not volumes and not points and not known:
            return _Fault("type", start, "nothing of the objects that this driver reads")
        instants = [at if at is not None else stamp if stamp is not None else received_at for at, _ in volumes]
        registers = [litres for _, litres in volumes]
        if any(not 0 <= at < 1 << 32 for at in [*instants, raised_at or 0]):
            return _Fault("range", start, "an instant before 1970 or after 2106")
        points["device_at"] = max(instants, default=received_at)
        if volumes:
            newest, register = max(zip(instants, registers, strict=True))
            points |= {"register": register, "register_at": newest}
            return _Read(Kind.REGISTERS, points, instants, registers, mask, known)
        if known and raised_at is not None:
            points["raised_at"] = raised_at
        return _Read(Kind.ALARM if known else Kind.HEARTBEAT, points, [], [], mask, known)

    def _columns(self, group: list[tuple[int, _Read]]) -> Columns:
        first = group[0][1]
        points = {name: np.array([read.points[name] for _, read in group], np.int64) for name in first.points}
        series = {}
        if first.instants:
            series["register_instants"] = np.array([read.instants for _, read in group], np.int64)
            series["register_values"] = np.array([read.registers for _, read in group], np.int64)
        mask = np.array([read.mask for _, read in group], np.int64) if first.known else None
        return Columns(first.kind, [row for row, _ in group], points, series, mask, first.known)


def _observes(page: Page) -> tuple[paths.Path, ...]:
    """``[options] observe``: object instances that the platform observes after a registration, in this order."""
    reader = page.source
    place = reader.place("options", "observe")
    found: list[paths.Path] = []
    for text in reader.section(_OptionsEntry, "options").get("observe", []):
        try:
            path = paths.parse(text) if isinstance(text, str) else None
        except WireError:
            path = None
        if path is None:
            reader.fail(place, "observe is a list of LwM2M paths")
        if not 1 <= len(path) <= 2:
            reader.fail(place, "observe names objects or object instances")
        found.append(path)
    return tuple(found)


def _instant(item: Item, received_at: int) -> int | None:
    if item.time_s is None:
        return None
    whole = int(item.time_s)
    return received_at + whole if abs(whole) < RELATIVE_S else whole
