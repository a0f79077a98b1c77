# SPDX-License-Identifier: Apache-2.0
"""The collection report of one day: what should be there, what is, and by whom it is missing. Pure.

Words and rules: ``domain/readings/expected.py``. A day is due at 08:00 of the next day in the tenant's zone (R2.4).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openmains.domain.ids import AreaId, MeterId, ProductId
from openmains.domain.period import Zone, day_to_date
from openmains.domain.readings.expected import Collection, Mode, Status, due_at

GROUPS = ("area", "product", "maker", "driver")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many meters of one area and product stand how."""

    area_id: AreaId
    product_id: ProductId
    status: Status
    meters: int


@dataclass(frozen=True, slots=True)
class MissingMeter:
    """A meter whose day is not (fully) there."""

    meter_id: MeterId
    area_id: AreaId
    product_id: ProductId
    status: Status


@dataclass(frozen=True, slots=True)
class Area:
    """Code and name of an area."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Product:
    """What a report groups by; ``interval_s`` is the grid of its meter-days."""

    code: str
    name: str
    maker: str
    driver: str
    interval_s: int


@dataclass(frozen=True, slots=True)
class MeterLabel:
    """How a missing meter is named to a person."""

    number: str
    address: str
    last_seen_s: int | None


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of a tenant's areas and products by id."""

    zone: Zone
    areas: Mapping[int, Area]
    products: Mapping[int, Product]

    def slots(self, day: int) -> dict[int, int]:
        """Expected slots of a day by product: 46 to 50 half hours where the clock changes."""
        seconds = self.zone.seconds_in(day)
        return {product_id: -(-seconds // product.interval_s) for product_id, product in self.products.items()}

    def ids_of(self, group: str, key: str) -> tuple[list[int], list[int]]:
        """(areas, products) that make up the report's line ``key``; both empty: there is no such line."""
        if group == "area":
            return [area_id for area_id, area in self.areas.items() if area.code == key], []
        said = {"product": "code", "maker": "maker", "driver": "driver"}[group]
        return [], [product_id for product_id, product in self.products.items() if getattr(product, said) == key]


@dataclass(frozen=True, slots=True)
class Line:
    """One group's counts; ``key`` is a code, ``name`` what a person reads."""

    key: str
    name: str
    collection: Collection


@dataclass(slots=True)
class DayReport:
    """The report of a day, all groups."""

    day: int
    due_s: int
    total: Collection
    groups: dict[str, list[Line]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For a job's result and the API."""
        return {
            "day": day_to_date(self.day).isoformat(),
            "due_s": self.due_s,
            "total": _numbers(self.total),
            "groups": {
                group: [{"key": line.key, "name": line.name, **_numbers(line.collection)} for line in lines]
                for group, lines in self.groups.items()
            },
        }


def _numbers(counts: Collection) -> dict[str, int]:
    return {
        "expected": counts.expected, "received": counts.received, "rate_ppm": counts.rate_ppm, "on_time": counts.on_time,
        "late": counts.late, "estimated": counts.estimated, "partial": counts.partial, "missing": counts.missing,
    }  # fmt: skip


def due_s(day: int, zone: Zone) -> int:
    """Instant a day's report is due: 08:00 of the next day."""
    return due_at(day, Mode.DAY, zone)


def report_of(day: int, counts: Iterable[Counts], labels: Labels) -> DayReport:
    """Sum the counts into groups. An id the registry does not know is named '#id'."""
    counts = list(counts)
    total = Collection()
    for row in counts:
        _add(total, row)
    report = DayReport(day, due_s(day, labels.zone), total)
    for group in GROUPS:
        name_of = _namer(group, labels)
        sums: dict[tuple[str, str], Collection] = {}
        for row in counts:
            _add(sums.setdefault(name_of(row), Collection()), row)
        report.groups[group] = [Line(key, name, sums[key, name]) for key, name in sorted(sums)]
    return report


def _namer(group: str, labels: Labels) -> Callable[[Counts], tuple[str, str]]:
    def area(row: Counts) -> tuple[str, str]:
        found = labels.areas.get(row.area_id)
        return (found.code, found.name) if found else (f"#{row.area_id}", "")

    def product(row: Counts) -> tuple[str, str]:
        found = labels.products.get(row.product_id)
        if found is None:
            return f"#{row.product_id}", ""
        if group == "product":
            return found.code, found.name
        said = found.maker if group == "maker" else found.driver
        return said, said

    return area if group == "area" else product


def _add(counts: Collection, row: Counts) -> None:
    counts.expected += row.meters
    setattr(counts, row.status.value, getattr(counts, row.status.value) + row.meters)
