# SPDX-License-Identifier: Apache-2.0
"""What customers and accounts ask of the store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from openmains.app.fleet.model import Medium
from openmains.app.party.customer_model import CustomerDetail, CustomerFilter, PartyCustomer
from openmains.app.party.model import Account, AccountFilter, Holder, RecordedAct
from openmains.app.party.personal import PersonalPlace, SealedValue
from openmains.domain.ids import AccountId, ContactId, CustomerId, PremisesId, UserId
from openmains.domain.party.accounts import AccountAct, AccountState
from openmains.domain.party.personal import PersonalField


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


class CustomerStore(Protocol):
    """Customers and their contacts; nothing personal."""

    async def page(self, chosen: CustomerFilter) -> list[PartyCustomer]: ...
    async def get(self, customer_id: CustomerId) -> CustomerDetail | None:
        """With contacts, without accounts."""

    async def add(self, values: Mapping[str, Any]) -> CustomerId | None:
        """None: the code is taken."""

    async def change(self, customer_id: CustomerId, revision: int, values: Mapping[str, Any]) -> bool:
        """False: the revision is not the current one."""

    async def add_contact(self, customer_id: CustomerId, name: str, relation: str) -> ContactId: ...
    async def remove_contact(self, customer_id: CustomerId, contact_id: ContactId) -> bool: ...
    async def index(self, customer_ids: Sequence[CustomerId]) -> None:
        """Write their search texts anew."""


class PersonalStore(Protocol):
    """Sealed values of customers and contacts."""

    async def of(self, customer_ids: Sequence[CustomerId]) -> list[SealedValue]: ...
    async def put(self, values: Sequence[SealedValue]) -> None: ...
    async def drop(self, places: Sequence[PersonalPlace]) -> None: ...
    async def find(self, blinds: Mapping[PersonalField, bytes]) -> list[CustomerId]:
        """Whose own or whose contacts' values these are; at most 200."""
