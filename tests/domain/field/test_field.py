# SPDX-License-Identifier: Apache-2.0
"""Checklist, plausible range and the test on the spot."""

import pytest

from openmains.domain.field.checklist import ITEMS, check_fault, items_of
from openmains.domain.field.plausible import KnownRegister, PlausibleRange, is_plausible, plausible
from openmains.domain.field.site_test import HeardMeter, signal_of, site_fault

DAY = 86_400
GAS = {
    "room_allowed": True, "fire_distance_cm": 150, "torque_nm": 80, "field_mt": 20, "leak_test_kpa": 10, "no_leak": True,
    "inlet_valve": True,
}  # fmt: skip


def test_the_documents_limits_hold_to_the_unit() -> None:
    assert check_fault("gas", GAS) is None
    for name, wrong in (("fire_distance_cm", 149), ("torque_nm", 81), ("field_mt", 21), ("leak_test_kpa", 11)):
        assert check_fault("gas", GAS | {name: wrong}) == (name, "outside-limit")
    assert check_fault("gas", GAS | {"room_allowed": False}) == ("room_allowed", "outside-limit")
    assert check_fault("gas", GAS | {"room_allowed": 1}) == ("room_allowed", "wrong-type")
    assert check_fault("gas", GAS | {"torque_nm": True}) == ("torque_nm", "wrong-type")
    assert check_fault("gas", GAS | {"field_mt": -1}) == ("field_mt", "outside-limit")
    assert check_fault("gas", GAS | {"colour": 1}) == ("colour", "unknown-field")
    for name in GAS:
        assert check_fault("gas", {key: value for key, value in GAS.items() if key != name}) == (name, "required")


def test_water_is_not_asked_of_fire() -> None:
    water = {item.name: GAS[item.name] for item in items_of("water")}
    assert check_fault("water", water) is None and "fire_distance_cm" not in water
    assert check_fault("water", GAS) == ("room_allowed", "unknown-field")
    assert all(item.zh and item.en for item in ITEMS)


@pytest.mark.parametrize(
    ("last", "before", "days", "qmax", "dial", "expected"),
    [
        (None, None, 30, 2500, 0, None),  # nothing is known
        ((123_000, 0), None, 30, 0, 0, PlausibleRange(123_000, None)),
        ((123_000, 0), None, 1, 2500, 0, PlausibleRange(123_000, 183_000)),  # 24 h at Qmax
        ((130_000, 30 * DAY), (120_000, 0), 30, 2500, 0, PlausibleRange(130_000, 161_000)),  # 10 m3 a month, thrice, and 1
        ((99_999_000, 30 * DAY), (99_989_000, 0), 30, 2500, 10**8, PlausibleRange(99_999_000, 30_000)),  # past the dial's end
        ((5_000, 30 * DAY), (99_995_000, 0), 30, 2500, 10**8, PlausibleRange(5_000, 36_000)),  # it went round before
        ((130_000, DAY), (129_000, DAY - 600), 1, 0, 0, PlausibleRange(130_000, None)),  # ten minutes are no habit
    ],
)  # fmt: skip
def test_a_range_follows_habit_qmax_and_dial(
    last: tuple[int, int] | None, before: tuple[int, int] | None, days: int, qmax: int, dial: int,
    expected: PlausibleRange | None,
) -> None:  # fmt: skip
    known = None if last is None else KnownRegister(*last)
    earlier = None if before is None else KnownRegister(*before)
    at = (0 if last is None else last[1]) + days * DAY
    assert plausible(known, earlier, at, qmax=qmax, dial=dial, slack=1000) == expected


def test_what_lies_in_a_range_that_goes_round() -> None:
    within = PlausibleRange(99_999_000, 30_000)
    assert all(is_plausible(within, register) for register in (99_999_000, 99_999_999, 0, 30_000))
    assert not is_plausible(within, 30_001) and not is_plausible(within, 99_998_999)
    assert is_plausible(PlausibleRange(5, None), 10**9) and not is_plausible(PlausibleRange(5, None), 4)


def test_the_test_on_the_spot() -> None:
    good = HeardMeter(100, None, -1100, 0, True, True, True)
    assert site_fault(good, 100, "") is None
    assert site_fault(good, 101, "cellar") == "not-heard-yet"  # no reason stands for a message
    assert site_fault(HeardMeter(100, 7, -1100, 0, True, True, True), 100, "cellar") == "number-strange"
    weak = HeardMeter(100, None, -1174, 0, True, True, True)
    assert site_fault(weak, 100, "") == "weak-signal" and site_fault(weak, 100, "cellar") is None
    still = HeardMeter(100, None, -1173, -29, True, True, False)
    assert site_fault(still, 100, "") == "valve-not-tested"
    assert site_fault(HeardMeter(100, None, -1173, -29, False, False, False), 100, "") is None
    assert [signal_of(-1173, -29), signal_of(-1174, -29), signal_of(-1173, -30), signal_of(None, 0)] == [
        "strong", "weak", "weak", "unknown",
    ]  # fmt: skip
