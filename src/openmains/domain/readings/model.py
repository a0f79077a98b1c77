# SPDX-License-Identifier: Apache-2.0
"""The meter-day model (architecture, R6.1).

Cumulative registers are the truth. One row per meter and day holds the register at the day's start (``base``) and the
increments of equal intervals after it; increments are derived and add up to the register difference. All volumes are
integers in the product's unit (litres unless the driver says otherwise), all instants are seconds since 1970 UTC.

``judge`` functions are pure: (state, message, limits, zone) → judgement. The pipeline stores the judgement's rows in
ClickHouse under ``state.version + 1`` and the new state in PostgreSQL in one transaction with the stream position; a
message that is processed again after a crash meets the old state, so it yields the same rows under the same version.
"""

from dataclasses import dataclass, field

from openmains.domain.readings.quality import Rule

HISTORY_DAYS = 8
CLOCK_TOLERANCE_S = 600  # a meter's clock may be off by so much


@dataclass(slots=True)
class MeterState:
    """What is remembered of a meter between messages; one narrow row in ``meter_state``."""

    version: int = 0  # counts the messages applied; also the version of the rows they wrote
    register: int | None = None  # newest valid register
    register_at: int | None = None  # its instant
    midnight_day: int | None = None  # newest day whose *start* register is known
    midnights: list[int | None] = field(default_factory=list)  # at the start of close_day, the day before, … (≤ 8)
    frame_seq: int | None = None  # sequence number and hash of the last message, for exact repeats
    frame_hash: int | None = None
    candidate: int | None = None  # a level the register jumped to and that is not yet believed
    candidate_at: int | None = None
    candidate_count: int = 0
    average_use: int = 0  # moving mean of use, units per day × 16; 0 = not known yet
    grid_at: int | None = None  # newest grid instant (slot boundary) whose register is known …
    grid_register: int | None = None  # … and the register there: where the next slot begins
    left: int | None = None  # register on the level that was left last (levels.py) …
    left_at: int | None = None  # … its instant …
    left_for: int | None = None  # … where the level that counts now began …
    left_use: int = 0  # … and ``average_use`` then: a dead register unlearns it
    measured_at: int | None = (
        None  # newest grid instant whose register was measured; later ones lie on a line to a register
    )
    read_digit: int = 0  # units of the last digit of ``register`` where a person read it; 0: the meter said it itself


@dataclass(slots=True, frozen=True)
class Limits:
    """What is possible for a meter: from its product and its installation."""

    qmax_per_h: int  # overload flow Q4 / Qmax, units per hour
    dial: int = 0  # register rolls over to 0 at this value; 0 = unknown
    ceiling: int = 0  # no register reaches this value, even where the dial is unknown; 0 = unknown
    installed_at: int = 0  # no value before this instant is possible
    interval_s: int = 1800  # grid of the meter-day
    cadence_s: int = 1800  # expected distance of two registers
    report_s: int = (
        0  # expected distance of two messages; what comes within 1.5 of it is missed by nobody; 0 = cadence_s
    )
    clock_tolerance_s: int = CLOCK_TOLERANCE_S
    reverse_per_h: int = 0  # flow back taken as real; 0 = qmax_per_h // 50


@dataclass(slots=True)
class IntervalReport:
    """A report with equal intervals (R1.1, R1.2): the usual daily message."""

    received_at: int
    device_at: int  # the meter's clock when it sent
    start: int  # instant of the first interval's start
    interval_s: int
    base: int  # register at start
    increments: list[int]  # ≥ 0; < 0 only where the driver has signed intervals; gaps: see ``missing``
    register: int  # register now
    register_at: int  # its instant: the meter's clock when it sent unless the driver says otherwise
    missing: int = 0  # bit k set: interval k not measured, its increment is 0
    history: list[tuple[int, int]] = field(default_factory=list)  # (a day's start, register then), newest first
    frame_seq: int | None = None
    frame_hash: int | None = None
    sums: tuple[int, int, int] | None = None  # (total, least, most) of the increments where somebody has them already


@dataclass(slots=True)
class RegisterReport:
    """Registers at arbitrary instants, in the order the meter sent them (spot readings, logs, CJ/T 188 reads)."""

    received_at: int
    device_at: int
    entries: list[tuple[int, int]]  # (instant, register)
    frame_seq: int | None = None
    frame_hash: int | None = None
    read_digit: int = 0  # > 0: a person read them, to so many units; no clock stands behind the instants, and no frame


@dataclass(slots=True)
class DayRow:
    """One version of one meter-day, or the part of it that a message knows.

    ``quality[k]`` with MISSING says that the message knows nothing of slot k; the store keeps what it had there.
    """

    day: int
    base: int
    interval_s: int
    increments: list[int]
    quality: list[int]
    flags: int = 0  # bits of Rule
    partial: bool = False  # True: must be merged with the row already stored
    clean_total: int | None = field(
        default=None, compare=False
    )  # sum of a day whose slots are all measured, as they came


@dataclass(slots=True)
class RegisterRow:
    """One received register, kept for ever exactly as it came."""

    at: int
    register: int
    flags: int = 0  # bits of Rule


@dataclass(slots=True)
class Finding:
    """One rule that fired: becomes a row in the exception list and a bit in ``flags``."""

    rule: Rule
    at: int  # instant it speaks of
    value: int  # what came
    expected: int | None = None  # what would have been accepted (bound or stored value)
    is_settled: bool = False  # a gap whose days' totals are known all the same: nothing is left to do


@dataclass(slots=True)
class Judgement:
    """Everything one message means for the stores."""

    state: MeterState
    days: list[DayRow]
    registers: list[RegisterRow]
    findings: list[Finding]
    repeat: bool = False  # exact repeat of the last message: counted, nothing stored
    filled: tuple[int, int] | None = None  # [from, to): measured slots of a time that was known, or missed, before
