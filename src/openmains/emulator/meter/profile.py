# SPDX-License-Identifier: Apache-2.0
"""What a meter is given (habits, supply, message format) and what it asks of its owner (actions). Theory: ``meter.py``."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from openmains.domain.period import DAY_S, HOUR_S
from openmains.emulator.meter.spreading import Period, Scheme

HISTORY_DAYS = 7
UNKNOWN = -1  # in the log: the clock jumped over this freezing instant


class Supply(Protocol):
    """What flows through the meter: its register at rising true instants."""

    def __call__(self, instants_s: Sequence[int]) -> list[int]: ...


@dataclass(slots=True)
class Snapshot:
    """Everything a message can carry; the frame builder takes what its kind needs. Instants by the meter's clock."""

    device_at: int
    frame_seq: int
    register: int
    active: frozenset[str]  # events whose state is on
    start_at: int = 0  # first interval's start
    interval_s: int = 0
    freezes: list[int] = field(default_factory=list)  # registers at the intervals' n + 1 bounds, or UNKNOWN
    history: list[int] = field(default_factory=list)  # registers at history_at and at the same time on days before
    history_at: int = 0  # midnight at which start_at's day begins
    flow: int = 0  # litres/h in the last ten minutes
    reverse: int = 0  # litres that flowed back since start_at
    temperature: int = 150  # 0.1 °C
    vibration: int = 0  # 0.01 mm/s
    pressure: int = UNKNOWN  # 0.1 kPa above the air, now
    pressures: list[int] = field(default_factory=list)  # each hour from start_at on, or UNKNOWN
    felt: list[tuple[int, int, int]] = field(
        default_factory=list
    )  # at each interval's start: pressure, temperature, vibration
    battery_mv: int = 3_600
    battery_pct: int = 100
    event: str = ""  # alarm: what happened
    raised: bool = True  # False: recovery
    raised_at: int = 0


class Frames(Protocol):
    """A maker's message format, as the emulator needs it."""

    @property
    def enhanced(self) -> bool:
        """Reports have the series and values of the sensors (R1.2)."""
        ...

    def report(self, snapshot: Snapshot) -> bytes: ...

    def alarm(self, snapshot: Snapshot) -> bytes: ...

    def heartbeat(self, snapshot: Snapshot) -> bytes: ...

    def time_of(self, answer: bytes) -> int | None:
        """Platform time (s UTC) carried by an answer, None if it carries none."""
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """A product's habits. Defaults: household meter, daily report, half-hour freezing."""

    period: Period = Period.DAY
    every_s: int = DAY_S  # with Period.EVERY
    report_time_s: int = 0
    freeze_s: int = 1800
    today: bool = False  # demo cadence: each report covers the local day so far, not the last full period
    scheme: Scheme = Scheme.MOD200
    spread_factor_s: int = 120
    spread_start_s: int = 0  # added to every delay (R4.2)
    utc_offset_s: int = 8 * HOUR_S
    retries_s: tuple[int, ...] = (300, 3600)  # after the first attempt (R1.7)
    reset_s: int = 8 * HOUR_S
    busy_retries_s: tuple[int, ...] = (60, 180, 600)  # after error 513
    attach_wait_s: int = 60
    attach_tries: int = 3
    heartbeats_s: tuple[int, ...] = (60, 120)
    window_s: int = 180
    quiet_s: int = 0  # Chongqing: the window closes after so long without a command (C4.2.4); 0: it stays open
    wake_s: int = 0  # Chongqing: and so long after waking at the latest (自醒时长)
    early_release: bool = True  # RAI: the connection ends with the acknowledgement (G5.1)
    alarm_tries: int = 3
    log_days: int = 30
    immediate: frozenset[str] = frozenset()  # events that report at once (R1.5, S6.1.2.7)
    once_a_day: frozenset[str] = frozenset({"magnetic", "module_removed"})


def chongqing(profile: Profile, wake_s: int = 600) -> Profile:
    """The same meter with the habits of C4.2.4: no heartbeats, closed after 2 min without a command or when its wake time is
    over. The document sets the wake time (自醒时长) per meter and gives no number: 10 min is assumed."""
    return replace(profile, heartbeats_s=(), quiet_s=120, wake_s=wake_s, window_s=wake_s)


@dataclass(frozen=True, slots=True)
class Attach:
    """Switch the module on and search the network; answer with ``on_attach``."""

    clear_frequency: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Send a confirmable request; answer with ``on_answer``, ``on_failure`` under the same ``message``."""

    message: int
    kind: str  # report, alarm, heartbeat, command (results and read-backs)
    payload: bytes
    attempt: int  # 1 = first
    early_release: bool = True  # RAI 'with ack': the acknowledgement ends the connection (R1.9)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Enter PSM (release with RAI): nothing is heard from now on."""


Action = Attach | Send | Sleep
