# SPDX-License-Identifier: Apache-2.0
"""The condition of a rule: a tree of a declared shape, checked whole before anything is kept, with the place of what is wrong. Pure.

    {"event": "low_battery"}                              the meter says that the event is there
    {"value": "battery_mv", "below": 3100}                a value under a bound; "above" over one
    {"value": "pressure", "outside": [2000, 4000]}        under the first or over the second
    {"change": "battery_mv", "falls": 200}                from one value to the next; "rises", or "moves" for either way
    {"rate": "pressure", "falls": 500, "per_s": 3600}     so much in so much time, from one value to the next
    {"all": [...]}   {"any": [...]}   {"not": {...}}      of those above
    {"silent_h": 36}                                      nothing was heard of the meter for so many hours
    {"missing_days": 3}                                   so many of its days were due and are not there
    {"unanswered_h": 24, "command": "valve"}              a command was sent so long ago and is not answered ("command" left out: any)
    {"meters": 5, "percent": 20, "within": "cell", "of": {...}}   so many meters of a place ("area": their own, "cell": their radio cell,
                                                          "scope": all that the rule is for) fulfil it at once; "percent" may be left out

The first six are judged on a message (``MessageCondition``), the three after them by the clock on what is stored; each of these stands alone,
and the last one stands around any. Values are integers x 10^exponent of the point's unit. A message that does not say a value neither
fulfils nor ends a condition that asks for it: three values, as in Kleene's logic – true, false, not said.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

MOST_NODES: Final = 50
DEEPEST: Final = 6
MOST_SILENT_H: Final = 24 * 90
MOST_DAYS: Final = 31
MOST_METERS: Final = 1_000_000
MOST_PER_S: Final = 31 * 86_400

Direction = Literal["rises", "falls", "moves"]
Within = Literal["area", "cell", "scope"]
DIRECTIONS: Final[tuple[Direction, ...]] = ("rises", "falls", "moves")
WITHIN: Final[tuple[Within, ...]] = ("area", "cell", "scope")


@dataclass(frozen=True, slots=True)
class ValueCondition:
    """Under ``low`` or over ``high``; a bound that is None is not asked about."""

    point: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class ChangeCondition:
    """From one value to the next at least ``least``; with ``per_s`` as a rate: so much in so many seconds."""

    point: str
    direction: Direction
    least: int
    per_s: int | None = None


@dataclass(frozen=True, slots=True)
class EventCondition:
    """The meter says that the event is there."""

    event: str


@dataclass(frozen=True, slots=True)
class AllConditions:
    """Each of them."""

    parts: tuple["MessageCondition", ...]


@dataclass(frozen=True, slots=True)
class AnyCondition:
    """One of them."""

    parts: tuple["MessageCondition", ...]


@dataclass(frozen=True, slots=True)
class NotCondition:
    """Not that."""

    part: "MessageCondition"


@dataclass(frozen=True, slots=True)
class SilenceCondition:
    """Nothing was heard for so long."""

    hours: int


@dataclass(frozen=True, slots=True)
class MissingCondition:
    """So many days were due and are not there."""

    days: int


@dataclass(frozen=True, slots=True)
class UnansweredCondition:
    """A command ('': of any kind) was sent so long ago and is not answered."""

    hours: int
    command: str = ""


MessageCondition = ValueCondition | ChangeCondition | EventCondition | AllConditions | AnyCondition | NotCondition
ClockCondition = SilenceCondition | MissingCondition | UnansweredCondition
MeterCondition = MessageCondition | ClockCondition
CLOCK = (SilenceCondition, MissingCondition, UnansweredCondition)


@dataclass(frozen=True, slots=True)
class GatherCondition:
    """At least ``meters`` of a place fulfil ``part`` at once, and at least ``percent`` of those there that the rule is for."""

    meters: int
    within: Within
    part: MeterCondition
    percent: int | None = None


Condition = MeterCondition | GatherCondition


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What can be asked about: points with least and greatest value that they can have, events, kinds of commands."""

    points: Mapping[str, tuple[int, int]]
    events: Collection[str]
    commands: Collection[str]


class ConditionError(Exception):
    """A tree that is none: ``place`` is a JSON pointer into it, ``code`` says what is wrong there."""

    def __init__(self, place: str, code: str) -> None:
        super().__init__(f"{place}: {code}")
        self.place, self.code = place, code


def parse(document: object, terms: RuleTerms) -> Condition:
    """The condition that a document describes. Raises ``ConditionError``."""
    if isinstance(document, dict) and "of" in document:
        _check_keys(document, "", {"meters", "within", "of"}, {"percent"})
        within = document["within"]
        if within not in WITHIN:
            raise ConditionError("/within", "not-accepted")
        percent = document.get("percent")
        return GatherCondition(
            _integer(document["meters"], "/meters", 2, MOST_METERS),
            within,
            _Reader(terms).meter(document["of"], "/of"),
            None if percent is None else _integer(percent, "/percent", 1, 100),
        )
    return _Reader(terms).meter(document, "")


class _Reader:
    """Counts the nodes that it reads."""

    def __init__(self, terms: RuleTerms) -> None:
        self._terms = terms
        self._left = MOST_NODES

    def meter(self, document: object, place: str) -> MeterCondition:
        if isinstance(document, dict):
            for key in ("silent_h", "missing_days", "unanswered_h"):
                if key in document:
                    return self._clock(document, key, place)
        return self._message(document, place, 0)

    def _clock(self, document: Mapping[str, Any], key: str, place: str) -> ClockCondition:
        _check_keys(document, place, {key}, {"command"} if key == "unanswered_h" else set())
        most = MOST_DAYS if key == "missing_days" else MOST_SILENT_H
        number = _integer(document[key], f"{place}/{key}", 1, most)
        if key == "silent_h":
            return SilenceCondition(number)
        if key == "missing_days":
            return MissingCondition(number)
        command = document.get("command", "")
        if command != "" and command not in self._terms.commands:
            raise ConditionError(f"{place}/command", "not-accepted")
        return UnansweredCondition(number, command)

    def _message(self, document: object, place: str, depth: int) -> MessageCondition:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise ConditionError(place, "too-deep-or-many")
        if not isinstance(document, dict) or not document:
            raise ConditionError(place, "wrong-type")
        keys = set(document)
        if "value" in keys:
            return self._value(document, place)
        if "change" in keys or "rate" in keys:
            return self._change(document, place)
        if "event" in keys:
            _check_keys(document, place, {"event"})
            if not isinstance(document["event"], str) or document["event"] not in self._terms.events:
                raise ConditionError(f"{place}/event", "not-accepted")
            return EventCondition(document["event"])
        if "not" in keys:
            _check_keys(document, place, {"not"})
            return NotCondition(self._message(document["not"], f"{place}/not", depth + 1))
        if "all" in keys or "any" in keys:
            key = "all" if "all" in keys else "any"
            _check_keys(document, place, {key})
            listed = document[key]
            if not isinstance(listed, list) or not listed:
                raise ConditionError(f"{place}/{key}", "wrong-type")
            parts = tuple(
                self._message(part, f"{place}/{key}/{number}", depth + 1) for number, part in enumerate(listed)
            )
            return AllConditions(parts) if key == "all" else AnyCondition(parts)
        if keys & {"silent_h", "missing_days", "unanswered_h", "of"}:
            raise ConditionError(place, "stands-alone")
        raise ConditionError(f"{place}/{_pointer(min(keys, key=str))}", "unknown-field")

    def _value(self, document: Mapping[str, Any], place: str) -> ValueCondition:
        point, (least, most) = self._point(document, "value", place)
        _check_keys(document, place, {"value"}, {"below", "above", "outside"})
        asked = [key for key in ("below", "above", "outside") if key in document]
        if len(asked) != 1:
            raise ConditionError(place, "one-comparison")
        (key,) = asked
        if key == "outside":
            bounds = document["outside"]
            if not isinstance(bounds, list) or len(bounds) != 2:
                raise ConditionError(f"{place}/outside", "wrong-type")
            low, high = (
                _integer(bound, f"{place}/outside/{number}", least, most) for number, bound in enumerate(bounds)
            )
            if low > high:
                raise ConditionError(f"{place}/outside/1", "below-low")
            return ValueCondition(point, low, high)
        # what nothing can be under or over would never fire
        bound = _integer(document[key], f"{place}/{key}", least + (key == "below"), most - (key == "above"))
        return ValueCondition(point, bound if key == "below" else None, bound if key == "above" else None)

    def _change(self, document: Mapping[str, Any], place: str) -> ChangeCondition:
        key = "rate" if "rate" in document else "change"
        point, (least, most) = self._point(document, key, place)
        _check_keys(document, place, {key, "per_s"} if key == "rate" else {key}, set(DIRECTIONS))
        directions = [direction for direction in DIRECTIONS if direction in document]
        if len(directions) != 1:
            raise ConditionError(place, "one-comparison")
        (direction,) = directions
        per_s = _integer(document["per_s"], f"{place}/per_s", 1, MOST_PER_S) if key == "rate" else None
        reach = most - least if per_s is None else 2**60
        return ChangeCondition(
            point, direction, _integer(document[direction], f"{place}/{direction}", 1, min(reach, 2**60)), per_s
        )

    def _point(self, document: Mapping[str, Any], key: str, place: str) -> tuple[str, tuple[int, int]]:
        point = document[key]
        if not isinstance(point, str) or point not in self._terms.points:
            raise ConditionError(f"{place}/{key}", "not-accepted")
        return point, self._terms.points[point]


def _check_keys(document: Mapping[Any, Any], place: str, needed: set[str], may: Collection[str] = ()) -> None:
    unknown = sorted(str(key) for key in document if key not in needed and key not in may)
    if unknown:
        raise ConditionError(f"{place}/{_pointer(unknown[0])}", "unknown-field")
    for key in sorted(needed):
        if key not in document:
            raise ConditionError(f"{place}/{key}", "required")


def _pointer(key: object) -> str:
    return str(key)[:60].replace("~", "~0").replace("/", "~1")


def _integer(value: object, place: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConditionError(place, "wrong-type")
    if not least <= value <= most:
        raise ConditionError(place, "out-of-range")
    return value


def meter_part(condition: Condition) -> MeterCondition:
    """What one meter fulfils: the condition itself, or the part of one that gathers."""
    return condition.part if isinstance(condition, GatherCondition) else condition


def leaves(condition: Condition) -> Iterator[MeterCondition]:
    """Conditions that are made of no others, in their order; the same one may come twice."""
    part = meter_part(condition)
    if isinstance(part, AllConditions | AnyCondition):
        for below in part.parts:
            yield from leaves(below)
    elif isinstance(part, NotCondition):
        yield from leaves(part.part)
    else:
        yield part


def points_of(condition: Condition) -> frozenset[str]:
    """Points that it asks for."""
    return frozenset(leaf.point for leaf in leaves(condition) if isinstance(leaf, ValueCondition | ChangeCondition))


def remembered(condition: Condition) -> frozenset[str]:
    """Points whose last value must be known."""
    return frozenset(leaf.point for leaf in leaves(condition) if isinstance(leaf, ChangeCondition))
