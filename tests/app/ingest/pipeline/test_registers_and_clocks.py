# SPDX-License-Identifier: Apache-2.0
"""A batch of a meter whose clock was never set, and of a product without a dial: what reaches alarms, days and registers."""

import pytest

from openmains.app.ingest.pipeline.ports import Effects, MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import zone
from openmains.domain.readings.model import MeterState
from openmains.domain.readings.quality import Rule
from openmains.drivers.catalog import load
from openmains.drivers.model import Kind

ZONE = zone("Asia/Shanghai")
DAY = 20_700
NOON = ZONE.start_of(DAY) + 43_200
CATALOG = load()
WATER = CATALOG.driver("openmains/water-1")
CJT188 = CATALOG.driver("cjt188/water-2004")
NEVER_SET = {"1970": 0, "2000": 946_684_800, "2070": 3_155_760_000, "2106": 2**32 - 1}


def batch(driver: str, *frames: bytes, dial: int = 0, qmax_per_h: int = 3125) -> tuple[Effects, MeterRecord]:
    """The frames of one meter, a day apart; installed a year ago."""
    processor = Processor(CATALOG, {7: Product(7, driver, dial, 1800, qmax_per_h)}, {1: ZONE})
    record = MeterRecord(1, 1, 7, 3, 0, DAY - 365, MeterState(), 0, 0)
    uplinks = [
        Uplink(1, 1, 7, "coap", "r", (NOON + 86_400 * k) * 1_000_000, frame, "") for k, frame in enumerate(frames)
    ]
    return processor.run(uplinks, {1: record}), record


@pytest.mark.parametrize("clock", NEVER_SET.values(), ids=NEVER_SET)
def test_no_alarm_is_raised_by_a_clock_that_was_never_set(clock: int) -> None:
    def frame(kind: Kind, seq: int, events: list[str]) -> bytes:
        more = {"raised_at": clock, "register": 5, "valve": 1} if kind is Kind.ALARM else {}
        return WATER.encode(kind, {"frame_seq": seq, "device_at": clock, "meter_number": 1, "events": events, **more})

    effects, _ = batch("openmains/water-1", frame(Kind.ALARM, 1, ["burst"]), frame(Kind.HEARTBEAT, 2, []))
    assert [(change.event, change.action) for change in effects.alarms] == [("burst", "raised"), ("burst", "cleared")]
    assert effects.alarms[0].raised_at == NOON


@pytest.mark.parametrize("clock", list(NEVER_SET.values())[1:3], ids=list(NEVER_SET)[1:3])
def test_a_spot_answer_of_a_clock_never_set_is_a_reading_of_its_arrival(clock: int) -> None:
    def frame(register: int, at: int) -> bytes:
        values = {"register": register, "register_values": [register], "register_instants": [at], "meter_number": 12}
        return CJT188.encode(Kind.REGISTERS, values)

    effects, record = batch("cjt188/water-2004", frame(60_000, clock), frame(60_100, clock + 86_400))
    assert list(effects.registers["at"]) == [NOON, NOON + 86_400]
    assert all(flags >> Rule.CLOCK_AHEAD & 1 or flags >> Rule.CLOCK_BEHIND & 1 for flags in effects.registers["flags"])
    assert (record.state.register, record.state.register_at) == (60_100, NOON + 86_400)
    assert {item.day for item in effects.exceptions} <= {DAY, DAY + 1}
    assert {item.row.day for item in effects.days} <= {DAY, DAY + 1}


@pytest.mark.parametrize("qmax_per_h", [3125, 10**6])
def test_all_ones_are_no_register_where_no_dial_is_set(qmax_per_h: int) -> None:
    values = {"frame_seq": 1, "device_at": NOON, "meter_number": 1}
    start = ZONE.start_of(DAY - 1)
    for register in (2**32 - 1, 2**31 - 1):
        report = {**values, "start_at": start, "base": register, "increments": [0] * 48, "register": register}
        effects, record = batch("openmains/water-1", WATER.encode(Kind.REPORT, report), qmax_per_h=qmax_per_h)
        assert record.state.register is None
        assert Rule.DIAL_LIMIT in {item.rule for item in effects.exceptions}
