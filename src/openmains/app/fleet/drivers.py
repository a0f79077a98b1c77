# SPDX-License-Identifier: Apache-2.0
"""The driver catalogue as the API shows it, and what it says about names and units."""

from collections.abc import Iterable

from openmains.app.fleet.driver_catalog import (
    DamagedPart,
    DriverLayout,
    DriverPage,
    DriverVector,
    LaidField,
    LaidMessage,
    TracedField,
)
from openmains.app.fleet.wording import Wording
from openmains.drivers.bounds import keep_sound
from openmains.drivers.catalog import Catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.model import FieldTrace
from openmains.drivers.page import Field
from openmains.drivers.points import Vocabulary


class LoadedDriverCatalog:
    """``DriverCatalog`` over the packaged catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._drivers = {driver.name: driver for driver in catalog}
        self._pages = [
            DriverPage(d.name, d.medium, d.grade, d.title.zh, d.title.en, d.unit_exponent, d.kind)
            for d in self._drivers.values()
        ]

    def pages(self) -> list[DriverPage]:
        return self._pages

    def number_digits(self, name: str) -> int:
        driver = self._drivers.get(name)
        return 0 if driver is None else driver.number_digits

    def vectors(self, name: str) -> list[DriverVector] | None:
        driver = self._drivers.get(name)
        if driver is None:
            return None
        return [
            DriverVector(v.name, v.frame.hex(), v.source, dict(v.means) if v.fault is None else {"fault": v.fault})
            for v in driver.vectors
        ]

    def layout(self, name: str) -> DriverLayout | None:
        driver = self._drivers.get(name)
        if driver is None:
            return None
        messages = driver.page.messages if isinstance(driver, TableDriver) else []
        return DriverLayout(
            [
                LaidMessage(m.name, m.kind.value, m.title.zh, m.title.en, [_laid(item) for item in m.fields])
                for m in messages
            ],
            sorted(driver.points),
        )

    def damages(self, name: str, payload: bytes, received_s: int) -> list[DamagedPart]:
        driver = self._drivers.get(name)
        if driver is None:
            return []
        found, _ = driver.decode([payload], [received_s])
        for columns in found:
            keep_sound(columns)
        return [DamagedPart(d.offset, d.name, d.detail) for columns in found for d in columns.damages]

    def explain(self, name: str, payload: bytes) -> list[TracedField] | None:
        driver = self._drivers.get(name)
        if driver is None:
            return None
        return _traced(driver.explain(payload))

    def explain_down(self, name: str, payload: bytes) -> list[TracedField]:
        driver = self._drivers.get(name)
        return [] if driver is None else _traced(driver.explain_down(payload))


def _traced(fields: Iterable[FieldTrace]) -> list[TracedField]:
    return [TracedField(f.offset, f.length, f.name, f.raw_hex, f.value_text) for f in fields]


def _laid(item: Field) -> LaidField:
    points = [bits.point for bits in item.bits]
    if named := item.point or item.series:
        points.insert(0, named)
    accepted = ""
    if item.value is not None:
        accepted = f"{item.value:#x}" if item.value > 9 else str(item.value)
    elif item.limited:
        accepted = f"{item.low} … {item.high}"
    return LaidField(
        offset=item.offset if item.offset >= 0 else None,
        size=item.size,
        name=item.name,
        type=item.type,
        count=item.count or "",
        point=", ".join(points) or ("events" if item.events else ""),
        accepted=accepted,
    )


def wording(catalog: Catalog, vocabulary: Vocabulary) -> Wording:
    """Event names and units for lists of meters."""
    return Wording(
        events={event.bit: event.name for event in vocabulary.events.values()},
        exponents={driver.name: driver.unit_exponent for driver in catalog},
    )
