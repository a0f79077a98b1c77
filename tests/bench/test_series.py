# SPDX-License-Identifier: Apache-2.0
"""``bench series``: its pressures are like a town's. What it measures, and its limit of 2.5 bytes a value, is in tests/edges/clickhouse."""

from openmains.bench.series import pressures


def test_pressures_move_within_a_day_and_are_the_same_each_time() -> None:
    first = pressures(3, 2, 1)
    assert first == pressures(3, 2, 1) and len(first) == 2 and len(first[0]) == 3
    assert all(len(set(values)) > 5 for day in first for values in day)
