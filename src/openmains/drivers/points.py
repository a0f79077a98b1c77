# SPDX-License-Identifier: Apache-2.0
"""Standard points and events (``points.toml``): the vocabulary every driver page is written in (R3.3).

Its section ``latest`` is the one list of state points: the pipeline's columns and bounds and the API's fields come from it.
``quantities`` is the one list of what is kept as series or spot values: store, API, console and export follow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NotRequired, TypedDict

from openmains.drivers.model import Title
from openmains.drivers.page_reader import PageReader, open_text

SEVERITIES = ("critical", "major", "minor", "info")
MAX_EVENT_BIT = 62
MAX_QUANTITY = 65_535
WIDTHS = (16, 32, 64)


@dataclass(slots=True, frozen=True)
class Point:
    """A quantity: value × 10^exponent of ``unit``; unit "volume" is the driver's own 10^unit_exponent m³.

    ``least``, ``most``: what it can be at all, in the point's unit. ``missing``: values that say 'not known'.
    """

    name: str
    unit: str
    exponent: int
    title: Title
    least: int | None = None
    most: int | None = None
    missing: frozenset[int] = frozenset()

    def is_possible(self, value: int) -> bool:
        """Whether the quantity can be this at all."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(slots=True, frozen=True)
class Event:
    """A state of a meter that people are notified of; ``bit`` is its number in every event mask, for ever."""

    name: str
    bit: int
    severity: str
    title: Title


@dataclass(slots=True, frozen=True)
class StatePoint:
    """A point whose newest value is kept with the meter, in ``bits`` bits; ``shown``: the API tells it."""

    point: Point
    bits: int
    shown: bool

    @property
    def name(self) -> str:
        """Of the point, and of the column of ``meter_state``."""
        return self.point.name

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and greatest value that can be, and be kept; the least of 32 and 64 bits is left out, it says 'not sent'."""
        most = 2 ** (self.bits - 1) - 1
        low, high = -most - (1 if self.bits == WIDTHS[0] else 0), most
        point = self.point
        return low if point.least is None else point.least, high if point.most is None else point.most


@dataclass(slots=True, frozen=True)
class Quantity:
    """A point whose values are kept, under ``number``; ``logged``: with every report in the table of signals (ADR 0019)."""

    point: Point
    number: int
    logged: bool

    @property
    def name(self) -> str:
        """Of the point."""
        return self.point.name

    @property
    def bounds(self) -> tuple[int, int]:
        """Least and greatest value that can be, and be kept: differences of two fit 64 bits."""
        point = self.point
        return -(2**60) if point.least is None else point.least, 2**60 if point.most is None else point.most


@dataclass(slots=True, frozen=True)
class Vocabulary:
    """All points and events, by name; ``latest`` the state points, ``quantities`` those whose values are kept, in the order of
    their lists."""

    points: dict[str, Point]
    events: dict[str, Event]
    latest: dict[str, StatePoint]
    quantities: dict[str, Quantity]

    def event_names(self, mask: int) -> list[str]:
        """Names of the events whose bits are set, by number."""
        return [e.name for e in sorted(self.events.values(), key=lambda e: e.bit) if mask >> e.bit & 1]

    def event_mask(self, names: list[str]) -> int:
        """Mask of these events; raises ``KeyError`` for an unknown name."""
        mask = 0
        for name in names:
            mask |= 1 << self.events[name].bit
        return mask


class _PointEntry(TypedDict):
    unit: str
    exponent: int
    least: NotRequired[int]
    most: NotRequired[int]
    missing: NotRequired[list[int]]
    zh: str
    en: str


class _EventEntry(TypedDict):
    bit: int
    severity: str
    zh: str
    en: str


class _LatestEntry(TypedDict):
    bits: int
    shown: bool


class _QuantityEntry(TypedDict):
    number: int
    logged: NotRequired[bool]


class _Sections(TypedDict):
    points: NotRequired[dict[str, object]]
    events: NotRequired[dict[str, object]]
    latest: NotRequired[dict[str, object]]
    quantities: NotRequired[dict[str, object]]


def parse_vocabulary(text: str, file: str = "points.toml") -> Vocabulary:
    """Reads the vocabulary; raises ``DriverPageError`` with the line of the first fault."""
    reader = open_text(file, text)
    sections = reader.section(_Sections)
    points = {name: _point(reader, name, raw) for name, raw in sections.get("points", {}).items()}
    events: dict[str, Event] = {}
    taken: dict[int, str] = {}
    for name, raw in sections.get("events", {}).items():
        event = events[name] = _event(reader, name, raw)
        if event.bit in taken:
            reader.fail(reader.place("events", name), f"event bit {event.bit} belongs to {taken[event.bit]} already")
        taken[event.bit] = name
    latest = {name: _state_point(reader, name, raw, points) for name, raw in sections.get("latest", {}).items()}
    quantities: dict[str, Quantity] = {}
    numbers: dict[int, str] = {}
    for name, raw in sections.get("quantities", {}).items():
        kept = quantities[name] = _quantity(reader, name, raw, points)
        if kept.number in numbers:
            place = reader.place("quantities", name)
            reader.fail(place, f"number {kept.number} belongs to {numbers[kept.number]} already")
        numbers[kept.number] = name
    return Vocabulary(points, events, latest, quantities)


def _point(reader: PageReader, name: str, raw: object) -> Point:
    entry = reader.checked(_PointEntry, raw, "points", name)
    if not (entry["unit"] and entry["zh"] and entry["en"]):
        reader.fail(reader.place("points", name), "unit, zh and en are not empty")
    least, most, missing = entry.get("least"), entry.get("most"), frozenset(entry.get("missing", []))
    point = Point(name, entry["unit"], entry["exponent"], Title(entry["zh"], entry["en"]), least, most, missing)
    if not all(point.is_possible(mark) for mark in missing):
        reader.fail(reader.place("points", name), "a mark in missing is beyond least and most already")
    return point


def _event(reader: PageReader, name: str, raw: object) -> Event:
    entry = reader.checked(_EventEntry, raw, "events", name)
    place = reader.place("events", name)
    bit, severity = entry["bit"], entry["severity"]
    if not (entry["zh"] and entry["en"]):
        reader.fail(place, "zh and en are not empty")
    if not 0 <= bit <= MAX_EVENT_BIT:
        reader.fail(place, f"event bit {bit} is outside 0..{MAX_EVENT_BIT}")
    if severity not in SEVERITIES:
        reader.fail(place, f"severity {severity!r} is not one of {', '.join(SEVERITIES)}")
    return Event(name, bit, severity, Title(entry["zh"], entry["en"]))


def _state_point(reader: PageReader, name: str, raw: object, points: Mapping[str, Point]) -> StatePoint:
    entry = reader.checked(_LatestEntry, raw, "latest", name)
    place = reader.place("latest", name)
    if name not in points:
        reader.fail(place, f"{name} is no point")
    if entry["bits"] not in WIDTHS:
        reader.fail(place, f"bits must be one of {', '.join(map(str, WIDTHS))}")
    point = points[name]
    most = 2 ** (entry["bits"] - 1) - 1
    if (point.least or 0) < -most or (point.most or 0) > most:
        reader.fail(place, f"{name} can be more than {entry['bits']} bits hold")
    return StatePoint(point, entry["bits"], entry["shown"])


def _quantity(reader: PageReader, name: str, raw: object, points: Mapping[str, Point]) -> Quantity:
    entry = reader.checked(_QuantityEntry, raw, "quantities", name)
    place = reader.place("quantities", name)
    if name not in points:
        reader.fail(place, f"{name} is no point")
    if not 1 <= entry["number"] <= MAX_QUANTITY:
        reader.fail(place, f"number {entry['number']} is outside 1..{MAX_QUANTITY}")
    return Quantity(points[name], entry["number"], entry.get("logged", False))


@cache
def vocabulary() -> Vocabulary:
    """The packaged vocabulary."""
    return parse_vocabulary(resources.files("openmains.drivers").joinpath("points.toml").read_text("utf-8"))
