# SPDX-License-Identifier: Apache-2.0
"""The driver catalogue as the API shows it, and what it says about names and units."""

from openmains.app.meters.wording import Wording
from openmains.app.ports import DriverPage, DriverVector, TracedField
from openmains.drivers.catalog import Catalog
from openmains.drivers.points import Vocabulary


class CatalogShelf:
    """``DriverShelf`` over the packaged catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._drivers = {driver.name: driver for driver in catalog}
        self._pages = [
            DriverPage(d.name, d.medium, d.grade, d.title.zh, d.title.en, d.unit_exponent)
            for d in self._drivers.values()
        ]

    def pages(self) -> list[DriverPage]:
        return self._pages

    def vectors(self, name: str) -> list[DriverVector] | None:
        driver = self._drivers.get(name)
        if driver is None:
            return None
        return [
            DriverVector(v.name, v.frame.hex(), v.source, dict(v.means) if v.fault is None else {"fault": v.fault})
            for v in driver.vectors
        ]

    def explain(self, name: str, payload: bytes) -> list[TracedField] | None:
        driver = self._drivers.get(name)
        if driver is None:
            return None
        return [TracedField(f.offset, f.length, f.name, f.raw_hex, f.value_text) for f in driver.explain(payload)]


def wording(catalog: Catalog, vocabulary: Vocabulary) -> Wording:
    """Event names and units for lists of meters."""
    return Wording(
        events={event.bit: event.name for event in vocabulary.events.values()},
        exponents={driver.name: driver.unit_exponent for driver in catalog},
    )
