# SPDX-License-Identifier: Apache-2.0
"""Arrears and what follows from them, as people see them. Amounts are integers in fen."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.arrears.decide import Consequence
from openmains.domain.ids import CommandId, MeterId
from openmains.domain.tariff.plan import CustomerClass

StepKind = Literal["warning", "closing", "reopening"]
StepState = Literal["told", "open", "given", "declined", "over"]


class ClassRule(Struct, frozen=True):
    """What the utility set for a class. ``close_days`` null: never closed; ``most_closings``: proposed in a day; ``is_simulated``:
    somebody looked at the consequences of exactly this rule, without which it is not switched on."""

    customer_class: CustomerClass
    warn_days: list[int]
    close_days: int | None
    grace_days: int
    least_fen: int
    most_closings: int
    is_on: bool
    is_simulated: bool
    revision: int
    changed_by: str
    changed_at: datetime


class DayOff(Struct, frozen=True):
    """A day that is not as the week says: ``is_off`` a holiday, else a Saturday or Sunday that is worked."""

    day: str
    is_off: bool
    name: str


class SimulatedAccount(Struct, frozen=True):
    """What would follow today for one account, and why. ``reason``: the row of the table that decided; ``day``: when it may go on, where
    that is known; ``is_on``: whether the rule of its class is switched on."""

    account_id: int
    number: str
    customer_class: CustomerClass
    oldest_due: str
    owed_fen: int
    consequence: Consequence
    reason: str
    day: str | None
    warning: int
    meter_id: MeterId | None
    meter: str
    held_for: str
    is_on: bool


class SimulatedCount(Struct, frozen=True):
    """How many accounts of a class a reason is true of."""

    customer_class: CustomerClass
    consequence: Consequence
    reason: str
    accounts: int
    owed_fen: int


class ArrearsSimulation(Struct, frozen=True):
    """Who would be warned and closed on ``day``, and who would not, and why. ``counts`` are of all; ``accounts`` of the first ones, closings
    before warnings before the others, each the longest owed first. ``is_whole``: all accounts in arrears were looked at."""

    day: str
    counts: list[SimulatedCount]
    accounts: list[SimulatedAccount]
    is_whole: bool


class ArrearsStep(Struct, frozen=True):
    """A warning, or a closing or reopening that is proposed. ``over``: the debt ended before a person decided; ``command_state``: of its
    command; ``delivery``: of a warning's notice to the customer, '' where none was made; ``delivery_reason``: why it failed."""

    step_id: int
    account_id: int
    number: str
    kind: StepKind
    warning: int
    day: str
    oldest_due: str
    owed_fen: int
    meter_id: MeterId | None
    meter: str
    state: StepState
    command_id: CommandId | None
    command_state: str
    delivery: Literal["", "waiting", "sending", "accepted", "failed"]
    delivery_reason: str
    reason: str
    decided_by: str
    decided_at: datetime | None
    made_at: datetime
