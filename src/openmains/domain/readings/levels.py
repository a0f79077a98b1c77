# SPDX-License-Identifier: Apache-2.0
"""Levels of a register: which one counts, the one that was left, and when it is taken up again (docs/readings.md).

A register that falls to 0 proves itself like a new meter: three registers in a row fit each other. It is no new meter if
the old level comes back, and then the step from 0 to it is no use, however well it fits Qmax and the time. So the level
that was left is remembered. A register that continues it, by a jump that nobody's use explains, takes it up again: the
change is withdrawn, and what was booked since is replaced by estimates between the old level and this register. Where
neither level explains a jump it is booked by neither until three registers agree.
"""

from enum import Enum

from openmains.domain.period import DAY_S
from openmains.domain.readings.midnight import forget_midnights
from openmains.domain.readings.model import Limits, MeterState
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rules import (
    AVERAGE_SCALE,
    BELIEVE,
    MAX_FILL_S,
    SPIKE_QMAX_PART,
    SPIKE_TIMES,
    changes_level,
    is_spike,
    step,
)

LEVEL_LASTS_S = 30 * DAY_S  # a level that held shorter is not worth remembering in place of the one before it
DOUBT_PART = 10  # without a known habit, more than Qmax all the time divided by this is doubted, not booked


class Jump(Enum):
    """What a register says about the levels."""

    NONE = "none"  # nothing: the newest valid register judges it alone
    RETURN = "return"  # it continues the level that was left
    DOUBT = "doubt"  # neither level explains it


def stand_on(state: MeterState, register: int, at: int) -> None:
    """Make a level the valid one with nothing known before it. Changes ``state``."""
    state.register, state.register_at, state.read_digit = register, at, 0
    state.grid_at = state.grid_register = state.measured_at = None
    state.candidate = state.candidate_at = None
    state.candidate_count = 0
    state.left = state.left_at = state.left_for = None
    state.left_use = 0
    forget_midnights(state)


def change_level(state: MeterState, register: int, at: int) -> None:
    """Leave the valid level for one that has proved itself, and remember it. Changes ``state``.

    The level is remembered where its open slot began, so that nothing is lost if it is taken up again. One that held
    for a few days only (a register that is dead, then wrong in another way) does not displace the one before it.
    """
    left, left_at, use = state.register, state.register_at, state.average_use
    if state.grid_at is not None and state.grid_register is not None:
        left, left_at = state.grid_register, state.grid_at
    if (
        state.left_at is not None
        and state.register_at is not None
        and state.register_at - state.left_at < LEVEL_LASTS_S
    ):
        left, left_at, use = state.left, state.left_at, state.left_use
    stand_on(state, register, at)
    state.left, state.left_at, state.left_for, state.left_use = left, left_at, register, use


def remember_jump(state: MeterState, before: int, before_at: int, after: int) -> None:
    """A dial that seems to have passed its end may have been reset there, a spike may be no use: remember the level before.

    Changes ``state``. A level that was left by a change is kept as long as nothing else is likely to be meant.
    """
    if state.left_at is not None and before_at - state.left_at < LEVEL_LASTS_S:
        return
    if state.grid_at is not None and state.grid_register is not None:
        before, before_at = state.grid_register, state.grid_at
    state.left, state.left_at, state.left_for, state.left_use = before, before_at, after, state.average_use


def try_candidate(state: MeterState, register: int, at: int, limits: Limits) -> bool:
    """Count a register that left the level; True when the new level has proved itself (BELIEVE). Changes ``state``."""
    if state.candidate is not None and state.candidate_at is not None and at > state.candidate_at:
        follows = step(state.candidate, register, at - state.candidate_at, limits)
        state.candidate_count = 1 if changes_level(follows.rule) else state.candidate_count + 1
    else:
        state.candidate_count = 1
    if state.candidate_count >= BELIEVE:
        return True
    state.candidate, state.candidate_at = register, at
    return False


def jump_of(state: MeterState, before: int, before_at: int, register: int, at: int, limits: Limits) -> Jump:
    """Whether ``register`` continues the level that was left, seen from the valid register ``before``; ``at`` > ``before_at``."""
    here = step(before, register, at - before_at, limits)
    off = changes_level(here.rule)
    if not off and _stays_doubtful(state, here.volume, register, before_at, at, limits):
        return Jump.DOUBT
    if state.left is None or state.left_at is None or at - state.left_at > MAX_FILL_S:
        is_new = before == 0 and not state.average_use and not off
        return Jump.DOUBT if is_new and is_doubtful(here.volume, at - before_at, limits) else Jump.NONE
    back = step(state.left, register, at - state.left_at, limits)
    # after the dial went round for good, what passed its end goes on with the level that counts
    continues = back.rule is None or (off and back.rule is Rule.ROLLOVER)
    way = state.left - before
    fell = here.rule is Rule.ROLLOVER and way < 0 and back.rule is None  # up by a spike, and down where it was
    if not off and not fell and (way <= 0 or not continues or not _is_no_use(state, way, at - before_at, limits)):
        return Jump.NONE
    if not continues:
        return Jump.NONE
    span = at - state.left_at
    return Jump.DOUBT if _exceeds(back.volume, span, state.left_use, limits) else Jump.RETURN


def take_up(state: MeterState) -> tuple[int, int]:
    """Stand again where the level was left (register, instant: returned); the wrong one is forgotten. Changes ``state``."""
    left, left_at, use = state.left, state.left_at, state.left_use
    if left is None or left_at is None:
        raise ValueError("no level was left")
    stand_on(state, left, left_at)
    state.grid_at, state.grid_register, state.measured_at, state.average_use = left_at, left, left_at, use
    return left, left_at


def _is_no_use(state: MeterState, way: int, seconds: int, limits: Limits) -> bool:
    """``way``: from the valid register up to the level that was left. A meter that was changed passes it as well, some
    day, by a step like any other: only a jump over most of it, or beyond all habit, is a return."""
    average_use, span = state.left_use, max(seconds, DAY_S)
    if average_use and way * AVERAGE_SCALE * DAY_S <= SPIKE_TIMES * average_use * span:
        return False
    whole = (state.left or 0) - (state.left_for or 0)
    return way * 2 >= whole or way * SPIKE_QMAX_PART * DAY_S > limits.qmax_per_h * span


def _stays_doubtful(state: MeterState, volume: int, register: int, before_at: int, at: int, limits: Limits) -> bool:
    """A register that was refused and stays where it is does not become use because time goes by."""
    if state.candidate is None or state.candidate_at is None or at <= state.candidate_at or volume <= 0:
        return False
    if changes_level(step(state.candidate, register, at - state.candidate_at, limits).rule):
        return False
    return _exceeds(volume, at - before_at, state.average_use, limits)


def is_unexplained(volume: int, seconds: int, average_use: int, limits: Limits) -> bool:
    """A spike; where no habit is known yet, more than an hour's Qmax that would be a tenth of Qmax all the time."""
    return (average_use != 0 or volume > limits.qmax_per_h) and _exceeds(volume, seconds, average_use, limits)


def _exceeds(volume: int, seconds: int, average_use: int, limits: Limits) -> bool:
    """Beyond the habit; where none is known, more than one would expect of any meter."""
    if average_use:
        return is_spike(volume, seconds, average_use, limits)
    return is_doubtful(volume, seconds, limits)


def is_doubtful(volume: int, seconds: int, limits: Limits) -> bool:
    """More than Qmax for a tenth of the time, where no habit confirms it."""
    return volume * DOUBT_PART * 3600 > limits.qmax_per_h * max(seconds, 3600)
