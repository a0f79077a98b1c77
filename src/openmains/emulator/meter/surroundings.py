# SPDX-License-Identifier: Apache-2.0
"""What a meter's sensors feel when nothing is wrong: pressure that falls with flow, temperature that has a season.

Pure functions of (medium, number, instant, flow); integers. Pressures are in 0.1 kPa: of water as a gauge shows it, of gas
absolute. Temperatures are in 0.1 °C. The figures are those of a town in central China and assumed; no document gives them.
"""

import math

from openmains.domain.period import DAY_S, HOUR_S
from openmains.emulator.meter.consumption import Medium

ATMOSPHERE = 1_013  # 0.1 kPa
_YEAR_S = 31_556_952
# by local hour, per mille of the static pressure: high at night, lowest when everybody cooks
_HOURS = (60, 66, 70, 70, 64, 48, 10, -28, -36, -22, -10, -6, -24, -14, -4, 0, -8, -26, -44, -50, -40, -20, 12, 40)


def static_pressure(medium: Medium, number: int) -> int:
    """Where the meter stands, nothing flowing: 280 to 369 kPa of water, 2.0 to 2.5 kPa of gas above the air."""
    return 20 + number % 6 if medium is Medium.GAS else 2_800 + number % 90 * 10


def pressure(
    medium: Medium, number: int, local_s: int, flow_l_h: int, qmax_l_h: int, *, share_ppm: int = 1_000_000
) -> int:
    """0.1 kPa, gauge for both media: falls with the square of the flow, by a third (gas: a tenth) at Qmax and never below half.

    ``share_ppm``: what a burst, a surge or a failing regulator leaves of it.
    """
    rest = static_pressure(medium, number)
    if medium is Medium.WATER:
        rest += rest * _HOURS[local_s % DAY_S // HOUR_S] // 1_000
    part = 10 if medium is Medium.GAS else 3
    lost = rest * flow_l_h * flow_l_h // (part * qmax_l_h * qmax_l_h)
    return (rest - min(lost, rest // 2)) * share_ppm // 1_000_000


def temperature(medium: Medium, number: int, local_s: int) -> int:
    """0.1 °C: water in the ground 6 to 20 °C, latest in February and August; gas 4 to 26 °C with the day."""
    late_days = 45 if medium is Medium.WATER else 20
    season = -math.cos(2 * math.pi * (local_s - late_days * DAY_S) / _YEAR_S)
    if medium is Medium.WATER:
        return 130 + number % 9 + math.floor(70 * season)
    day = -math.cos(2 * math.pi * (local_s - 3 * HOUR_S) / DAY_S)
    return 150 + number % 9 + math.floor(110 * season + 25 * day)
