# SPDX-License-Identifier: Apache-2.0
"""The ladder: a score that findings raise and time wears off, and the steps it leads to.

    ALLOWED ──observe──▶ OBSERVE ──quarantine──▶ QUARANTINE ──block──▶ BLOCKED
       ◀── score below half ──┘        ◀──────── only a person releases ────────┘

Pure integers (thousandths of a point), so that a batch judged again after a crash ends at the same score. A finding
lifts the score no higher than the threshold of the highest step it may lead to; it never lowers one. Time lowers the score
steadily. The way down from QUARANTINE and BLOCKED is a person's: a key that was abused once is not trusted again because
a day went by.
"""

from dataclasses import dataclass, replace

from openmains.domain.period import DAY_S
from openmains.domain.security.findings import WEIGHTS, Kind, State

MILLI = 1000


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Points at which each step is reached, and how many wear off in a day."""

    observe: int = 10
    quarantine: int = 50
    block: int = 100
    fade_per_day: int = 24

    def __post_init__(self) -> None:
        if not 0 < self.observe < self.quarantine < self.block or self.fade_per_day <= 0:
            raise ValueError("thresholds rise: 0 < observe < quarantine < block, and something fades each day")

    def of(self, state: State) -> int:
        """Thousandths of a point at which a step is reached."""
        return (0, self.observe, self.quarantine, self.block)[state] * MILLI

    def reached(self, score: int) -> State:
        """The highest step a score (thousandths) reaches."""
        return max(state for state in State if score >= self.of(state))


@dataclass(frozen=True, slots=True)
class Standing:
    """A terminal's place: ``score`` in thousandths of a point as of ``at`` (s UTC); ``held``: put there by a person."""

    state: State = State.ALLOWED
    score: int = 0
    at: int = 0
    held: bool = False


def faded(standing: Standing, at: int, thresholds: Thresholds) -> Standing:
    """The same terminal at ``at``: what wore off, and the way back from OBSERVE. An instant before its own changes nothing."""
    elapsed = at - standing.at
    if elapsed <= 0:
        return standing
    lost = elapsed * thresholds.fade_per_day * MILLI // DAY_S
    if lost == 0:
        return standing  # the time is not used up: many small steps fade as much as one large one
    score = max(0, standing.score - lost)
    state = standing.state
    if state is State.OBSERVE and not standing.held and score * 2 < thresholds.of(State.OBSERVE):
        state = State.ALLOWED
    return replace(standing, state=state, score=score, at=at)


def judge(standing: Standing, kind: Kind, at: int, thresholds: Thresholds, at_least: State = State.ALLOWED) -> Standing:
    """The standing after one finding. ``at_least``: the step an option of product or tenant demands for it at once."""
    weight = WEIGHTS[kind]
    before = faded(standing, at, thresholds)
    ceiling = thresholds.of(max(weight.highest, at_least))
    score = max(before.score, min(before.score + weight.points * MILLI, ceiling), thresholds.of(at_least))
    state = max(before.state, thresholds.reached(score))
    return replace(before, state=state, score=score, at=max(at, before.at))


def release(standing: Standing, at: int) -> Standing:
    """A person looked at it: allowed, with nothing against it."""
    return Standing(State.ALLOWED, 0, max(at, standing.at))


def put(standing: Standing, state: State, at: int) -> Standing:
    """A person puts it on a step; only a person takes it off."""
    return Standing(state, standing.score, max(at, standing.at), held=state is not State.ALLOWED)
