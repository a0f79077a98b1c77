# SPDX-License-Identifier: Apache-2.0
"""What arrears ask of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openmains.app.arrears.model import ArrearsStep, ClassRule, DayOff, StepKind, StepState
from openmains.domain.arrears.decide import ArrearsRule, Calendar
from openmains.domain.ids import CommandId, MeterId, TenantId, UserId
from openmains.domain.tariff.plan import CustomerClass


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What is known of an account in arrears besides the debt. ``driver``: of the meter that hangs there now; ``valve``: as the meter said;
    ``warned``: days of warnings of this debt; ``closings``: how many were proposed of it."""

    number: str
    meter_id: MeterId | None
    meter: str
    driver: str
    valve: int | None
    is_protected: bool
    held_until: int | None
    held_for: str
    warned: tuple[int, ...]
    closings: int
    is_asked: bool


@dataclass(frozen=True, slots=True)
class NewStep:
    """A warning or a closing that is proposed."""

    account_id: int
    oldest_due: int
    kind: StepKind
    number: int
    owed_fen: int
    meter_id: MeterId | None = None


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A proposal, locked."""

    step_id: int
    account_id: int
    kind: StepKind
    meter_id: MeterId
    state: StepState
    command_id: CommandId | None


class ArrearsStore(Protocol):
    """Rules, days off, accounts held back, and steps."""

    async def rules(self) -> list[ClassRule]: ...
    async def set_rule(
        self, customer_class: CustomerClass, rule: ArrearsRule, most_closings: int, user_id: UserId, now_us: int
    ) -> None:
        """It is off after it."""

    async def note_simulated(self, revisions: Mapping[CustomerClass, int]) -> None: ...
    async def switch(self, customer_class: CustomerClass, is_on: bool, user_id: UserId, now_us: int) -> None: ...
    async def calendar(self) -> Calendar: ...
    async def days_off(self, year: int) -> list[DayOff] | None:
        """None: the year was not entered."""

    async def set_days_off(self, year: int, days: Sequence[DayOff], user_id: UserId, now_us: int) -> None: ...
    async def hold(self, account_id: int, until_day: int, reason: str, user_id: UserId, now_us: int) -> None: ...
    async def release(self, account_id: int) -> tuple[int, str] | None:
        """Until when it was held, and why; None: it was not."""

    async def known(
        self, account_ids: Sequence[int], oldest_dues: Sequence[int], today: int
    ) -> Mapping[int, KnownAccount]: ...
    async def lock_day(self) -> None:
        """Nobody else makes steps of this utility until the transaction ends."""

    async def closings_of_day(self, day: int) -> Mapping[CustomerClass, int]:
        """How many were proposed on it, by the class of the debt."""

    async def add_steps(self, day: int, steps: Sequence[NewStep], now_us: int) -> int:
        """Each once; how many were new."""

    async def follow_payments(self, today: int, now_us: int) -> int:
        """Closings that wait are over where nothing is owed after its due day any more, and what was closed gets a reopening; how many."""

    async def steps(
        self,
        limit: int,
        after: int | None,
        *,
        kind: StepKind | None = None,
        state: StepState | None = None,
        account_id: int | None = None,
        step_id: int | None = None,
    ) -> list[ArrearsStep]: ...
    async def lock_step(self, step_id: int) -> HeldStep | None: ...
    async def take(self, step_id: int, user_id: UserId, reason: str, now_us: int) -> bool: ...
    async def let_go(self, step_id: int) -> None:
        """Its command was refused: open again."""

    async def name_command(self, step_id: int, command_id: CommandId) -> bool:
        """The command that it became; once."""

    async def decline(self, step_id: int, user_id: UserId, reason: str, now_us: int) -> bool: ...


class WarningStore(Protocol):
    """Warnings as notices to customers, each once for its key. ``channel_id`` None: there is none, and each failed for that."""

    async def channel(self) -> int | None:
        """The newest one to phones that is on and carries an amount, or a text."""

    async def tell_warnings(self, channel_id: int | None, day: int, now_us: int) -> int:
        """Of warnings that were made on a day at this instant; how many."""

    async def tell_balances(self, channel_id: int | None, now_us: int) -> int:
        """Of balances at the server that fell to a stage the customer was not told of; how many."""

    async def call_back(self, today: int) -> int:
        """What waits and is not true any more; how many."""


class ArrearsWork(Protocol):
    """The worker's side, over all utilities."""

    async def switched_on(self) -> list[tuple[TenantId, str]]:
        """Utilities with a rule that is on or a proposal that stands, with their time zones."""
