# SPDX-License-Identifier: Apache-2.0
"""What a node's days let expect: a straight line each for delivery, slices and battery (``domain/network/forecast.py``)."""

from collections.abc import Sequence
from typing import Final, Literal

from openmains.app.network.model import NetworkDay, NetworkForecast, NetworkHistory
from openmains.domain.network.forecast import forecast
from openmains.domain.period import date_to_day, day_to_date

WANTED_PPM: Final = 980_000  # R6.2
LEAST_MV: Final = 3_100
_Quantity = Literal["delivery_ppm", "slots_used", "battery_mv"]


def history(days: Sequence[NetworkDay], *, is_gateway: bool) -> NetworkHistory:
    """``days``: oldest first; the newest is under way and no part of the forecast."""
    whole = days[:-1]
    wanted: list[tuple[_Quantity, int, bool]] = [("delivery_ppm", WANTED_PPM, False)]
    if is_gateway:
        slots = next((day.slots for day in reversed(days) if day.slots), None)
        wanted += [] if slots is None else [("slots_used", slots, True)]
    else:
        wanted += [("battery_mv", LEAST_MV, False)] if any(day.battery_mv is not None for day in days) else []
    found = []
    for quantity, limit, rises in wanted:
        values = [
            (date_to_day(day.day), float(value)) for day in whole if (value := getattr(day, quantity)) is not None
        ]
        line = forecast(values, limit, rises=rises)
        reached = None if line.day is None else day_to_date(line.day)
        found.append(NetworkForecast(quantity, limit, line.verdict, line.slope, line.error, reached))
    return NetworkHistory(list(days), found)
