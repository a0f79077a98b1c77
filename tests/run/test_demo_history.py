# SPDX-License-Identifier: Apache-2.0
"""The demo's nights through the pipeline: its registry agrees with the numbers in its frames, and what is left for a person
is what happened in the town."""

from collections import Counter
from datetime import date

from openmains.app.ingest.pipeline.ports import ExceptionRow, MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.domain.fleet.meter_number import plain_number
from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.model import MeterState
from openmains.domain.readings.quality import FLAGS_ONLY, Rule
from openmains.drivers import catalog
from openmains.emulator.meter.consumption import Consumption
from openmains.run.demo import town
from openmains.run.demo.history import SEED, Registered, night

ZONE = zone("Asia/Shanghai")
FIRST = date_to_day(date(2026, 10, 1))
NIGHTS = 4


def test_the_first_nights_leave_a_person_what_happened_and_nothing_else() -> None:
    drivers = catalog.load()
    products = {
        place: Product(place, driver, 100_000_000, 1800, qmax)
        for place, (_, _, _, driver, qmax) in enumerate(town.PRODUCTS, 1)
    }
    of_code = {code: place for place, (code, *_) in enumerate(town.PRODUCTS, 1)}
    numbers = registered_numbers()
    fleet, records = [], {}
    for meter_id, meter in enumerate(town.meters(), 1):
        product_id = of_code[meter.product]
        driver = drivers.driver(products[product_id].driver)
        fleet.append(Registered(meter, meter_id, 1, product_id, driver))
        number, bar_code = numbers[meter_id - 1]
        records[meter_id] = MeterRecord(
            meter_id, 1, product_id, 1, 0, date_to_day(meter.installed_on), MeterState(), 0, 0,
            number=number, bar_code=bar_code, plain_number=plain_number(number),
        )  # fmt: skip
    processor = Processor(drivers, products, {1: ZONE})
    consumption = Consumption(SEED, ZONE.offset_s(ZONE.start_of(FIRST)))
    rows: list[ExceptionRow] = []
    held = 0
    for day in range(FIRST, FIRST + NIGHTS):
        effects = processor.run(list(night(fleet, day, ZONE, consumption)), records)
        rows += effects.exceptions
        held += len(effects.dead_letters)
    assert held == 0, "the registry and the frames have the same numbers"
    assert {Rule(row.rule) for row in rows} & FLAGS_ONLY == set()
    opened = Counter(Rule(row.rule) for row in rows if row.status == "open")
    assert opened[Rule.GAP] == 0, "a single night that is missing is told by the registers around it"
    assert any(row.rule == Rule.GAP for row in rows)
    assert set(opened) <= {Rule.SPIKE, Rule.OVER_QMAX, Rule.UNIT_SUSPECT}
    assert opened.total() <= len(fleet) * NIGHTS // 100


def registered_numbers() -> list[tuple[str, str]]:
    """Number and bar code of each meter, as the town's registry file has them."""
    lines = town.as_csv().decode("utf-8-sig").splitlines()
    heads = lines[0].split(",")
    number, bar_code = heads.index("表号"), heads.index("条码")
    return [(cells[number], cells[bar_code]) for cells in (line.split(",") for line in lines[1:])]
