# SPDX-License-Identifier: Apache-2.0
"""What customers and accounts ask of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from openmains.app.fleet.model import Medium
from openmains.app.party.model import Account, AccountFilter, Holder, RecordedAct
from openmains.domain.ids import AccountId, CustomerId, PremisesId, UserId
from openmains.domain.party.accounts import AccountAct, AccountState


class AccountStore(Protocol):
    """Accounts (户号) over time. Acts are added, never changed."""

    async def page(self, chosen: AccountFilter) -> list[Account]: ...
    async def get(self, account_id: AccountId) -> Account | None: ...
    async def of_number(self, number: str) -> Account | None: ...
    async def holder_at(self, account_id: AccountId, at: datetime) -> CustomerId | None:
        """Who held it at an instant; None: nobody, or no such account."""

    async def holders(self, account_id: AccountId) -> list[Holder]:
        """All who ever held it, oldest first."""

    async def history(self, account_id: AccountId) -> list[RecordedAct]:
        """All its acts in the order in which they took effect."""

    async def lock(self, account_ids: Sequence[AccountId]) -> dict[AccountId, AccountState]:
        """What these accounts are now; nobody else changes them until the transaction ends. Those that are not there are absent."""

    async def lock_key(self, key: str) -> None:
        """Nobody else acts under this key until the transaction ends: who comes second finds the first's acts."""

    async def of_key(self, key: str) -> list[AccountAct]:
        """What was done under a key, as it was written."""

    async def add(self, number: str, premises_id: PremisesId, medium: Medium, opened_at: datetime) -> AccountId | None:
        """A new account, whose first act must follow in this transaction; None: the number is taken."""

    async def write(self, acts: Sequence[AccountAct], key: str, reason: str, made_by: UserId | None) -> None:
        """Acts that were decided, with the spans of holders and the ends of accounts that follow from them."""

    async def customer_exists(self, customer_id: CustomerId) -> bool: ...
