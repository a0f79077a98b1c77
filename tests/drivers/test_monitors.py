# SPDX-License-Identifier: Apache-2.0
"""Pages of monitors (R3.7): quantities only. What only meters have is refused at the start, with its line."""

from importlib import resources

import pytest

from openmains.domain.fleet.device_kind import MONITORS, DeviceKind
from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.message_schema import METERS_ONLY
from openmains.drivers.points import vocabulary

PAGES = catalog.pages_in(resources.files("openmains.drivers"))
FILE = "openmains/pressure-1.toml"
MONITORING = [driver for driver in catalog.load() if driver.kind in MONITORS]


def test_every_kind_has_a_page_and_says_no_register() -> None:
    assert {driver.kind for driver in MONITORING} == set(MONITORS)
    for driver in MONITORING:
        assert not driver.points & METERS_ONLY
        assert driver.points & vocabulary().quantities.keys()
        assert not any(kind.signed for kind in driver.command_kinds.values())


def test_all_other_pages_are_meters() -> None:
    others = {driver.name for driver in catalog.load()} - {driver.name for driver in MONITORING}
    assert all(catalog.load().driver(name).kind is DeviceKind.METER for name in others)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('kind = "pressure"', 'kind = "barometer"', "kind is one of"),
        ('kind = "pressure"', 'kind = "meter"', "needs the point register"),
        ('point = "temperature"', 'point = "register"', "register is a meter's"),
        ('point = "temperature"', 'point = "balance"', "balance is a meter's"),
        (
            "[[setting]]",
            '[[command]]\nuse = "openmains/valve_open"\nzh = "z"\nen = "e"\n[[setting]]',
            "valve_open is a meter's",
        ),
        ("[[setting]]", '[[command]]\nuse = "openmains/money_commands"\n[[setting]]', "set_price is a meter's"),
    ],
)
def test_a_page_that_is_neither_is_refused(old: str, new: str, why: str) -> None:
    assert old in PAGES[FILE]
    with pytest.raises(DriverPageError, match=why) as caught:
        catalog.load_from(PAGES | {FILE: PAGES[FILE].replace(old, new)})
    assert caught.value.line


def test_a_report_without_a_quantity_is_refused() -> None:
    text = PAGES[FILE].replace('series = "pressure"', 'series = "log_text"')
    text = text.replace('point = "temperature"', 'point = "attempt"')
    with pytest.raises(DriverPageError, match="needs a quantity"):
        catalog.load_from(PAGES | {FILE: text})
