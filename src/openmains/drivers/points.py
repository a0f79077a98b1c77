# SPDX-License-Identifier: Apache-2.0
"""Standard points and events (``points.toml``): the vocabulary every driver page is written in (R3.3)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import Title

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
    """A state of a meter that people hear of; ``bit`` is its number in every event mask, for ever."""

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


def parse_vocabulary(text: str, file: str = "points.toml") -> Vocabulary:
    """Reads the vocabulary; raises ``DriverPageError`` with the line of the first fault."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        raise DriverPageError(file, toml_line(bad), str(bad)) from bad
    points: dict[str, Point] = {}
    events: dict[str, Event] = {}
    seen: dict[int, str] = {}
    for name, entry in data.get("points", {}).items():
        line = _line_of(text, name)
        _need(entry, {"unit": str, "exponent": int, "zh": str, "en": str}, file, line)
        points[name] = Point(name, entry["unit"], entry["exponent"], Title(entry["zh"], entry["en"]))
    for name, entry in data.get("events", {}).items():
        line = _line_of(text, name)
        _need(entry, {"bit": int, "severity": str, "zh": str, "en": str}, file, line)
        if not 0 <= entry["bit"] <= MAX_EVENT_BIT:
            raise DriverPageError(file, line, f"event bit {entry['bit']} is outside 0..{MAX_EVENT_BIT}")
        if entry["bit"] in seen:
            raise DriverPageError(file, line, f"event bit {entry['bit']} belongs to {seen[entry['bit']]} already")
        if entry["severity"] not in SEVERITIES:
            raise DriverPageError(file, line, f"severity {entry['severity']!r} is not one of {', '.join(SEVERITIES)}")
        seen[entry["bit"]] = name
        events[name] = Event(name, entry["bit"], entry["severity"], Title(entry["zh"], entry["en"]))
    return Vocabulary(points, events)


@cache
def vocabulary() -> Vocabulary:
    """The packaged vocabulary."""
    return parse_vocabulary(resources.files("openmains.drivers").joinpath("points.toml").read_text("utf-8"))


def toml_line(bad: tomllib.TOMLDecodeError) -> int:
    """Line number out of the parser's message '(at line N, column M)'; 0 when it names none."""
    _, found, rest = str(bad).rpartition("at line ")
    return int(rest.split(",")[0]) if found else 0


def _need(entry: Any, keys: dict[str, type], file: str, line: int) -> None:
    if not isinstance(entry, dict) or set(entry) != set(keys):
        raise DriverPageError(file, line, f"an entry needs exactly {', '.join(keys)}")
    for key, kind in keys.items():
        if not isinstance(entry[key], kind) or entry[key] == "":
            raise DriverPageError(file, line, f"{key} must be {kind.__name__} and not empty")


def _line_of(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("=")[0].strip() == name:
            return number
    return 0
