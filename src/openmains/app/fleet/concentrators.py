# SPDX-License-Identifier: Apache-2.0
"""Concentrators and DTUs as use cases and the API see them: who may connect over TCP, for which meters, and how they stand (R3.2, R5.7)."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.domain.ids import MeterId

ConcentratorNumber = Annotated[str, Meta(pattern=r"^[0-9]{16}$", description="16 digits, by which it registers.")]
PollSeconds = Annotated[int, Meta(ge=10, le=2_678_400, description="How often the meters of its line are asked.")]
ConcentratorName = Annotated[str, Meta(max_length=200)]
Numbers = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=5_000)]
Why = Annotated[str, Meta(max_length=400, description="Why; kept in the audit log.")]
DEFAULT_POLL_S = 3_600


class RegisteredConcentrator(Struct, frozen=True):
    """One with how it stands. ``kind``: as it registered, "" before it ever did; ``is_proven``: its certificate says who it is;
    ``clock_off_s``: its clock minus the platform's at its newest heartbeat; ``ending``: why its connection ended, a code; ``meters``: in use
    behind it."""

    concentrator_id: int
    number: str
    name: str
    poll_s: int
    is_connected: bool
    is_proven: bool
    kind: Literal["", "meter", "concentrator", "dtu", "gateway"]
    wakes: Literal["", "always", "day", "ten_days", "month"]
    firmware: int | None
    host: str
    signal_dbm: int | None
    clock_off_s: int | None
    connected_at: datetime | None
    heard_at: datetime | None
    ended_at: datetime | None
    ending: str
    meters: int


class ConcentratorFrame(Struct, frozen=True):
    """A frame of its connection. ``function``: four hex digits; ``content_hex``: its first bytes; ``verdict``: of an answer, else ""."""

    at: datetime
    direction: Literal["up", "down"]
    function: str
    content_hex: str
    verdict: str


class ConcentratorRefusal(Struct, frozen=True):
    """Why something was not taken from it. ``name``: the terminal, or terminal/meter."""

    name: str
    reason: str
    detail: str
    address: str
    first_at: datetime
    last_at: datetime
    attempts: int


class ConcentratorDetail(RegisteredConcentrator, frozen=True):
    """With its newest frames, oldest first, and what was refused, newest first."""

    frames: list[ConcentratorFrame]
    refusals: list[ConcentratorRefusal]


class ConcentratorMeter(Struct, frozen=True):
    """A meter behind one. ``is_asked``: by the platform, on the line; ``commands``: that wait for it."""

    meter_id: MeterId
    number: str
    address: str
    product_name: str
    driver: str
    is_asked: bool
    last_seen_at: datetime | None
    commands: int


class NewConcentrator(Struct, frozen=True, forbid_unknown_fields=True):
    """One to register, with the registered numbers of the meters behind it."""

    number: ConcentratorNumber
    name: ConcentratorName = ""
    poll_s: PollSeconds = DEFAULT_POLL_S
    meters: Numbers = []


class ConcentratorChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another one; what is left out stays."""

    name: ConcentratorName | UnsetType = UNSET
    poll_s: PollSeconds | UnsetType = UNSET


class ConcentratorMetersChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Meters to put behind it and to take from it, by registered number, all or nothing. ``reason``: needed where some are taken."""

    put: Numbers = []
    take: Numbers = []
    reason: Why = ""


class ConcentratorRow(Struct, frozen=True):
    """A line of the file: a concentrator and one meter behind it, "" for one without."""

    number: str
    name: str
    poll_s: int
    meter: str


class ConcentratorImport(Struct, frozen=True):
    """What a file did."""

    added: int
    changed: int
    meters_put: int
