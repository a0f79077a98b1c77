# SPDX-License-Identifier: Apache-2.0
"""Quantities in commands against the meter they go to."""

from typing import Any

import pytest

from openmains.domain.command.kinds import Kind
from openmains.domain.command.meter_bounds import YEAR_H, beyond_meter
from openmains.drivers.catalog import load

UNITS = {name: setting.unit for name, setting in getattr(load().driver("openmains/gas-1"), "settings").items()}  # noqa: B009 only drivers with commands have it
G16 = 2500  # L/h


def test_every_flow_threshold_is_one_that_the_meter_can_reach() -> None:
    flows = [name for name, unit in UNITS.items() if unit == "L/h"]
    assert len(flows) >= 3
    for name in flows:
        found = beyond_meter(Kind.SET_PARAMETERS, {"values": {"report_time": 86_399, name: 2501}}, UNITS, G16)
        assert found is not None and (found.name, found.bound, found.pointer) == (name, 2500, f"/params/values/{name}")
        assert beyond_meter(Kind.SET_PARAMETERS, {"values": {name: 2500}}, UNITS, G16) is None


@pytest.mark.parametrize(
    ("params", "bound"),
    [
        ({"amount": G16 * YEAR_H + 1, "balance_kind": 1}, G16 * YEAR_H),
        ({"amount": G16 * YEAR_H, "balance_kind": 1}, None),
        ({"amount": 10**9}, None),  # money
        ({"amount": "much", "balance_kind": 1}, None),  # the driver refuses it
        ({}, None),
    ],
)
def test_a_volume_topped_up_is_one_that_the_meter_can_pass(params: dict[str, Any], bound: int | None) -> None:
    found = beyond_meter(Kind.TOP_UP, params, UNITS, G16)
    assert (None if found is None else found.bound) == bound
    assert beyond_meter(Kind.TOP_UP, params, UNITS, 0) is None


def test_nonsense_is_left_to_the_driver() -> None:
    assert beyond_meter(Kind.SET_PARAMETERS, {"values": 5}, UNITS, G16) is None
    assert beyond_meter(Kind.READ_NOW, {"amount": 10**12, "balance_kind": 1}, UNITS, G16) is None
