# SPDX-License-Identifier: Apache-2.0
"""Storms: many alarms of one kind in one place or radio cell within minutes are one group (R7.2, G4.5). Pure: a batch of alarms that
nobody was told of yet, what stands near them, and the instant go in; who joins what, which groups begin and who stands alone come out.

    joins    its kind has a group in its place or cell that members came to within ``JOIN_S``
    begins   in a place so many of the kind came within ``WINDOW_S`` that it is no coincidence (``threshold``); those told alone join too
    alone    neither, and it has waited for company for ``SETTLE_S``
    waits    for company; looked at again with what comes meanwhile

The place of a group is the smallest that holds ``SHARE`` of what came in the highest place with enough of them: a burst main is its
street and not the company, a blackout the district and not each of its houses. What lies outside is looked at again without them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from openmains.domain.ids import AlarmId, AreaId, GroupId, TenantId

WINDOW_S: Final = 300
SETTLE_S: Final = 3  # small against the 20 s an alarm has, large against the seconds in which a burst begins
JOIN_S: Final = 1800
SHARE: Final = 0.8
FEWEST, MOST_NEEDED = 20, 200
FEWEST_OF_CELL: Final = 50
WHOLE: Final = AreaId(0)
"""The whole utility as a place."""

Kind = tuple[TenantId, str, str, str]
"""Event, of limits and rules the quantity, else '', and severity: what is critical never joins without a word what is less."""
_S = 1_000_000


@dataclass(frozen=True, slots=True)
class StormAlarm:
    """An alarm as the decision sees it. ``places``: areas from the top of the tree down to its own; ``cell``: None not known."""

    alarm_id: AlarmId
    tenant_id: TenantId
    event: str
    quantity: str
    severity: str
    places: tuple[AreaId, ...]
    cell: int | None
    received_us: int

    @property
    def kind(self) -> Kind:
        return self.tenant_id, self.event, self.quantity, self.severity


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """A group that may still grow. ``last_us``: when the last member joined."""

    group_id: GroupId
    kind: Kind
    area_id: AreaId | None
    cell: int | None
    last_us: int

    def takes(self, alarm: StormAlarm, now_us: int) -> bool:
        """Whether it is of the same storm."""
        if alarm.kind != self.kind or now_us - self.last_us > JOIN_S * _S:
            return False
        if self.cell is not None:
            return alarm.cell == self.cell
        return self.area_id is None or self.area_id in alarm.places


@dataclass(frozen=True, slots=True)
class NewGroup:
    """One that begins: its place (``WHOLE``: the utility) or its cell, and its members, oldest first."""

    kind: Kind
    area_id: AreaId
    cell: int | None
    members: tuple[StormAlarm, ...]


@dataclass(slots=True)
class Grouping:
    """What is decided; an alarm in none of these waits."""

    joins: dict[GroupId, list[StormAlarm]] = field(default_factory=dict)
    begins: list[NewGroup] = field(default_factory=list)
    alone: list[StormAlarm] = field(default_factory=list)


def crowded(alarms: Iterable[StormAlarm]) -> set[tuple[TenantId, AreaId]]:
    """Places, ``WHOLE`` among them, where so many of one kind are that their size matters."""
    counts = Counter((alarm.kind, place) for alarm in alarms for place in (WHOLE, *alarm.places))
    return {(kind[0], place) for (kind, place), count in counts.items() if count >= FEWEST}


def threshold(meters: int) -> int:
    """So many of one kind within the window are no coincidence in a place of so many meters."""
    return max(FEWEST, min(MOST_NEEDED, meters // 200))


def group(
    fresh: Sequence[StormAlarm],
    told_alone: Iterable[StormAlarm],
    groups: Sequence[OpenGroup],
    sizes: Mapping[tuple[TenantId, AreaId], int],
    now_us: int,
) -> Grouping:
    """``fresh``: told to nobody yet. ``told_alone``: those of the same kinds that came within the window and are in no group. ``sizes``:
    meters of each place that is ``crowded``, of the whole utility under ``WHOLE``; one that is not named has few."""
    decided = Grouping()
    left: dict[Kind, list[StormAlarm]] = defaultdict(list)
    new = {alarm.alarm_id for alarm in fresh}
    by_kind: dict[Kind, list[OpenGroup]] = defaultdict(list)
    for known in groups:
        by_kind[known.kind].append(known)
    for alarm in fresh:
        of = next((known for known in by_kind[alarm.kind] if known.takes(alarm, now_us)), None)
        if of is None:
            left[alarm.kind].append(alarm)
        else:
            decided.joins.setdefault(of.group_id, []).append(alarm)
    for alarm in told_alone:
        if alarm.kind in left and alarm.alarm_id not in new and now_us - alarm.received_us <= WINDOW_S * _S:
            left[alarm.kind].append(alarm)
    for kind, alarms in left.items():
        rest = alarms
        while (found := _storm(kind, rest, sizes)) is not None:
            decided.begins.append(found)
            inside = {alarm.alarm_id for alarm in found.members}
            rest = [alarm for alarm in rest if alarm.alarm_id not in inside]
        decided.alone += [
            alarm for alarm in rest if alarm.alarm_id in new and now_us - alarm.received_us >= SETTLE_S * _S
        ]
    return decided


def _storm(kind: Kind, alarms: Sequence[StormAlarm], sizes: Mapping[tuple[TenantId, AreaId], int]) -> NewGroup | None:
    if len(alarms) < FEWEST:
        return None
    counts = Counter(place for alarm in alarms for place in (WHOLE, *alarm.places))
    depth = {place: deep for alarm in alarms for deep, place in enumerate((WHOLE, *alarm.places))}
    storms = [place for place, count in counts.items() if count >= threshold(sizes.get((kind[0], place), 0))]
    if storms:
        place = min(storms, key=lambda area: (depth[area], -counts[area], area))
        inside = [alarm for alarm in alarms if place in (WHOLE, *alarm.places)]
        place = _narrowed(place, inside)
        return NewGroup(kind, place, None, _oldest_first([a for a in inside if place in (WHOLE, *a.places)]))
    cells = Counter(alarm.cell for alarm in alarms if alarm.cell is not None)
    if cells:
        cell, count = max(cells.items(), key=lambda item: (item[1], -item[0]))
        if count >= FEWEST_OF_CELL:
            return NewGroup(kind, WHOLE, cell, _oldest_first([alarm for alarm in alarms if alarm.cell == cell]))
    return None


def _narrowed(place: AreaId, inside: Sequence[StormAlarm]) -> AreaId:
    """The smallest place below this one that holds ``SHARE`` of these."""
    while True:
        below: Counter[AreaId] = Counter()
        for alarm in inside:
            way = (WHOLE, *alarm.places)
            after = way.index(place) + 1 if place in way else len(way)
            if after < len(way):
                below[way[after]] += 1
        if not below:
            return place
        child, count = max(below.items(), key=lambda item: (item[1], -item[0]))
        if count < max(FEWEST, SHARE * len(inside)):
            return place
        place = child


def _oldest_first(alarms: Iterable[StormAlarm]) -> tuple[StormAlarm, ...]:
    return tuple(sorted(alarms, key=lambda alarm: (alarm.received_us, alarm.alarm_id)))
