# SPDX-License-Identifier: Apache-2.0
"""The registers at the last few midnights, as kept in a meter's state (newest first, no more than ``HISTORY_DAYS``)."""

from openmains.domain.readings.model import HISTORY_DAYS, MeterState


def midnight_of(state: MeterState, day: int) -> int | None:
    """Register at the start of ``day``, where known."""
    if state.midnight_day is None:
        return None
    back = state.midnight_day - day
    return state.midnights[back] if 0 <= back < len(state.midnights) else None


def set_midnight(state: MeterState, day: int, register: int) -> None:
    """Remember the register at the start of ``day``. Changes ``state``, which must be the caller's own copy."""
    if state.midnight_day is None:
        state.midnight_day, state.midnights = day, [register]
        return
    ahead = day - state.midnight_day
    if ahead > 0:
        gap: list[int | None] = [None] * min(ahead - 1, HISTORY_DAYS)
        state.midnights = [register, *gap, *state.midnights][:HISTORY_DAYS]
        state.midnight_day = day
    elif -ahead < HISTORY_DAYS:
        state.midnights.extend([None] * (1 - ahead - len(state.midnights)))
        state.midnights[-ahead] = register


def forget_midnights(state: MeterState) -> None:
    """Drop all midnights: they belong to another level of the register."""
    state.midnight_day, state.midnights = None, []
