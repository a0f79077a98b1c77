# SPDX-License-Identifier: Apache-2.0
"""Which days should be there, by when, and how they stand (R1.3, R2.4, R6.2). Words as in docs/readings.md.

A day is asked for (``Expectation.is_expected``) and is due (``due_at``) by the mode in which its meter reports. Until then it is
'not due yet', whatever is there of it: nobody misses what nobody promised.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from openmains.domain.period import DAY_S, Zone, day_to_date, first_of_month

ON_TIME_HOUR = 8


class Mode(StrEnum):
    """How often a meter reports (R1.3). Dense meters and those that report twice a day are due like daily ones."""

    DAY = "day"
    WEEK = "week"  # Monday to Sunday
    TEN_DAYS = "ten_days"  # 旬: after the 10th, the 20th and the month's last day
    MONTH = "month"


MODES: Final = tuple(Mode)
# Longest period of each mode, which is also what a product's ``report_s`` says of it.
PERIOD_S: Final[Mapping[Mode, int]] = {
    Mode.DAY: DAY_S, Mode.WEEK: 7 * DAY_S, Mode.TEN_DAYS: 10 * DAY_S, Mode.MONTH: 31 * DAY_S,
}  # fmt: skip
# The setting by which a meter says its mode, and what its values mean (as the drivers' pages have it; 3: every some seconds).
MODE_SETTING: Final = "report_period"
_SAID: Final[Mapping[int, Mode]] = {0: Mode.DAY, 1: Mode.TEN_DAYS, 2: Mode.MONTH, 3: Mode.DAY, 4: Mode.WEEK}


def mode_of_period(report_s: int) -> Mode:
    """The mode of meters that report every so many seconds: the shortest whose period is as long."""
    return next((mode for mode in MODES if report_s <= PERIOD_S[mode]), Mode.MONTH)


def mode_of_settings(values: Mapping[str, object]) -> Mode | None:
    """The mode a meter's own settings say; None where they say nothing of it."""
    said = values.get(MODE_SETTING)
    return _SAID.get(said) if isinstance(said, int) else None


def reports_once_a_day(settings: Mapping[str, object], mode: Mode, report_s: int) -> bool:
    """Whether a meter has one report time a day: by what it says itself, else by the mode by which its days are due; of daily products
    the period tells those that report more often. ``mode``: in force; ``report_s``: its product's."""
    said = settings.get(MODE_SETTING)
    if isinstance(said, int):
        return said == 0
    return mode is Mode.DAY and (report_s == DAY_S or mode_of_period(report_s) is not Mode.DAY)


def cadence_of(mode: Mode, interval_s: int) -> int:
    """How far apart (s) a meter's registers are expected: on its product's grid; who reports by the week, 旬 or month sends one of
    each midnight (R5.7, C4.2), so that a day between two midnights is known."""
    return interval_s if mode is Mode.DAY else max(interval_s, DAY_S)


@dataclass(slots=True, frozen=True)
class Modes:
    """A mode, and the one before it: a change counts for the days from ``since`` on. None: says nothing, another counts."""

    mode: Mode | None = None
    since: int | None = None  # day number
    before: Mode | None = None

    def on(self, day: int) -> Mode | None:
        """In force on a day."""
        return self.before if self.since is not None and day < self.since else self.mode


class WantsMode(Protocol):
    """A task (``tasks.Task``), from the most general to the meter's own: the last that says a mode counts."""

    def mode_on(self, day: int) -> Mode | None: ...


class Standing(StrEnum):
    """Whether a day of a meter may be missed."""

    NOT_EXPECTED = "not_expected"  # before it was there, or after
    NOT_DUE = "not_due"
    DUE = "due"


@dataclass(slots=True, frozen=True)
class Expectation:
    """From when to when, and in which mode a meter is to report. Days are day numbers of the utility's zone.

    first_day    the first day asked of it: the later of the day after its installation (it was put up in the course of that day,
                 and a whole day begins at midnight) and of the day from which the utility expects readings
    removed_day  nothing is due after it: a period that ends later is never reported
    own          what the meter says of its mode; where that is nothing, what ``tasks`` want of it (``tasks.mode_on``), else ``product``
    """

    first_day: int
    removed_day: int | None = None
    own: Modes = field(default_factory=Modes)
    product: Modes = field(default_factory=lambda: Modes(Mode.DAY))
    tasks: Sequence[WantsMode] = ()

    def mode_on(self, day: int) -> Mode:
        """The mode in force on a day."""
        wanted = [mode for task in self.tasks if (mode := task.mode_on(day)) is not None]
        return self.own.on(day) or (wanted[-1] if wanted else None) or self.product.on(day) or Mode.DAY

    def is_expected(self, day: int) -> bool:
        """Whether the meter was on the wall from midnight to midnight, and still there when its period ended."""
        if day < self.first_day:
            return False
        return self.removed_day is None or period_of(day, self.mode_on(day))[1] < self.removed_day

    def standing(self, day: int, now_s: int, zone: Zone) -> Standing:
        """How the day stands at an instant."""
        if not self.is_expected(day):
            return Standing.NOT_EXPECTED
        return Standing.NOT_DUE if now_s < due_at(day, self.mode_on(day), zone) else Standing.DUE


class Status(StrEnum):
    """How an expected day stands."""

    ON_TIME = "on_time"  # all slots measured, before it was due
    LATE = "late"  # all slots measured, afterwards
    ESTIMATED = "estimated"  # at least one slot rests on an estimate
    PARTIAL = "partial"  # some slots measured, others unknown
    MISSING = "missing"  # nothing known
    NOT_DUE = "not_due"  # not all measured, and not due yet


class Known(NamedTuple):
    """What the store knows of a day: as in the ``day_total`` table."""

    slots: int
    measured: int
    received_s: int


@dataclass(slots=True)
class Collection:
    """Counts of a collection report; ``received`` = on time + late. ``expected``: days that are due, and those that were there
    before; ``not_due`` are none of them."""

    expected: int = 0
    on_time: int = 0
    late: int = 0
    estimated: int = 0
    partial: int = 0
    missing: int = 0
    not_due: int = 0

    @property
    def received(self) -> int:
        """Days whose slots were all measured."""
        return self.on_time + self.late

    @property
    def rate_ppm(self) -> int:
        """Received of expected in millionths, rounded down; 1,000,000 when nothing was expected."""
        return 1_000_000 if not self.expected else self.received * 1_000_000 // self.expected

    def add(self, status: Status, days: int = 1) -> None:
        """Count days of one status."""
        if status is not Status.NOT_DUE:
            self.expected += days
        setattr(self, status.value, getattr(self, status.value) + days)


def period_of(day: int, mode: Mode) -> tuple[int, int]:
    """First and last day of the reporting period that holds ``day``."""
    if mode is Mode.DAY:
        return day, day
    today = day_to_date(day)
    if mode is Mode.WEEK:
        first = day - today.weekday()
        return first, first + 6
    first, last = first_of_month(day), first_of_month(day, 1) - 1
    if mode is Mode.TEN_DAYS:
        third = min((today.day - 1) // 10, 2)
        return first + 10 * third, last if third == 2 else first + 10 * third + 9
    return first, last


def due_at(day: int, mode: Mode, zone: Zone) -> int:
    """Instant by which the report about ``day`` should be in: 08:00 of the day after its reporting period."""
    return zone.at(period_of(day, mode)[1] + 1, ON_TIME_HOUR)


def status_of(known: Known | None, expected_slots: int, due_s: int, now_s: int | None = None) -> Status:
    """How an expected day stands; ``expected_slots`` is the number of slots of the day on its grid. ``now_s``: None after it
    was due."""
    if known is None or known.slots == 0:
        status = Status.MISSING
    elif known.slots > known.measured:
        status = Status.ESTIMATED
    elif known.slots < expected_slots:
        status = Status.PARTIAL
    else:
        return Status.ON_TIME if known.received_s < due_s else Status.LATE
    return Status.NOT_DUE if now_s is not None and now_s < due_s else status


def collect(statuses: Iterable[Status]) -> Collection:
    """Count statuses of expected days."""
    counts = Collection()
    for status in statuses:
        counts.add(status)
    return counts
