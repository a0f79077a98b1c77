# SPDX-License-Identifier: Apache-2.0
"""The collection report of one day: what should be there, what is, and by whom it is missing. Pure.

Words and rules: ``domain/readings/expected.py``. A day is due at 08:00 after the reporting period of a meter's mode (R1.3, R2.4); of
daily meters, for whom the report as a whole is due, that is the next morning.

A report has two figures side by side: *as due*, frozen when it was due (``due.py``) and never changed again, and *as of now*,
with what came late, was edited, or is expected since.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from openmains.domain.ids import AreaId, MeterId, ProductId
from openmains.domain.period import Zone, day_text
from openmains.domain.readings.expected import MODES, Collection, Mode, Modes, Status, due_at, period_of
from openmains.domain.readings.tasks import Task, WantedModes, line_of, modes_on

GROUPS = ("area", "product", "model", "maker", "driver")  # an area with those below it
_ALL_SEEN = 2**32 - 1
NO_TASKS = WantedModes({}, {}, {})
HEARD_DAYS = (
    31  # so long a meter is taken to be in the radio cell that it named: one that reports by the month says it once
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many meters of one area, product and mode stand how."""

    area_id: AreaId
    product_id: ProductId
    status: Status
    meters: int
    mode: Mode = Mode.DAY


@dataclass(frozen=True, slots=True)
class MissingMeter:
    """A meter whose day is not (fully) there."""

    meter_id: MeterId
    area_id: AreaId
    product_id: ProductId
    status: Status
    mode: Mode = Mode.DAY


@dataclass(frozen=True, slots=True)
class CellCounts:
    """How many meters of one radio cell stand how; cell 0: of which none is known."""

    cell: int
    status: Status
    meters: int


@dataclass(frozen=True, slots=True)
class Area:
    """Code and name of an area, and the one above it."""

    code: str
    name: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """What a report groups by; ``interval_s`` is the grid of its meter-days, ``modes`` how its meters report where they do not
    say it themselves."""

    code: str
    name: str
    maker: str
    driver: str
    interval_s: int
    modes: Modes = field(default_factory=lambda: Modes(Mode.DAY))
    model: str = ""
    medium: Literal["gas", "water"] = "water"

    @property
    def model_key(self) -> str:
        """Maker and model: two makers may call theirs the same."""
        return f"{self.maker} {self.model}".strip()


@dataclass(frozen=True, slots=True)
class MeterLabel:
    """How a missing meter is named to a person."""

    number: str
    address: str
    last_seen_s: int | None


@dataclass(frozen=True, slots=True)
class AsOf:
    """When a report is looked at: what is due at ``at_s``, of what had come before ``seen_s``. Seconds UTC."""

    at_s: int
    seen_s: int = _ALL_SEEN


def when_due(due_s: int) -> AsOf:
    """The instant at which something was due, whenever it is asked."""
    return AsOf(due_s, due_s)


@dataclass(frozen=True, slots=True)
class DayRequest:
    """A day as it is asked of the stores. ``slots`` and ``modes`` by product, ``tasks``: modes that tasks want, of which the company's
    is in ``modes`` already; ``dues`` (s) and ``ends`` (last day of the period that holds the day) by mode, in the order of ``MODES``.
    ``heard``: within which span (s) the cell that a meter named last is its own."""

    day: int
    instant: AsOf
    slots: Mapping[int, int]
    modes: Mapping[int, Mode]
    dues: Sequence[int]
    ends: Sequence[int]
    tasks: WantedModes = NO_TASKS
    heard: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of a tenant's areas and products by id. ``set_aside``: meters that the readings' store can not hold, so that they
    are counted nowhere; ``tasks``: all, ended ones too; ``above``: the area above each."""

    zone: Zone
    areas: Mapping[int, Area]
    products: Mapping[int, Product]
    set_aside: int = 0
    tasks: Sequence[Task] = ()
    above: Mapping[int, int | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Once: there may be hundreds of thousands of areas, and each is looked at in it."""
        object.__setattr__(self, "above", {area_id: area.parent_id for area_id, area in self.areas.items()})

    def slots(self, day: int) -> dict[int, int]:
        """Expected slots of a day by product: 46 to 50 half hours where the clock changes."""
        seconds = self.zone.seconds_in(day)
        return {product_id: -(-seconds // product.interval_s) for product_id, product in self.products.items()}

    def asked(self, day: int, instant: AsOf) -> DayRequest:
        """The question about a day. It looks at every area: once for all pages of an answer."""
        tasks = modes_on(self.tasks, self.above, day)
        return DayRequest(
            day,
            instant,
            self.slots(day),
            {
                product_id: tasks.company or product.modes.on(day) or Mode.DAY
                for product_id, product in self.products.items()
            },
            [due_at(day, mode, self.zone) for mode in MODES],
            [period_of(day, mode)[1] for mode in MODES],
            tasks,
            (self.zone.start_of(max(0, day - HEARD_DAYS)), due_at(day, Mode.DAY, self.zone)),
        )

    def ids_of(self, group: str, key: str) -> tuple[list[int], list[int]]:
        """(areas, products) that make up the report's line ``key``; both empty: there is no such line. An area's holds those below it."""
        if group == "area":
            top = next((area_id for area_id, area in self.areas.items() if area.code == key), None)
            return ([] if top is None else self._with_those_below([top])), []
        said = {"product": "code", "model": "model_key", "maker": "maker", "driver": "driver"}[group]
        return [], [product_id for product_id, product in self.products.items() if getattr(product, said) == key]

    def _with_those_below(self, tops: Iterable[int]) -> list[int]:
        below: dict[int, list[int]] = {}
        for area_id, parent_id in self.above.items():
            if parent_id is not None:
                below.setdefault(parent_id, []).append(area_id)
        found = {top for top in tops if top in self.areas}
        left = list(found)
        while left:
            new = [area_id for area_id in below.get(left.pop(), ()) if area_id not in found]
            found.update(new)
            left += new
        return [area_id for area_id in self.areas if area_id in found]


class Piece(NamedTuple):
    """The meters of a mode on a day: what is due at one instant."""

    day: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was kept of a day when it was due. ``frozen_s``: when the newest piece was kept, later than due by minutes, or by
    more where the program was off."""

    frozen_s: int
    counts: Sequence[Counts]


@dataclass(frozen=True, slots=True)
class Line:
    """One group's counts; ``key`` is a code, ``name`` what a person reads. ``as_due``: None before the day was due."""

    key: str
    name: str
    collection: Collection
    as_due: Collection | None = None


@dataclass(slots=True)
class DayReport:
    """The report of a day, all groups. ``frozen_s``: when the figures as due were kept, None while there are none."""

    day: int
    due_s: int
    total: Line
    groups: dict[str, list[Line]] = field(default_factory=dict)
    frozen_s: int | None = None
    set_aside: int = 0

    def as_json(self) -> dict[str, Any]:
        """For a job's result and the API."""
        return {
            "day": day_text(self.day),
            "due_s": self.due_s,
            "frozen_s": self.frozen_s,
            "set_aside": self.set_aside,
            "total": _line_json(self.total),
            "groups": {
                group: [{"key": line.key, "name": line.name, **_line_json(line)} for line in lines]
                for group, lines in self.groups.items()
            },
        }


def _line_json(line: Line) -> dict[str, Any]:
    return {**_numbers(line.collection), "as_due": None if line.as_due is None else _numbers(line.as_due)}


def _numbers(counts: Collection) -> dict[str, int]:
    return {
        "expected": counts.expected, "received": counts.received, "rate_ppm": counts.rate_ppm, "on_time": counts.on_time,
        "late": counts.late, "estimated": counts.estimated, "partial": counts.partial, "missing": counts.missing,
        "not_due": counts.not_due,
    }  # fmt: skip


def due_s(day: int, zone: Zone) -> int:
    """AsOf a day's report is due: 08:00 of the next day."""
    return due_at(day, Mode.DAY, zone)


def report_of(day: int, counts: Iterable[Counts], labels: Labels, frozen: Frozen | None = None) -> DayReport:
    """Sum the counts into groups. An id the registry does not know is named '#id'."""
    now, then = list(counts), [] if frozen is None else list(frozen.counts)
    report = DayReport(day, due_s(day, labels.zone), Line("", "", Collection()), set_aside=labels.set_aside)
    report.frozen_s = None if frozen is None else frozen.frozen_s
    report.total = total_of(now, frozen)
    for group in GROUPS:
        report.groups[group] = _lines(now, then, namer(group, labels), is_frozen=frozen is not None)
    return report


def total_of(counts: Sequence[Counts], frozen: Frozen | None = None) -> Line:
    """All meters in one line."""
    then = [] if frozen is None else frozen.counts
    return _lines(counts, then, lambda _: [("", "")], is_frozen=frozen is not None, named=[("", "")])[0]


def _lines(
    now: Sequence[Counts],
    then: Sequence[Counts],
    names_of: Callable[[Counts], Sequence[tuple[str, str]]],
    *,
    is_frozen: bool,
    named: Iterable[tuple[str, str]] = (),
) -> list[Line]:
    """A line for each name that occurs now or did when the day was due."""
    sums: dict[tuple[str, str], tuple[Collection, Collection]] = {name: (Collection(), Collection()) for name in named}
    for place, rows in enumerate((now, then)):
        for row in rows:
            for name in names_of(row):
                sums.setdefault(name, (Collection(), Collection()))[place].add(row.status, row.meters)
    return [Line(*name, sums[name][0], sums[name][1] if is_frozen else None) for name in sorted(sums)]


def cell_lines(counts: Iterable[CellCounts]) -> list[Line]:
    """A line for each radio cell, by number; nothing is kept of cells as a day was due."""
    sums: dict[int, Collection] = {}
    for row in counts:
        sums.setdefault(row.cell, Collection()).add(row.status, row.meters)
    return [Line(str(cell), "", sums[cell]) for cell in sorted(sums)]


def namer(group: str, labels: Labels) -> Callable[[Counts], Sequence[tuple[str, str]]]:
    """The lines that a row of counts belongs to: one, or with its area those above it."""
    above = labels.above

    def named(area_id: int) -> tuple[str, str]:
        found = labels.areas.get(area_id)
        return (found.code, found.name) if found else (f"#{area_id}", "")

    def area(row: Counts) -> list[tuple[str, str]]:
        return [named(area_id) for area_id in line_of(row.area_id, above)]

    def product(row: Counts) -> list[tuple[str, str]]:
        found = labels.products.get(row.product_id)
        if found is None:
            return [(f"#{row.product_id}", "")]
        if group == "product":
            return [(found.code, found.name)]
        said = {"maker": found.maker, "model": found.model_key, "driver": found.driver}[group]
        return [(said, said)]

    return area if group == "area" else product
