# SPDX-License-Identifier: Apache-2.0
"""Collection tasks: what is to be read, when and of whom, set by level and overridden below (R4.7, 分级配置的任务管理). Pure.

    company → areas from the top down (a branch is an area with areas below it) → product → meter

A level that says nothing of a part leaves it as the level above has it; a meter's task is put together part by part, and each part knows
the task it comes from. A task holds from one day to another. Tasks are never rewritten: another takes over from a day on, so that what
was due on a day in the past stays as it was.

A task's mode is what the utility wants. What a meter itself says of its mode stands above it (``expected.Expectation``): nobody misses
early what a meter does not send yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from openmains.domain.ids import AreaId, MeterId, ProductId, TaskId
from openmains.domain.period import HOUR_S
from openmains.domain.readings.expected import Mode


class Level(StrEnum):
    """Of whom a task speaks, from the most general on."""

    COMPANY = "company"
    AREA = "area"
    PRODUCT = "product"
    METER = "meter"


LEVELS: Final = tuple(Level)


class Frequency(StrEnum):
    """How often a meter is to report (R1.3)."""

    DAY = "day"
    TWICE_A_DAY = "twice_a_day"
    DENSE = "dense"
    WEEK = "week"
    TEN_DAYS = "ten_days"
    MONTH = "month"

    @property
    def mode(self) -> Mode:
        """By which a day is due: who reports more often than daily is due like a daily meter."""
        return Mode.DAY if self in (Frequency.TWICE_A_DAY, Frequency.DENSE) else Mode(self.value)


FREQUENCY_S: Final[Mapping[Frequency, int]] = {Frequency.TWICE_A_DAY: 12 * HOUR_S, Frequency.DENSE: HOUR_S}


class Need(StrEnum):
    """What of a day must be there for it to be well."""

    SLOTS = "slots"  # every interval, measured
    TOTAL = "total"  # the day's volume; a total out of the 7-day history will do


class Remedy(StrEnum):
    """What happens to a gap."""

    AUTOMATIC = "automatic"  # history, re-read, visit
    HISTORY = "history"  # what the meter tells by itself, then a visit
    NEVER = "never"  # nothing by itself


@dataclass(frozen=True, slots=True)
class Task:
    """One level's word. ``target``: id of area, product or meter, None for the company; None in a part: as the level above.

    first, last   days on which it holds; ``last`` None: until another takes over
    quantities    names of ``[quantities]`` of ``drivers/points.toml`` that are wanted besides volume
    rereads_a_month  re-reads of one meter in a month at most: each costs its battery about what a report does
    """

    task_id: TaskId
    level: Level
    target: int | None
    first: int
    last: int | None = None
    frequency: Frequency | None = None
    need: Need | None = None
    remedy: Remedy | None = None
    rereads_a_month: int | None = None
    quantities: tuple[str, ...] | None = None

    def holds_on(self, day: int) -> bool:
        """Whether it is in force on a day."""
        return self.first <= day and (self.last is None or day <= self.last)

    def mode_on(self, day: int) -> Mode | None:
        """The mode it wants on a day; None where it says none or does not hold."""
        return self.frequency.mode if self.frequency is not None and self.holds_on(day) else None


PARTS: Final = ("frequency", "need", "remedy", "rereads_a_month", "quantities")
DEFAULTS: Final[Mapping[str, object]] = {
    "frequency": None, "need": Need.SLOTS, "remedy": Remedy.AUTOMATIC, "rereads_a_month": 6, "quantities": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A meter's task as it is put together. ``sources``: part → the task that says it; parts nobody says have none."""

    frequency: Frequency | None
    need: Need
    remedy: Remedy
    rereads_a_month: int
    quantities: tuple[str, ...]
    sources: Mapping[str, Task]


class Place(NamedTuple):
    """Where a meter stands: its area with those above it, its own first."""

    areas: Sequence[AreaId]
    product_id: ProductId
    meter_id: MeterId | None = None


def chain_of(tasks: Iterable[Task], place: Place) -> list[Task]:
    """The tasks that speak of a meter at a place, from the most general on; of one target the one that begins later comes last."""
    depth = {area_id: len(place.areas) - at for at, area_id in enumerate(place.areas)}

    def rank(task: Task) -> tuple[int, int, int, int] | None:
        if task.level is Level.COMPANY:
            return 0, 0, task.first, task.task_id
        if task.level is Level.AREA and task.target in depth:
            return 1, depth[AreaId(task.target)], task.first, task.task_id
        if task.level is Level.PRODUCT and task.target == place.product_id:
            return 2, 0, task.first, task.task_id
        if task.level is Level.METER and task.target is not None and task.target == place.meter_id:
            return 3, 0, task.first, task.task_id
        return None

    ranked = [(found, task) for task in tasks if (found := rank(task)) is not None]
    return [task for _, task in sorted(ranked, key=lambda pair: pair[0])]


def wanted_on(chain: Sequence[Task], day: int) -> Wanted:
    """What is wanted on a day of the meter whose ``chain`` it is: part by part the lowest level that says it."""
    values, sources = dict(DEFAULTS), dict[str, Task]()
    for task in chain:
        if not task.holds_on(day):
            continue
        for part in PARTS:
            said = getattr(task, part)
            if said is not None:
                values[part], sources[part] = said, task
    return Wanted(**values, sources=sources)  # type: ignore[arg-type]  # by PARTS, whose types are Task's


def mode_on(chain: Sequence[Task], day: int) -> Mode | None:
    """The mode that is wanted on a day; None where no task says one."""
    said = [mode for task in chain if (mode := task.mode_on(day)) is not None]
    return said[-1] if said else None


class WantedModes(NamedTuple):
    """Modes that tasks want on a day, each level by itself: a meter's before its product's, then its area's, then the company's.
    An area is there only where a task of it or of one above it says a mode."""

    meters: Mapping[int, Mode]
    products: Mapping[int, Mode]
    areas: Mapping[int, Mode]
    company: Mode | None = None

    def of(self, meter_id: int, product_id: int, area_id: int) -> Mode | None:
        """Of one meter; None where no task says one."""
        return self.meters.get(meter_id) or self.products.get(product_id) or self.areas.get(area_id) or self.company


def modes_on(tasks: Iterable[Task], above: Mapping[int, int | None], day: int) -> WantedModes:
    """For counts of many meters. ``above``: area → the one above it. Each area is looked at once, however deep they lie."""
    said: dict[Level, dict[int, Mode]] = {level: {} for level in LEVELS}
    for task in sorted(tasks, key=lambda task: (task.first, task.task_id)):
        mode = task.mode_on(day)
        if mode is not None:
            said[task.level][task.target or 0] = mode
    areas = _inherited(said[Level.AREA], above) if said[Level.AREA] else {}
    return WantedModes(said[Level.METER], said[Level.PRODUCT], areas, said[Level.COMPANY].get(0))


def _inherited(own: Mapping[int, Mode], above: Mapping[int, int | None]) -> dict[int, Mode]:
    """Of every area the mode of the nearest one, itself or above it, that has its own."""
    found: dict[int, Mode | None] = {}
    for area_id in above:
        line: list[int] = []
        at: int | None = area_id
        while at is not None and at not in found:
            found[at] = own.get(at)  # so that a loop that should not be ends here
            line.append(at)
            if found[at] is not None:
                break
            at = above.get(at)
        mode = None if at is None else found[at]
        for one in line:
            found[one] = mode
    return {area_id: mode for area_id, mode in found.items() if mode is not None}


def line_of(area_id: int, above: Mapping[int, int | None]) -> list[AreaId]:
    """An area and those above it, its own first. Areas form a tree; a loop that should not be ends."""
    line: dict[AreaId, None] = {}
    at: int | None = area_id
    while at is not None and at not in line:
        line[AreaId(at)] = None
        at = above.get(at)
    return list(line)


def overlapping(tasks: Iterable[Task], first: int, last: int | None) -> list[Task]:
    """Those of one target that hold on a day between the two."""
    return [
        task for task in tasks if (last is None or task.first <= last) and (task.last is None or first <= task.last)
    ]
