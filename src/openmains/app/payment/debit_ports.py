# SPDX-License-Identifier: Apache-2.0
"""What direct debit asks of the store."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from openmains.app.payment.debit_model import DebitAnswer, DebitAuthorisation, DebitFile, DebitItem
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import UserId


class NewAuthorisation(NamedTuple):
    """``signed_day``: days since 1970."""

    account_id: int
    contract: str
    bank: str
    tail: str
    signed_day: int


class NewItem(NamedTuple):
    """A line of a file that is made."""

    authorisation_id: int
    account_id: int
    fen: int


class SealedItem(NamedTuple):
    """A line with its bank data, for the file itself."""

    place: int
    fen: int
    contract: str
    bank: str
    sealed: SealedKey


class ItemChange(NamedTuple):
    """What the bank's word made of a line."""

    place: int
    state: str
    result: str
    transaction: str
    day: int | None
    receipt_id: int | None
    return_id: int | None


class AnswerCounts(NamedTuple):
    """Of an answered file."""

    lines: int
    fen: int
    paid: int
    paid_fen: int
    declined: int
    returned: int
    repeated: int


class DebitStore(Protocol):
    """Authorisations, files, their lines and what was answered."""

    async def lock(self) -> None:
        """No other file of the utility is made or voided until the transaction ends."""

    async def add_authorisation(
        self, wanted: NewAuthorisation, sealed: SealedKey, user_id: UserId, now_us: int
    ) -> int | None:
        """None: the account has one, or the contract is another's."""

    async def authorisation(self, authorisation_id: int) -> DebitAuthorisation | None: ...
    async def authorisations(
        self, limit: int, after: int | None, *, account_id: int | None
    ) -> list[DebitAuthorisation]: ...
    async def end_authorisation(self, authorisation_id: int, reason: str, user_id: UserId, now_us: int) -> bool:
        """False: it has ended already."""

    async def owing(self, after_account: int, limit: int) -> list[tuple[int, int]]:
        """(account, authorisation) of accounts that owe something and stand in no file that waits; by account."""

    async def add_file(
        self, key: str, layout: str, collect_day: int, items: Sequence[NewItem], user_id: UserId, now_us: int
    ) -> int: ...
    async def file_of_key(self, key: str) -> DebitFile | None: ...
    async def file(self, file_id: int, *, lock: bool = False) -> DebitFile | None: ...
    async def files(self, limit: int, after: int | None) -> list[DebitFile]: ...
    async def items(self, file_id: int, limit: int, after: int, *, state: str | None = None) -> list[DebitItem]:
        """By place."""

    async def sealed_items(self, file_id: int) -> list[SealedItem]: ...
    async def void(self, file_id: int, reason: str, user_id: UserId, now_us: int) -> None: ...
    async def change_items(self, file_id: int, changes: Sequence[ItemChange]) -> None: ...
    async def answer_of(self, file_id: int, sha256: str) -> DebitAnswer | None: ...
    async def add_answer(
        self, file_id: int, file_name: str, sha256: str, counts: AnswerCounts, user_id: UserId, now_us: int
    ) -> int: ...
    async def answers(self, file_id: int) -> list[DebitAnswer]: ...
