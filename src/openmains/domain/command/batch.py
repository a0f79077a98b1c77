# SPDX-License-Identifier: Apache-2.0
"""One change over many meters, carefully: first one meter, then ten, a hundred, the rest (canary groups).

Each group is released, answered, watched for the hold time, and judged; a share of failures over the limit stops the
batch by itself. Of configuration at most a share of a utility's meters is touched a day (R4.3), so that a bad setting can
never be everywhere by morning. The inverse of a batch (the values before it) is kept and is a batch like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.period import HOUR_S

GROUPS = (1, 10, 100)  # then the rest
HOLD_S = HOUR_S
FAILURE_LIMIT_PPM = 20_000  # 2 %
DAILY_SHARE_PPM = 20_000  # 2 % of a utility's meters a day (R4.3)
ENOUGH_TO_JUDGE = 50  # in groups below this size a single failure stops


class BatchState(StrEnum):
    """Where a batch stands."""

    DRAFTED = "drafted"
    RUNNING = "running"
    PAUSED = "paused"  # by a person; resumes where it was
    STOPPED = "stopped"  # by itself, after failures; a person may resume or cancel
    DONE = "done"
    CANCELLED = "cancelled"


class BatchEvent(StrEnum):
    """What can happen to it."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    FINISH = "finish"
    CANCEL = "cancel"


CHANGES: Mapping[BatchState, Mapping[BatchEvent, BatchState]] = {
    BatchState.DRAFTED: {BatchEvent.START: BatchState.RUNNING, BatchEvent.CANCEL: BatchState.CANCELLED},
    BatchState.RUNNING: {
        BatchEvent.PAUSE: BatchState.PAUSED,
        BatchEvent.STOP: BatchState.STOPPED,
        BatchEvent.FINISH: BatchState.DONE,
        BatchEvent.CANCEL: BatchState.CANCELLED,
    },
    BatchState.PAUSED: {BatchEvent.RESUME: BatchState.RUNNING, BatchEvent.CANCEL: BatchState.CANCELLED},
    BatchState.STOPPED: {BatchEvent.RESUME: BatchState.RUNNING, BatchEvent.CANCEL: BatchState.CANCELLED},
    BatchState.DONE: {},
    BatchState.CANCELLED: {},
}


def advance(state: BatchState, event: BatchEvent) -> BatchState | None:
    """Next state; None: not possible here."""
    return CHANGES[state].get(event)


def boundaries(total: int, groups: tuple[int, ...] = GROUPS) -> list[int]:
    """Meters released up to the end of each group: 1, 11, 111, all."""
    found: list[int] = []
    reached = 0
    for size in groups:
        if reached + size >= total:
            break
        reached += size
        found.append(reached)
    return [*found, total]


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a batch. ``released``: given a command; ``settled_at``: instant (s) the last of them ended, 0: some are open."""

    total: int
    released: int
    confirmed: int
    failed: int  # failed or expired
    cancelled: int
    settled_at: int
    group_failed: int = 0  # of the group released last
    group_size: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch is led."""

    groups: tuple[int, ...] = GROUPS
    hold_s: int = HOLD_S
    failure_limit_ppm: int = FAILURE_LIMIT_PPM


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: release ``count`` more meters (0: wait), or end by ``event``."""

    count: int = 0
    event: BatchEvent | None = None


def too_many_failures(failed: int, of: int, limit_ppm: int) -> bool:
    """Whether failures stop a batch. Small groups are there to find what is wrong: one failure is enough."""
    if failed == 0:
        return False
    return of < ENOUGH_TO_JUDGE or failed * 1_000_000 > limit_ppm * of


def step(plan: Plan, progress: Progress, now: int, allowance: int) -> Step:
    """Decide a running batch's next step. ``allowance``: meters that may still be touched today."""
    if too_many_failures(progress.group_failed, progress.group_size, plan.failure_limit_ppm):
        return Step(event=BatchEvent.STOP)
    ends = boundaries(progress.total, plan.groups)
    settled = progress.confirmed + progress.failed + progress.cancelled
    if progress.released >= progress.total:
        return Step(event=BatchEvent.FINISH) if settled >= progress.total else Step()
    if progress.released in (0, *ends):  # a group is complete: all answered, and watched for a while
        if progress.released and (settled < progress.released or now < progress.settled_at + plan.hold_s):
            return Step()
        following = next(end for end in ends if end > progress.released)
    else:  # the rest, a day's share at a time
        following = next(end for end in ends if end > progress.released)
    return Step(count=max(0, min(following - progress.released, allowance)))


def daily_allowance(meters: int, touched_today: int, share_ppm: int = DAILY_SHARE_PPM, least: int = 1) -> int:
    """Meters of a utility of this size that may still be configured today; a tiny one may always touch ``least``."""
    return max(0, max(least, meters * share_ppm // 1_000_000) - touched_today)
