# SPDX-License-Identifier: Apache-2.0
"""Standard points and events (``points.toml``): the vocabulary every driver page is written in (R3.3)."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NotRequired, TypedDict

from openmains.drivers.model import Title
from openmains.drivers.page_reader import PageReader, open_text

SEVERITIES = ("critical", "major", "minor", "info")
MAX_EVENT_BIT = 62


@dataclass(slots=True, frozen=True)
class Point:
    """A quantity: value × 10^exponent of ``unit``; unit "volume" is the driver's own 10^unit_exponent m³."""

    name: str
    unit: str
    exponent: int
    title: Title


@dataclass(slots=True, frozen=True)
class Event:
    """A state of a meter that people are notified of; ``bit`` is its number in every event mask, for ever."""

    name: str
    bit: int
    severity: str
    title: Title


@dataclass(slots=True, frozen=True)
class Vocabulary:
    """All points and events, by name."""

    points: dict[str, Point]
    events: dict[str, Event]

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
    zh: str
    en: str


class _EventEntry(TypedDict):
    bit: int
    severity: str
    zh: str
    en: str


class _Sections(TypedDict):
    points: NotRequired[dict[str, object]]
    events: NotRequired[dict[str, object]]


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
    return Vocabulary(points, events)


def _point(reader: PageReader, name: str, raw: object) -> Point:
    entry = reader.checked(_PointEntry, raw, "points", name)
    if not (entry["unit"] and entry["zh"] and entry["en"]):
        reader.fail(reader.place("points", name), "unit, zh and en are not empty")
    return Point(name, entry["unit"], entry["exponent"], Title(entry["zh"], entry["en"]))


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


@cache
def vocabulary() -> Vocabulary:
    """The packaged vocabulary."""
    return parse_vocabulary(resources.files("openmains.drivers").joinpath("points.toml").read_text("utf-8"))
