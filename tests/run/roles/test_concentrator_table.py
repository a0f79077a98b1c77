# SPDX-License-Identifier: Apache-2.0
"""What an edge makes of the registry's rows: of two meters that a frame confuses it serves neither."""

import logging

import pytest

from openmains.drivers import catalog
from openmains.run.roles.tcp_edge import ConcentratorTable
from tests.app.link.station.test_carrier import page as carried
from tests.app.link.station.test_modbus_line import driver as modbus

TERMINAL = "2026000000000001"


def row(
    meter_id: int | None, number: str | None, imei: int | None = None, terminal: str = TERMINAL
) -> dict[str, object]:
    return {
        "number": terminal, "tenant_id": 1, "poll_s": 60, "meter_number": number, "meter_id": meter_id, "product_id": 1, "imei": imei,
    }  # fmt: skip


def test_neither_of_two_meters_that_a_frame_confuses_is_served(caplog: pytest.LogCaptureFixture) -> None:
    table = ConcentratorTable()
    table.set_drivers({1: catalog.load().driver("cjt188/water-2004")})
    with caplog.at_level(logging.ERROR):
        table.take(
            [
                row(1, "12"),
                row(2, "0012", 86),
                row(3, "13"),
                row(4, "12", terminal="2026000000000002"),
                row(None, None, terminal="3"),
            ]
        )
    found, other = table.find(TERMINAL), table.find("2026000000000002")
    assert found is not None and other is not None
    assert ([one.meter_id for one in found.meters.values()], list(found.line)) == ([3], [f"{13:014d}"])
    assert (len(other.meters), len(other.line)) == (1, 1)
    assert "12 and 0012 behind" in caplog.text
    assert (table.imei_of(2), table.imei_of(3)) == (86, None)


def test_who_cannot_be_asked_is_said_with_the_reason() -> None:
    table = ConcentratorTable()
    table.set_drivers({1: modbus(), 2: catalog.load().driver("cjt188/water-2004"), 3: carried()})
    table.take([row(1, "1007"), row(2, "2007"), row(3, "678"), row(4, "9")])
    found = table.find(TERMINAL)
    assert found is not None and list(found.line) == ["unit 9"]
    assert found.unasked == {
        "1007": "another device of the line is unit 7 too",
        "2007": "another device of the line is unit 7 too",
        "678": "its number gives no address on the line",
    }
    table.take([row(1, "9"), row(2, "12") | {"product_id": 2}])
    found = table.find(TERMINAL)
    assert found is not None and found.unasked == {"9": "its line speaks CJ/T 188, and it speaks Modbus"}
    table.take([row(1, "11") | {"product_id": 3}, row(2, "12") | {"product_id": 2}])
    found = table.find(TERMINAL)
    assert found is not None and not found.line, "nothing is said to a concentrator in a way that it may not understand"
    assert found.unasked == dict.fromkeys(("11", "12"), "meters of its line name different carriers")
