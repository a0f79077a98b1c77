# SPDX-License-Identifier: Apache-2.0
"""What is stored of a meter, of those around it and of its account, as the tree asks for it. None: it is not known, and is not guessed."""

from dataclasses import dataclass, field
from typing import Literal

Valve = Literal["open", "closed", "fault"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Its newest refusal at the door: stage (handshake, registration, bootstrap), reason, how often."""

    stage: str
    reason: str
    attempts: int
    last_us: int


@dataclass(frozen=True, slots=True)
class OpenLetters:
    """Messages of it that were not understood, newest first."""

    count: int
    reason: str
    detail: str
    last_us: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other meters of its area in its radio cell, at most a few hundred: how many were heard in time. ``rsrp_ddbm``: half of them have more."""

    meters: int = 0
    late: int = 0
    rsrp_ddbm: int | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """Of its area with what is above: open alarms that say that nothing comes, open orders of others without supply, and meters closed."""

    alarms: tuple[str, ...] = ()
    orders: int = 0
    meters: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class LastCommand:
    """A command to it. ``ended_us`` None: it waits for the meter."""

    command_id: int
    kind: str
    state: str
    reason: str
    sent_us: int | None
    ended_us: int | None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Instants in µs, signal in 0.1 dBm, battery in mV and %, balance in fen, debt in fen. ``late_us``: silent for longer it is late.
    ``events``: that stand at the meter or as alarms; ``held``: its terminal's state where that keeps it out; ``stop``: who stopped all
    commands, and why."""

    now_us: int
    last_seen_us: int | None = None
    late_us: int = 48 * 3600 * 1_000_000
    has_driver: bool = True
    driver: str = ""
    has_key: bool = True
    sim_registered: str = ""
    sim_seen: str = ""
    terminal: str = "allowed"
    rsrp_ddbm: int | None = None
    sinr_ddb: int | None = None
    battery_mv: int | None = None
    battery_pct: int | None = None
    valve: Valve | None = None
    balance_fen: int | None = None
    debt_fen: int | None = None
    events: frozenset[str] = frozenset()
    refusal: Refusal | None = None
    letters: OpenLetters | None = None
    neighbours: Neighbours = field(default_factory=Neighbours)
    supply: Supply = field(default_factory=Supply)
    safety: str = ""
    closed_by: LastCommand | None = None
    unanswered: LastCommand | None = None
    stop: str = ""

    @property
    def is_silent(self) -> bool:
        """Late, or never heard."""
        return self.last_seen_us is None or self.now_us - self.last_seen_us > self.late_us
