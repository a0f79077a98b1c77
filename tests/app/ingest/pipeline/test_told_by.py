# SPDX-License-Identifier: Apache-2.0
"""What a report tells of the register when it has no intervals: all of its registers, not nothing."""

import pytest

from openmains.app.ingest.pipeline.decoded import Decoded, moment_of, told_by
from openmains.app.ingest.pipeline.rows import NO_REGISTER
from openmains.domain.readings.model import RegisterReport
from openmains.drivers import catalog
from openmains.drivers.model import MISSING_VALUE, Kind

AT = 1_767_288_600


@pytest.mark.parametrize(("name", "days"), [("readings by day", 1), ("readings by 旬", 10), ("readings by month", 31)])
def test_registers_of_now_and_of_days_before(name: str, days: int) -> None:
    driver = catalog.load().driver("station/gas-1")
    (frame,) = (vector.frame for vector in driver.vectors if vector.name == name)
    (columns,), _ = driver.decode([frame], [AT])
    told = told_by(Decoded(columns), 0, AT, AT, None, 0)
    assert isinstance(told, RegisterReport) and len(told.entries) == days + 1
    assert told.entries[-1] == (AT, 1_234_567) and told.entries[-2][1] == 1_234_000


def test_every_report_of_a_meters_page_that_has_a_register_tells_of_it() -> None:
    silent = []
    for driver in catalog.load():
        for vector in driver.vectors:
            if vector.fault is not None or driver.kind != "meter":
                continue
            for columns in driver.decode([vector.frame], [AT])[0]:
                said = columns.points.get("register")
                if columns.kind in (Kind.REPORT, Kind.REGISTERS) and said is not None and said[0] >= 0:
                    told = told_by(Decoded(columns), 0, AT, AT, None, 0)
                    silent += [] if told is not None else [f"{driver.name}: {vector.name}"]
    assert silent == []


def test_with_a_balance_stands_the_register_of_its_moment_or_none() -> None:
    said = {"balance": [100, 200], "register": [7, MISSING_VALUE], "register_at": [AT, AT]}
    assert moment_of(said, 0, AT, AT + 3) == (7, AT + 3), "by the instant that is believed"
    assert moment_of(said, 1, AT, AT) == NO_REGISTER, "none was said"
    assert moment_of(said, 0, AT + 60, AT + 60) == NO_REGISTER, "of another moment"
    assert moment_of({"register": [7]}, 0, AT, AT) == NO_REGISTER, "beside no balance"
    assert moment_of({"balance": [100], "register": [7]}, 0, AT, AT) == (7, AT)
