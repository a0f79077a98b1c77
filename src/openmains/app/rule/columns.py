# SPDX-License-Identifier: Apache-2.0
"""Rules over messages of one shape, a column at a time: a rule costs the same few operations for a thousand messages as for one (R7.2).

The same three values as ``domain.rule.judge``, as two masks: fulfilled, and said. All bounds of one point are compared at once, as a matrix of
rules by messages; so are rules of one leaf, which nearly all are. Of a series only its least and its greatest value count for bounds, its
greatest steps for changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmains.app.rule.model import ActiveRule
from openmains.domain.ids import RuleId
from openmains.domain.rule.tree import (
    CLOCK,
    AllConditions,
    AnyCondition,
    ChangeCondition,
    EventCondition,
    MeterCondition,
    NotCondition,
    ValueCondition,
    leaves,
    meter_part,
)
from openmains.drivers.model import MISSING_VALUE, Columns, Ints
from openmains.drivers.points import vocabulary

Mask = NDArray[np.bool_]
LEAST, MOST = -(2**63) + 1, 2**63 - 1
SAFE = 2**62
_KIND_OF_BALANCE = {"balance": 0, "balance_volume": 1}
_Leaf = ValueCondition | ChangeCondition | EventCondition


@dataclass(slots=True)
class PointSteps:
    """What a meter said last of a point before each row's message, and how long before (s); MISSING_VALUE where that is not known."""

    value: Ints
    taken_s: Ints


@dataclass(slots=True)
class RuleVerdict:
    """Rules that a message fulfils, by their places, shared by messages that fulfil the same. ``stands``: what stands at a meter that said so
    before, by version: where just that does, nothing changes. None where some of them are not for all meters."""

    places: list[int]
    stands: dict[RuleId, int] | None


@dataclass(slots=True)
class RuleVerdicts:
    """``fulfilled``: by row, of those that fulfil any; ``known``, ``yes``: rules by rows."""

    fulfilled: dict[int, RuleVerdict]
    yes: Mask
    known: Mask

    def is_over(self, place: int, row: int) -> bool:
        """Whether the row says that the rule's condition is not fulfilled."""
        return bool(self.known[place, row]) and not self.yes[place, row]


class RulePlan:
    """Rules of one product, laid out for its columns. Conditions of the clock are not among them."""

    def __init__(self, rules: Sequence[ActiveRule]) -> None:
        self.rules = [rule for rule in rules if not isinstance(meter_part(rule.condition), CLOCK)]
        self.place_of = {rule.rule_id: place for place, rule in enumerate(self.rules)}
        self._leaves: dict[_Leaf, int] = {}
        simple: list[tuple[int, int]] = []
        self._trees: list[tuple[int, MeterCondition]] = []
        for place, rule in enumerate(self.rules):
            part = meter_part(rule.condition)
            for leaf in leaves(part):
                if isinstance(leaf, _Leaf):
                    self._leaves.setdefault(leaf, len(self._leaves))
            if isinstance(part, _Leaf):
                simple.append((place, self._leaves[part]))
            else:
                self._trees.append((place, part))
        self._simple = np.array(simple, dtype=np.intp).reshape(-1, 2)
        self._values: dict[str, tuple[NDArray[np.intp], Ints, Ints]] = {}
        self._changes: dict[str, list[tuple[int, ChangeCondition]]] = {}
        bounds: dict[str, list[tuple[int, ValueCondition]]] = {}
        events: list[tuple[int, int]] = []
        for found, number in self._leaves.items():
            if isinstance(found, ValueCondition):
                bounds.setdefault(found.point, []).append((number, found))
            elif isinstance(found, ChangeCondition):
                self._changes.setdefault(found.point, []).append((number, found))
            else:
                events.append((number, vocabulary().events[found.event].bit))
        for point, listed in bounds.items():
            self._values[point] = (
                np.array([number for number, _ in listed], dtype=np.intp),
                np.array([LEAST if leaf.low is None else leaf.low for _, leaf in listed], dtype=np.int64)[:, None],
                np.array([MOST if leaf.high is None else leaf.high for _, leaf in listed], dtype=np.int64)[:, None],
            )
        self._events = events
        self.remembered = tuple(self._changes)
        self.rated = frozenset(
            point for point, listed in self._changes.items() if any(leaf.per_s is not None for _, leaf in listed)
        )

    def judge(self, columns: Columns, before: Mapping[str, PointSteps]) -> RuleVerdicts:
        """Of all rows. ``before``: of the points in ``remembered``."""
        count = len(columns.rows)
        yes = np.zeros((len(self._leaves), count), dtype=bool)
        said = np.zeros_like(yes)
        for point, (numbers, low, high) in self._values.items():
            found = values_of(columns, point)
            if found is None:
                continue
            values, known = found
            least, most, told = _extremes(values, known)
            yes[numbers] = ((least < low) | (most > high)) & told
            said[numbers] = told
        for point, listed in self._changes.items():
            self._judge_changes(columns, point, listed, before.get(point), yes, said)
        if columns.event_mask is not None:
            for number, bit in self._events:
                if columns.event_known >> bit & 1:
                    yes[number] = columns.event_mask >> bit & 1
                    said[number] = True
        rules_yes = np.zeros((len(self.rules), count), dtype=bool)
        rules_said = np.zeros_like(rules_yes)
        rules_yes[self._simple[:, 0]] = yes[self._simple[:, 1]]
        rules_said[self._simple[:, 0]] = said[self._simple[:, 1]]
        for place, tree in self._trees:
            rules_yes[place], no = self._combine(tree, yes, said)
            rules_said[place] = rules_yes[place] | no
        fulfilled: dict[int, RuleVerdict] = {}
        alike: dict[bytes, RuleVerdict] = {}  # nearly all messages of a part fulfil the same
        packed = np.ascontiguousarray(np.packbits(rules_yes, axis=0).T)
        for row in np.flatnonzero(rules_yes.any(axis=0)).tolist():
            key = packed[row].tobytes()
            found_rules = alike.get(key)
            if found_rules is None:
                found_rules = alike[key] = self._fulfilled(np.flatnonzero(rules_yes[:, row]).tolist())
            fulfilled[row] = found_rules
        return RuleVerdicts(fulfilled, rules_yes, rules_said)

    def _fulfilled(self, places: list[int]) -> RuleVerdict:
        rules = [self.rules[place] for place in places]
        stands = {rule.rule_id: rule.version for rule in rules} if all(rule.is_for_all for rule in rules) else None
        return RuleVerdict(places, stands)

    def _combine(self, tree: MeterCondition, yes: Mask, said: Mask) -> tuple[Mask, Mask]:
        """(true, false) by Kleene's logic."""
        if isinstance(tree, NotCondition):
            true, false = self._combine(tree.part, yes, said)
            return false, true
        if isinstance(tree, AllConditions | AnyCondition):
            parts = [self._combine(part, yes, said) for part in tree.parts]
            one, all_ = (1, 0) if isinstance(tree, AllConditions) else (0, 1)
            joined = np.logical_or.reduce([part[one] for part in parts])
            common = np.logical_and.reduce([part[all_] for part in parts])
            return (common, joined) if isinstance(tree, AllConditions) else (joined, common)
        assert isinstance(tree, _Leaf)  # noqa: S101 conditions of the clock are in no plan
        number = self._leaves[tree]
        return yes[number], said[number] & ~yes[number]

    def _judge_changes(
        self,
        columns: Columns,
        point: str,
        listed: Sequence[tuple[int, ChangeCondition]],
        before: PointSteps | None,
        yes: Mask,
        said: Mask,
    ) -> None:
        found = values_of(columns, point)
        if found is None:
            return
        values, known = found
        first, first_known = (values, known) if values.ndim == 1 else (values[:, 0], known[:, 0])
        steps: list[tuple[Ints, Ints, Mask, bool]] = []  # step, seconds, whether it is one, whether it is a rate
        if before is not None:
            is_one = first_known & (before.value != MISSING_VALUE)
            step = np.where(is_one, first - np.where(is_one, before.value, 0), 0)
            steps.append((step, before.taken_s, is_one, values.ndim == 1 or values.shape[1] == 1))
        if values.ndim == 2 and values.shape[1] > 1:
            interval = interval_of(columns, point)
            pairs = known[:, 1:] & known[:, :-1]
            moves = np.where(pairs, np.where(known, values, 0)[:, 1:] - np.where(known, values, 0)[:, :-1], 0)
            is_rate = interval is not None
            taken = np.ones(len(columns.rows), dtype=np.int64) if interval is None else interval
            for size in (np.where(pairs, moves, LEAST).max(axis=1), np.where(pairs, moves, MOST).min(axis=1)):
                steps.append((size, taken, np.asarray(pairs.any(axis=1)), is_rate))
        for number, leaf in listed:
            for step, taken, is_one, is_rate in steps:
                if leaf.per_s is not None and not is_rate:
                    continue
                known_here = is_one if leaf.per_s is None else is_one & (taken > 0)
                size = np.where(known_here, step, 0)
                size = np.abs(size) if leaf.direction == "moves" else size if leaf.direction == "rises" else -size
                yes[number] |= known_here & _reach(size, leaf, taken)
                said[number] |= known_here


def _reach(size: Ints, leaf: ChangeCondition, taken: Ints) -> Mask:
    """``reaches`` of the domain; exact where 64 bits do not hold the products, too."""
    if leaf.per_s is None:
        return size >= leaf.least
    longest, greatest = int(np.abs(taken).max(initial=0)), int(np.abs(size).max(initial=0))
    if greatest * leaf.per_s < SAFE and leaf.least * longest < SAFE:
        return np.asarray(size * leaf.per_s >= leaf.least * taken, dtype=bool)
    wide = zip(size.tolist(), taken.tolist(), strict=True)
    return np.array([one * leaf.per_s >= leaf.least * span for one, span in wide], dtype=bool)


def values_of(columns: Columns, point: str) -> tuple[Ints, Mask] | None:
    """(values, which of them are said) of a point as rules name it: by row, or by row and place in the series. None: nothing is said."""
    kind = _KIND_OF_BALANCE.get(point)
    name = point if kind is None else "balance"
    values = columns.points.get(name)
    if values is None:
        values = columns.series.get(name)
    if values is None or values.size == 0:
        return None
    known = values != MISSING_VALUE
    if kind is not None:
        kinds = columns.points.get("balance_kind")
        if kinds is None:
            return None
        known = known & (kinds == kind if values.ndim == 1 else (kinds == kind)[:, None])
    return values, known


def interval_of(columns: Columns, point: str) -> Ints | None:
    """Seconds between two values of a point's series, by row; None where no message says it."""
    found = columns.points.get(f"{point}_interval_s", columns.points.get("interval_s"))
    return None if found is None else np.where(found == MISSING_VALUE, 0, found)


def _extremes(values: Ints, known: Mask) -> tuple[Ints, Ints, Mask]:
    least, most = np.where(known, values, MOST), np.where(known, values, LEAST)
    if values.ndim == 1:
        return least, most, known
    return least.min(axis=1), most.max(axis=1), np.asarray(known.any(axis=1))
