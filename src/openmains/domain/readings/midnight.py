# SPDX-License-Identifier: Apache-2.0
"""The registers at the last few midnights, as kept in a meter's state (newest first, no more than ``HISTORY_DAYS``)."""

from openmains.domain.readings.model import HISTORY_DAYS, MeterState


def close_of(state: MeterState, day: int) -> int | None:
    """Register at the start of ``day``, where known."""
    if state.close_day is None:
        return None
    back = state.close_day - day
    return state.closes[back] if 0 <= back < len(state.closes) else None


def set_close(state: MeterState, day: int, register: int) -> None:
    """Remember the register at the start of ``day``. Changes ``state``, which must be the caller's own copy."""
    if state.close_day is None:
        state.close_day, state.closes = day, [register]
        return
    ahead = day - state.close_day
    if ahead > 0:
        gap: list[int | None] = [None] * min(ahead - 1, HISTORY_DAYS)
        state.closes = [register, *gap, *state.closes][:HISTORY_DAYS]
        state.close_day = day
    elif -ahead < HISTORY_DAYS:
        state.closes.extend([None] * (1 - ahead - len(state.closes)))
        state.closes[-ahead] = register


def forget_closes(state: MeterState) -> None:
    """Drop all midnights: they belong to another level of the register."""
    state.close_day, state.closes = None, []
