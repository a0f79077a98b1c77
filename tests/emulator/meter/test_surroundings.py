# SPDX-License-Identifier: Apache-2.0
"""Pressure falls with flow, temperature has a season, flow is what the register gains, and what flows back is counted apart."""

import pytest

from openmains.domain.period import DAY_S, HOUR_S
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.piping import BACK, DRAWN, PASSING, Piping, shown
from openmains.emulator.meter.surroundings import pressure, static_pressure, temperature

T0 = 20_454 * DAY_S
QMAX = 3_125


def steady(instants: object) -> list[int]:
    """60 L/h, 1,000 L at T0."""
    return [1_000 + (at - T0) // 60 for at in instants]  # type: ignore[attr-defined]


@pytest.mark.parametrize("medium", list(Medium))
def test_pressure_falls_with_flow(medium: Medium) -> None:
    felt = [pressure(medium, 7, T0 + 15 * HOUR_S, flow, QMAX) for flow in range(0, 2 * QMAX, 100)]
    assert felt == sorted(felt, reverse=True) and felt[0] > felt[-1] >= felt[0] // 2
    assert pressure(medium, 7, T0, 0, QMAX, share_ppm=0) == 0


def test_water_pressure_is_high_at_night() -> None:
    assert pressure(Medium.WATER, 7, T0 + 3 * HOUR_S, 0, QMAX) > static_pressure(Medium.WATER, 7)
    assert pressure(Medium.WATER, 7, T0 + 19 * HOUR_S, 0, QMAX) < static_pressure(Medium.WATER, 7)


@pytest.mark.parametrize("medium", list(Medium))
def test_temperature_has_a_season(medium: Medium) -> None:
    by_month = [temperature(medium, 7, T0 + month * 30 * DAY_S + 12 * HOUR_S) for month in range(12)]
    assert max(by_month) - min(by_month) > 120
    assert by_month.index(max(by_month)) in (6, 7, 8), "in summer"
    assert min(by_month) > 0


def test_a_second_flow_is_counted_as_long_as_the_register_goes() -> None:
    piping = Piping(steady)
    piping.begin(DRAWN, 600, T0 + 3600)
    assert piping([T0 + 7200]) == [1_000 + 120 + 600]
    piping.stop(T0 + 7200)
    assert piping([T0 + 9000]) == [1_720]
    piping.go(T0 + 9000)
    piping.end(DRAWN, T0 + 9000)
    assert piping([T0 + 9000 + 3600]) == [1_720 + 60]
    assert piping([T0 + 3600]) == [1_060], "the past stays as it was"


def test_two_reasons_to_stand_still() -> None:
    piping = Piping(steady)
    piping.stop(T0 + 3600)
    piping.stop(T0 + 7200, "main dry")
    piping.go(T0 + 10_800)
    assert piping([T0 + 14_400]) == [1_060], "the valve is open, but the pipe is empty"
    piping.go(T0 + 14_400, "main dry")
    assert piping([T0 + 18_000]) == [1_120]


def test_backflow_has_its_own_register_or_turns_the_dial_back() -> None:
    for runs_back in (False, True):
        piping = Piping(steady, runs_back=runs_back)
        piping.begin(BACK, 120, T0)
        piping.end(BACK, T0 + 3600)
        assert piping([T0 + 3600]) == [1_060 - (120 if runs_back else 0)]
        assert piping.reverse(T0 + 7200) == 120


def test_what_passes_a_shut_valve_is_counted() -> None:
    piping = Piping(steady)
    piping.stop(T0)
    piping.begin(PASSING, 30, T0)
    assert piping([T0 + 7200]) == [1_060]
    piping.end(PASSING, T0 + 7200)
    piping.go(T0 + 7200)
    assert piping([T0 + 10_800]) == [1_000 + 60 + 60]
    instants = [T0 + 600 * k for k in range(20)]
    assert shown(piping.cuts, piping.flows, instants, steady(instants)) == piping(instants)
