# SPDX-License-Identifier: Apache-2.0
"""What becomes of a day that was due and is not well: a table, and the decisions that move along it (R6.3). Pure.

    waiting  the meter's own next report may bring it: its 7-day history, a late report, a repeat
    wanted   that report came without it: to be asked for when the limits allow
    asked    a ``read_intervals`` is on its way to the meter
    visit    nothing more can be asked from here: somebody has to go there. Whose meter was silent and speaks again is wanted: it keeps
             30 days. Where somebody read the meter at the day's end or later the visit was made
    filled   it came; how is in ``Gap.by``
    closed   a person said that nothing is to be done, or read the meter

Limits: of a meter so many re-reads a month (``Wanted.rereads_a_month``: each costs its battery about what a report costs), of a radio cell
so many an hour. What waits for a limit stays *wanted*, and goes to a visit when the meter no longer keeps it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from openmains.domain.ids import CommandId, MeterId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.domain.readings.expected import PERIOD_S, Mode
from openmains.domain.readings.tasks import Need, Remedy

KEPT_DAYS = 30  # meters keep so much (R1.14)
SETTLE_S = 180  # what a meter said after a command is stored by then: the time it is reachable (R1.9)
MOST_TRIES = 3  # of one gap
ASKED_DAYS = 10  # of one command
ASKED_REGISTERS = 1_400  # that a meter answers at once (docs/protocols/openmains-commands.md)
CELL_ASKS = 20  # of one radio cell
CELL_WINDOW_S = HOUR_S
MISSED_REPORTS = 2  # in a row: the meter is silent, nobody waits for its next one


class GapState(StrEnum):
    """Where a gap stands."""

    WAITING = "waiting"
    WANTED = "wanted"
    ASKED = "asked"
    VISIT = "visit"
    FILLED = "filled"
    CLOSED = "closed"


class GapEvent(StrEnum):
    """What can happen to it."""

    FILL = "fill"  # the day is well
    SPEAK = "speak"  # the meter's next report came without it
    ASK = "remedy"  # a command goes to the meter
    LOSE = "lose"  # the command ended and the day is as it was
    GIVE_UP = "give_up"  # nothing more can be done from here
    CLOSE = "close"  # a person's word or reading, or the meter is no more
    AGAIN = "again"  # a person wants it asked once more, or the meter is silent no longer


S, E = GapState, GapEvent
OPEN: Final = frozenset({S.WAITING, S.WANTED, S.ASKED, S.VISIT})
CHANGES: Final[Mapping[GapState, Mapping[GapEvent, GapState]]] = {
    S.WAITING: {E.FILL: S.FILLED, E.SPEAK: S.WANTED, E.GIVE_UP: S.VISIT, E.CLOSE: S.CLOSED},
    S.WANTED: {E.FILL: S.FILLED, E.ASK: S.ASKED, E.GIVE_UP: S.VISIT, E.CLOSE: S.CLOSED},
    S.ASKED: {E.FILL: S.FILLED, E.LOSE: S.WANTED, E.GIVE_UP: S.VISIT, E.CLOSE: S.CLOSED},
    S.VISIT: {E.FILL: S.FILLED, E.CLOSE: S.CLOSED, E.AGAIN: S.WANTED},
    S.FILLED: {},
    S.CLOSED: {},
}  # fmt: skip


def advance(state: GapState, event: GapEvent) -> GapState:
    """Next state; what the table does not name changes nothing."""
    return CHANGES[state].get(event, state)


class Visit(StrEnum):
    """Why somebody has to go there."""

    SILENT = "silent"  # two reports in a row did not come
    CANNOT_BE_ASKED = "cannot_be_asked"  # its product has no command for it, or nobody may command it
    ASKED_IN_VAIN = "asked_in_vain"
    TOO_OLD = "too_old"  # the meter keeps it no longer
    NOT_TO_BE_ASKED = "not_to_be_asked"  # its task says so


class FilledBy(StrEnum):
    """What filled a gap."""

    METER = "meter"  # its own late or repeated report
    HISTORY = "history"  # the day's total, out of the 7-day history
    REREAD = "reread"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Gap:
    """One day of one meter. Instants in s UTC. ``command_ended_s``: of the command it was asked with, None while that is open;
    ``changed_s``: when it came into its state; ``why``: of a visit."""

    meter_id: MeterId
    day: int
    start_s: int
    end_s: int
    due_s: int
    state: GapState = S.WAITING
    tries: int = 0
    command_id: CommandId | None = None
    command_ended_s: int | None = None
    changed_s: int = 0
    why: Visit | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """What is stored of the day: how many of its slots hold what."""

    expected: int
    measured: int = 0  # or interpolated
    history: int = 0  # of a total that the meter's history told
    edited: int = 0
    other: int = 0  # estimated; the rest is missing

    def is_well(self, need: Need) -> bool:
        """As the task wants it."""
        known = self.measured + self.edited
        return self.expected > 0 and known + (self.history if need is Need.TOTAL else 0) >= self.expected


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What decides about a meter's gaps. ``known_s``: newest instant whose register was measured; ``asked``: re-reads this month;
    ``read_s``: when a person read it last and was believed, 0: never."""

    mode: Mode = Mode.DAY
    need: Need = Need.SLOTS
    remedy: Remedy = Remedy.AUTOMATIC
    rereads_a_month: int = 6
    can_be_asked: bool = True
    is_removed: bool = False
    last_seen_s: int = 0
    known_s: int = 0
    asked: int = 0
    cell: int = 0
    freeze_s: int = 1800
    read_s: int = 0


@dataclass(frozen=True, slots=True)
class GapMove:
    """A gap that moves on. ``event`` is in the table for the state it was in; ``by``: of one that is filled, or whose visit was made."""

    gap: Gap
    event: GapEvent
    state: GapState
    by: FilledBy | None = None
    why: Visit | None = None


@dataclass(frozen=True, slots=True)
class RereadRequest:
    """One command to give: freezings from ``since`` to ``until``, both included; it waits until ``not_after``."""

    meter_id: MeterId
    since_s: int
    until_s: int
    not_after_s: int
    days: tuple[int, ...]
    tries: int  # before this one: with meter and span it names the command


class CellBudget:
    """Re-reads that each cell may still be given in this window."""

    def __init__(self, given: Mapping[int, int], most: int = CELL_ASKS) -> None:
        self._given, self._most = Counter(given), most

    def take(self, cell: int) -> bool:
        """True: one more. Where nobody knows the cell (0) only the dispatcher's own flow control counts."""
        if not cell:
            return True
        if self._given[cell] >= self._most:
            return False
        self._given[cell] += 1
        return True


def decide(
    gaps: Sequence[Gap], stored: Mapping[int, Slots], facts: MeterFacts, cells: CellBudget, now_s: int
) -> tuple[list[GapMove], list[RereadRequest]]:
    """Moves of one meter's open gaps and the commands to give. ``stored``: by day; a day without slots is not there at all."""
    moves: list[GapMove] = []
    wanted: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.day):
        move = _look(gap, stored.get(gap.day), facts, now_s)
        if move is not None:
            moves.append(move)
            gap = replace(gap, state=move.state, tries=gap.tries + (move.event is E.LOSE))
        if gap.state is S.WANTED and facts.remedy is not Remedy.NEVER:
            wanted.append(gap)
    given: list[RereadRequest] = []
    for run in runs_of(wanted, facts.freeze_s):
        why = _hopeless(run, facts, now_s)
        if why is not None:
            moves += [GapMove(gap, E.GIVE_UP, S.VISIT, why=why) for gap in run]
        elif facts.asked + len(given) < facts.rereads_a_month and cells.take(facts.cell):
            moves += [GapMove(gap, E.ASK, S.ASKED) for gap in run]
            given.append(
                RereadRequest(
                    run[0].meter_id,
                    run[0].start_s,
                    run[-1].end_s,
                    now_s + PERIOD_S[facts.mode] + 2 * DAY_S,
                    tuple(gap.day for gap in run),
                    max(gap.tries for gap in run),
                )
            )
    return moves, given


def _filled_by(gap: Gap, slots: Slots) -> FilledBy:
    if slots.edited:
        return FilledBy.PERSON
    if slots.measured < slots.expected:
        return FilledBy.HISTORY
    return FilledBy.REREAD if gap.tries or gap.state is S.ASKED else FilledBy.METER


def _look(gap: Gap, slots: Slots | None, facts: MeterFacts, now_s: int) -> GapMove | None:
    """What is stored, time and the meter's words make of a gap that is open."""
    if slots is not None and slots.is_well(facts.need):
        return GapMove(gap, E.FILL, S.FILLED, by=_filled_by(gap, slots))
    if facts.is_removed:
        return GapMove(gap, E.CLOSE, S.CLOSED)
    if gap.state is S.VISIT:
        return _visited(gap, facts)
    if facts.remedy is Remedy.NEVER:
        return GapMove(gap, E.CLOSE, S.CLOSED) if _is_too_old(gap, facts, now_s) else None
    if gap.state is S.WAITING:
        if facts.known_s >= gap.end_s and facts.last_seen_s >= gap.due_s:
            return GapMove(gap, E.SPEAK, S.WANTED)
        if now_s - max(gap.due_s, facts.last_seen_s) > MISSED_REPORTS * PERIOD_S[facts.mode]:
            return GapMove(gap, E.GIVE_UP, S.VISIT, why=Visit.SILENT)
    if gap.state is S.ASKED and gap.command_ended_s is not None and now_s > gap.command_ended_s + SETTLE_S:
        return GapMove(gap, E.LOSE, S.WANTED)
    return None


def _visited(gap: Gap, facts: MeterFacts) -> GapMove | None:
    """What the meter keeps is better than what a person reads, so that one that speaks again is asked first."""
    if gap.why is Visit.SILENT and facts.last_seen_s > gap.changed_s and facts.remedy is not Remedy.NEVER:
        return GapMove(gap, E.AGAIN, S.WANTED)
    return GapMove(gap, E.CLOSE, S.CLOSED, by=FilledBy.PERSON) if facts.read_s >= gap.end_s else None


def _is_too_old(gap: Gap, facts: MeterFacts, now_s: int) -> bool:
    return now_s - gap.start_s > KEPT_DAYS * DAY_S + PERIOD_S[facts.mode]


def _hopeless(run: Sequence[Gap], facts: MeterFacts, now_s: int) -> Visit | None:
    if facts.remedy is not Remedy.AUTOMATIC:
        return Visit.NOT_TO_BE_ASKED
    if not facts.can_be_asked:
        return Visit.CANNOT_BE_ASKED
    if run[0].tries >= MOST_TRIES:
        return Visit.ASKED_IN_VAIN
    if _is_too_old(run[0], facts, now_s):
        return Visit.TOO_OLD
    return None


def runs_of(gaps: Iterable[Gap], freeze_s: int) -> list[list[Gap]]:
    """Neighbouring days that one command asks for: as many as the meter answers at once, tried equally often."""
    most = max(1, min(ASKED_DAYS, ASKED_REGISTERS * freeze_s // DAY_S))
    runs: list[list[Gap]] = []
    for gap in gaps:
        last = runs[-1] if runs else None
        if (
            last
            and gap.day == last[-1].day + 1
            and len(last) < most
            and (gap.tries >= MOST_TRIES) == (last[0].tries >= MOST_TRIES)
        ):
            last.append(gap)
        else:
            runs.append([gap])
    return runs
