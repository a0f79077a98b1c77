# SPDX-License-Identifier: Apache-2.0
"""Terminals, findings, keys and unknown terminals as the use cases and the API see them. No key is ever part of a record."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.fleet.model import AreaRef, MeterRef, ProductRef
from openmains.domain.ids import AreaId, MeterId

TerminalState = Literal["allowed", "observe", "quarantine", "blocked"]
HeldState = Literal["observe", "quarantine", "blocked"]
TerminalList = Literal["observe", "quarantine", "blocked", "online"]
OnboardingStatus = Literal["open", "accepted", "dismissed"]
OnSimSeparated = Literal["alarm", "quarantine", "block"]
Note = Annotated[str, Meta(max_length=400)]


class KeyStatus(Struct, frozen=True):
    """That there is a key, and since when. ``rotating``: the former one is valid until the meter has used this one."""

    version: int
    created_at: datetime
    first_used_at: datetime | None
    rotating: bool


class LadderSteps(Struct, frozen=True):
    """Points at which each step is reached."""

    observe: int
    quarantine: int
    block: int


class MeterSecurity(Struct, frozen=True):
    """Who speaks under a meter's IMEI. ``score`` in points, as of now; ``reasons``: findings since the last release."""

    meter_id: MeterId
    number: str
    imei: str | None
    state: TerminalState
    held: bool
    score: int
    steps: LadderSteps
    reasons: dict[str, int]
    state_at: datetime | None
    state_by: int | None
    note: str
    imsi: str
    iccid: str
    seen_imsi: str
    seen_iccid: str
    address: str
    online_since: datetime | None
    last_handshake_at: datetime | None
    handshakes: int
    key: KeyStatus | None


class TerminalRow(Struct, frozen=True):
    """A terminal in a list."""

    meter_id: MeterId
    number: str
    imei: str
    area_id: AreaId
    state: TerminalState
    held: bool
    score: int
    reasons: dict[str, int]
    state_at: datetime
    note: str
    address: str
    online_since: datetime | None
    last_handshake_at: datetime | None


class TerminalFinding(Struct, frozen=True):
    """One finding and what it led to; ``count``: observations it stands for; ``score``: points after it."""

    finding_id: int
    meter_id: MeterId
    kind: str
    at: datetime
    count: int
    address: str
    detail: str
    score: int
    state: TerminalState


class Hold(Struct, frozen=True, forbid_unknown_fields=True):
    """Put a terminal on a step; it stays there until somebody releases it. Quarantine and block need a note."""

    state: HeldState
    note: Note = ""


class Release(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is trusted again; needed."""

    note: Note = ""


class UnknownTerminal(Struct, frozen=True):
    """An IMEI that is nobody's meter and tried to come in. ``proven``: it knows the key imported for it."""

    imei: str
    first_at: datetime
    last_at: datetime
    attempts: int
    address: str
    proven: bool
    status: OnboardingStatus
    handled_by: int | None
    handled_at: datetime | None
    meter_id: MeterId | None


class AccessRefusal(Struct, frozen=True):
    """A handshake or registration that was refused, by name, stage and reason; ``detail``: what the device was told.

    ``name``: empty where the device was refused before it said one. ``meter_id``: the meter in use that has the named IMEI.
    """

    refusal_id: int
    name: str
    imei: str | None
    meter_id: MeterId | None
    number: str | None
    stage: Literal["handshake", "registration", "bootstrap"]
    reason: str
    detail: str
    address: str
    first_at: datetime
    last_at: datetime
    attempts: int


class RefusalFilter(Struct, frozen=True):
    """Which refusals; None: whatever it is. ``name``: a part of what the device called itself, in any case."""

    name: str | None = None
    reason: str | None = None
    meter_id: MeterId | None = None


class AccessPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done at once when a SIM is not the registered one. ``settings.on_sim_separated`` of a product goes before it."""

    on_sim_separated: OnSimSeparated


class KeySummary(Struct, frozen=True):
    """Meters in use that have an IMEI, by whether they have a key; ``waiting``: keys of IMEIs without a meter."""

    with_key: int
    without_key: int
    rotating: int
    waiting: int


class KeyWish(Struct, frozen=True, forbid_unknown_fields=True):
    """Which meters get a key: these, or all of a product, an area; ``rotate``: those that have one get a new one.
    ``reason``: needed, kept in the audit log."""

    meter_ids: Annotated[list[MeterRef], Meta(min_length=1, max_length=10_000)] | None = None
    product_id: ProductRef | None = None
    area_id: AreaRef | None = None
    rotate: bool = False
    reason: Annotated[str, Meta(max_length=400)] = ""
