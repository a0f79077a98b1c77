# SPDX-License-Identifier: Apache-2.0
"""A message with a damaged part through the processor: what is sound is stored, the log and a counter tell the rest."""

from binascii import crc_hqx

import pytest

from openmains.app.fleet.drivers import LoadedDriverCatalog
from openmains.app.ingest.pipeline.ports import Effects, MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.period import zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.lwm2m import envelope
from openmains.drivers.model import Driver
from openmains.wire.lwm2m import content

CATALOG = catalog.load()
TENANT = TenantId(7)
ARRIVED = 1_767_290_000


def run(driver: Driver, *frames: bytes) -> Effects:
    products = {1: Product(ProductId(1), driver.name, 0, 1800, 6000)}
    record = MeterRecord(MeterId(1), TENANT, ProductId(1), AreaId(1), 0, 0, MeterState(), 0, 0)
    worker = Processor(CATALOG, products, {TENANT: zone("Asia/Shanghai")})
    uplinks = [
        Uplink(MeterId(1), TENANT, ProductId(1), "coap", "r", (ARRIVED + at) * 1_000_000, frame)
        for at, frame in enumerate(frames)
    ]
    return worker.run(uplinks, {1: record})


def report_with(name: str, raw: bytes) -> tuple[TableDriver, bytes, int]:
    driver = CATALOG.driver("openmains/water-1")
    assert isinstance(driver, TableDriver)
    item = driver.page.messages[0].by_name[name]
    frame = driver.vectors[0].frame
    body = frame[: item.offset] + raw + frame[item.offset + item.size : -2]
    return driver, body + crc_hqx(body, 0).to_bytes(2, "big"), item.offset


@pytest.mark.parametrize(("name", "raw"), [("meter_number", b"\xff" * 6), ("day_register", b"\xff" * 6)])
def test_the_day_is_stored_all_the_same(name: str, raw: bytes) -> None:
    driver, frame, offset = report_with(name, raw)
    whole, effects = run(driver, driver.vectors[0].frame), run(driver, frame)
    assert list(effects.frames["outcome"]) == ["partial"] and not effects.dead_letters
    assert effects.counters["partial"] == 1 and effects.counters[f"damaged.{name}"] == 1
    assert effects.registers == whole.registers
    assert [item.row.increments for item in effects.days][-1] == [item.row.increments for item in whole.days][-1]
    (damage,) = LoadedDriverCatalog(CATALOG).damages(driver.name, frame, ARRIVED)
    assert (damage.offset, damage.name) == (offset, name)


@pytest.mark.parametrize(
    ("name", "raw", "registers"),
    [("interval_min", b"\0", 3), ("base", b"\xff" * 6, 2), ("register", b"\xff" * 6, 2), ("exponent", b"\x09", 0)],
)
def test_a_report_whose_intervals_cannot_be_placed_keeps_its_registers(name: str, raw: bytes, registers: int) -> None:
    driver, frame, _ = report_with(name, raw)
    effects = run(driver, frame)
    assert list(effects.frames["outcome"]) == ["partial"] and not effects.dead_letters
    kept = set(effects.registers["register"])
    assert kept <= {1_235_080, 1_234_567, 1_235_068, 1_234_316, 1_234_069, 1_233_564, 1_233_317, 1_233_068}
    assert len(kept) >= registers
    assert effects.meters[0].latest["battery_mv"] == 3584, "the state is sound whatever the volumes are"


def test_a_signal_that_was_not_said_is_not_the_one_of_yesterday() -> None:
    driver, frame, _ = report_with("rsrp", (-2001).to_bytes(2, "big", signed=True))
    effects = run(driver, driver.vectors[0].frame, frame)
    assert effects.signals["rsrp_ddbm"][0] == -1013 and effects.signals["rsrp_ddbm"][1] == -(2**31)
    assert list(effects.frames["outcome"])[1] == "partial"


def test_damages_are_counted_by_names_of_ours_only() -> None:
    driver = CATALOG.driver("lwm2m/water-1")
    pack = b'[{"n":"/3424/0/1","v":7},{"n":"/3424/0/9","vb":null},{"n":"/33000/0/7","v":NaN}]'
    effects = run(driver, envelope.wrap("/", content.SENML_JSON, pack))
    assert list(effects.frames["outcome"]) == ["partial"] and set(effects.registers["register"]) == {7000}
    assert {name: count for name, count in effects.counters.items() if name.startswith("damaged")} == {
        "damaged.resource": 2
    }
