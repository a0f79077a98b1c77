# SPDX-License-Identifier: Apache-2.0
"""A forecast says no more than its values do."""

import pytest

from openmains.domain.network.forecast import FARTHEST_DAYS, LEAST_DAYS, Verdict, forecast

DAYS = range(100, 130)


def line(slope: float, start: float, scatter: float = 0.0) -> list[tuple[int, float]]:
    return [(day, start + slope * (day - 100) + scatter * (-1) ** day) for day in DAYS]


def test_a_battery_that_falls_reaches_its_limit() -> None:
    found = forecast(line(-5, 3_400, scatter=2), 3_100, rises=False)
    assert found.verdict == "reaches" and found.day is not None
    assert 158 <= found.day <= 162  # 100 + 300 / 5
    assert found.slope == pytest.approx(-5, abs=0.1) and found.error is not None and found.error < 0.1


@pytest.mark.parametrize(
    ("values", "limit", "verdict"),
    [
        (line(0, 50), 100, "steady"),
        (line(0.01, 50, scatter=5), 100, "steady"),  # what slope there is, the scatter explains
        (line(-1, 90), 100, "away"),
        (line(0.1, 50), 100, "far"),  # 471 days off, from a month of values
        (line(1, 95), 100, "beyond"),
        (line(1, 50)[: LEAST_DAYS - 1], 100, "too_few"),
        ([(day, 1.0) for day in [100] * 10 + [101] * 10], 100, "too_few"),
        ([], 100, "too_few"),
    ],
)
def test_what_is_not_said(values: list[tuple[int, float]], limit: float, verdict: Verdict) -> None:
    found = forecast(values, limit, rises=True)
    assert (found.verdict, found.day) == (verdict, None)
    assert FARTHEST_DAYS < 400
