# SPDX-License-Identifier: Apache-2.0
"""What charging at the server asks of the stores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from openmains.app.billing.changed_days import ChangedDayStore
from openmains.app.billing.decide import Plans
from openmains.app.billing.deductions import Deducted, KeptDay, NewVersion, ToDeduct
from openmains.app.billing.server_model import DeductedDay, ServerAccount
from openmains.domain.ids import TenantId, UserId
from openmains.domain.ledger.prepaid import BalanceStage

Deduct = Callable[[Sequence[ToDeduct], Plans], Awaitable[list[Deducted]]]
"""``deduct_many`` somewhere: in another process, or in this one."""


@dataclass(frozen=True, slots=True)
class ChargedAccount:
    """An account as whoever deducts sees it. ``made_by``: who had it charged so, in whose name is booked."""

    account_id: int
    since_day: int
    until_day: int | None
    warn_fen: int
    limit_fen: int
    stage: BalanceStage
    below_day: int | None
    made_by: UserId


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands after a look. ``below_day`` None: it is not below its limit."""

    account_id: int
    stage: BalanceStage
    below_day: int | None


class BookedVersion(NamedTuple):
    """A version with its entry; None: of 0 fen."""

    account_id: int
    of: NewVersion
    entry_id: int | None


class ServerAccountStore(ChangedDayStore, Protocol):
    """Accounts that are charged at the server, and what was deducted."""

    async def set(
        self, account_ids: Sequence[int], since_day: int, warn_fen: int, limit_fen: int, user_id: UserId, now_us: int
    ) -> None:
        """Charged so from a day on; of those that are so already only the levels change."""

    async def end(self, account_ids: Sequence[int], until_day: int, user_id: UserId, now_us: int) -> list[int]:
        """No day from this one on is deducted; those that were charged so."""

    async def known(self, account_ids: Sequence[int]) -> list[int]:
        """Which of them are accounts of this utility."""

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        account_id: int | None = None,
        stage: BalanceStage | None = None,
        in_doubt: bool = False,
    ) -> list[ServerAccount]:
        """By account."""

    async def days(self, account_id: int, limit: int, after: tuple[int, int] | None) -> list[DeductedDay]:
        """From new to old days; ``after``: (day, version) of the last one seen."""

    async def begin_day(self, today: int) -> None:
        """All are due once a day."""

    async def due(self, after: int, limit: int) -> list[ChargedAccount]:
        """By account."""

    async def charged(self, account_ids: Sequence[int]) -> list[int]:
        """Which of them have deductions that no bill took the place of."""

    async def kept(self, account_ids: Sequence[int]) -> Mapping[int, Mapping[int, KeptDay]]:
        """The newest version of each day that no bill took the place of, by account and day."""

    async def add(self, versions: Sequence[BookedVersion], now_us: int) -> None: ...
    async def looked_at(self, found: Sequence[Deducted]) -> None:
        """They are due no more; how far each came, and what kept it."""

    async def deducted_until(self, ends: Mapping[int, int]) -> Mapping[int, int]:
        """By account the fen that were deducted for days before its end and are not given back to its credit yet; who has no such day is not in
        it."""

    async def add_releases(self, rows: Sequence[tuple[int | None, int, int, int]], now_us: int) -> None:
        """(entry, account, end day, fen) each: a bill took the place of the days before it."""

    async def not_well(self) -> list[ChargedAccount]:
        """Those whose balance was below the warning level when it was looked at last, and of which something was booked since."""

    async def seen(self, account_ids: Sequence[int]) -> None:
        """Their balances were looked at, with all that is booked by now."""

    async def stand(self, standings: Sequence[Standing]) -> None: ...


class ServerWork(Protocol):
    """The worker's side, over all utilities."""

    async def charging(self) -> list[tuple[TenantId, str]]:
        """Utilities with accounts that are charged at the server, with their time zones."""
