# SPDX-License-Identifier: Apache-2.0
"""The driver catalogue as the API shows it, and what it says about names and units."""

from collections.abc import Callable, Iterable

from openmains.app.fleet.driver_catalog import (
    DamagedPart,
    DriverFault,
    DriverLayout,
    DriverPage,
    DriverSource,
    DriverVector,
    LaidField,
    LaidMessage,
    TracedField,
)
from openmains.app.fleet.driver_pages import CheckedDriverPage
from openmains.app.fleet.wording import Wording
from openmains.app.problems import Problem
from openmains.domain.command.kinds import RULES
from openmains.domain.ids import TenantId
from openmains.drivers.bounds import keep_sound
from openmains.drivers.catalog import Catalog, DriverPageError
from openmains.drivers.codec import TableDriver
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.dialect.page import Item, Leaf
from openmains.drivers.model import Driver, FieldTrace
from openmains.drivers.page import Field
from openmains.drivers.plain_json.hook import JsonDriver
from openmains.drivers.points import Vocabulary


class LoadedDriverCatalog:
    """``DriverCatalog`` over the process's catalogue, with the pages that hold now. ``owner``: whose an added page is."""

    def __init__(self, catalog: Catalog, owner: Callable[[str], TenantId | None] = lambda name: None) -> None:
        self._catalog, self._owner = catalog, owner

    def pages(self, tenant_id: TenantId | None = None) -> list[DriverPage]:
        return [
            DriverPage(d.name, d.medium, d.grade, d.title.zh, d.title.en, d.unit_exponent, d.kind, _source(d))
            for d in self._catalog
            if tenant_id is None or self.is_open_to(d.name, tenant_id)
        ]

    def is_open_to(self, name: str, tenant_id: TenantId) -> bool:
        return name in self._catalog and self._owner(name) in (None, tenant_id)

    def check_page(self, text: str) -> CheckedDriverPage:
        try:
            driver = self._catalog.check(text)
        except DriverPageError as broken:
            raise Problem(
                "driver-page-broken",
                fields=((f"/text/line/{broken.line}", "not-accepted"),),
                line=broken.line,
                why=broken.why,
            ) from None
        signed = {kind.value for kind, rule in RULES.items() if rule.signed}
        odd = [kind.name for kind in driver.command_kinds.values() if kind.signed or kind.name in signed]
        if odd and isinstance(driver, TableDriver | DialectDriver):
            why = f"{odd[0]} moves a valve or money: only pages of a release say such commands, for the signer knows no others"
            raise Problem("driver-page-broken", fields=(("/text", "not-accepted"),), line=0, why=why)
        return CheckedDriverPage(
            driver.name,
            driver.medium,
            driver.kind,
            driver.grade,
            driver.unit_exponent,
            len(driver.vectors),
            sorted(driver.points),
        )

    def is_packaged(self, name: str) -> bool:
        return self._catalog.is_packaged(name)

    def _driver(self, name: str) -> Driver | None:
        return self._catalog.driver(name) if name in self._catalog else None

    def number_digits(self, name: str) -> int:
        driver = self._driver(name)
        return 0 if driver is None else driver.number_digits

    def vectors(self, name: str) -> list[DriverVector] | None:
        driver = self._driver(name)
        if driver is None:
            return None
        return [
            DriverVector(v.name, v.frame.hex(), v.source, dict(v.means) if v.fault is None else {"fault": v.fault})
            for v in driver.vectors
        ]

    def fault_codes(self, name: str) -> list[DriverFault] | None:
        driver = self._driver(name)
        if driver is None:
            return None
        return [DriverFault(c.event, c.code, c.title.zh, c.title.en, c.act.zh, c.act.en) for c in driver.fault_codes]

    def layout(self, name: str) -> DriverLayout | None:
        driver = self._driver(name)
        if driver is None:
            return None
        if isinstance(driver, DialectDriver):
            return DriverLayout(
                [
                    LaidMessage(
                        m.name, m.kind.value, m.title.zh, m.title.en, _items([*driver.dialect.header, *m.items])
                    )
                    for m in driver.dialect.messages
                ],
                sorted(driver.points),
            )
        if isinstance(driver, JsonDriver):
            fields = [
                LaidField(None, 0, each.pointer, "json", "", each.point or "events", "") for each in driver.json.fields
            ]
            title = driver.json.title
            return DriverLayout(
                [LaidMessage("json", driver.json.kind.value, title.zh, title.en, fields)], sorted(driver.points)
            )
        messages = driver.page.messages if isinstance(driver, TableDriver) else []
        return DriverLayout(
            [
                LaidMessage(m.name, m.kind.value, m.title.zh, m.title.en, [_laid(item) for item in m.fields])
                for m in messages
            ],
            sorted(driver.points),
        )

    def damages(self, name: str, payload: bytes, received_s: int) -> list[DamagedPart]:
        driver = self._driver(name)
        if driver is None:
            return []
        found, _ = driver.decode([payload], [received_s])
        for columns in found:
            keep_sound(columns)
        return [DamagedPart(d.offset, d.name, d.detail) for columns in found for d in columns.damages]

    def explain(self, name: str, payload: bytes) -> list[TracedField] | None:
        driver = self._driver(name)
        if driver is None:
            return None
        return _traced(driver.explain(payload))

    def explain_down(self, name: str, payload: bytes) -> list[TracedField]:
        driver = self._driver(name)
        return [] if driver is None else _traced(driver.explain_down(payload))


def _source(driver: Driver) -> DriverSource | None:
    found = driver.source
    return None if found is None else DriverSource(found.url, found.licence, found.evidence)


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


def _items(items: Iterable[Item], count: str = "") -> list[LaidField]:
    """Fields of a dialect, groups opened; their places depend on the frame."""
    found: list[LaidField] = []
    for item in items:
        if not isinstance(item, Leaf):
            for record in item.records:  # as often as its first bytes say
                found += _items(record.items, f"[{record.tag.hex()}]")
            often = "rest" if item.count is None else "" if item.count == 1 else str(item.count)
            found += _items(item.items, f"{item.when.field}[{item.when.bit}]" if item.when is not None else often)
            continue
        points = [*([item.says] if item.says else []), *(bits.point for bits in item.bits)]
        accepted = ", ".join(f"{value:#x}" for value in sorted(item.values))
        point = ", ".join(points) or ("events" if item.events or item.codes is not None else "")
        found.append(LaidField(None, item.size, item.name, item.form, count, point, accepted))
    return found


def wording(catalog: Catalog, vocabulary: Vocabulary) -> Wording:
    """Event names and units for lists of meters."""
    return Wording(
        events={event.bit: event.name for event in vocabulary.events.values()},
        exponents=catalog.exponents,
    )
