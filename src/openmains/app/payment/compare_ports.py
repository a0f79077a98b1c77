# SPDX-License-Identifier: Apache-2.0
"""What a comparison asks of the store. ``channel_id`` 0: third parties."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from openmains.app.payment.channels.port import StatementLine
from openmains.app.payment.compare_model import PaymentComparison, PaymentDifference
from openmains.domain.ids import TenantId, UserId
from openmains.domain.payment.compare import Difference, MoneyLine


class ComparisonSums(NamedTuple):
    """Both sides of a day by their sums."""

    lines_there: int
    lines_here: int
    paid_there_fen: int
    paid_here_fen: int
    back_there_fen: int
    back_here_fen: int


class ComparisonStore(Protocol):
    """Files of days, comparisons, differences."""

    async def lock_day(self, channel_id: int, day: int) -> None:
        """Nobody else compares it until the transaction ends."""

    async def put_statement(self, channel_id: int, day: int, lines: Sequence[StatementLine]) -> None:
        """In place of what was read before."""

    async def here(self, channel_id: int, from_us: int, to_us: int, numbers: Sequence[str]) -> list[MoneyLine]:
        """Orders and refunds of the ledger, of the span or with one of these numbers."""

    async def there(self, channel_id: int, from_day: int, day: int, numbers: Sequence[str]) -> list[MoneyLine]:
        """The file of ``day``, and of earlier ones the lines with these numbers."""

    async def put_differences(self, channel_id: int, day: int, found: Sequence[Difference], now_us: int) -> None:
        """Written once each; those of this day that are found no more, and top-ups that arrived, are gone."""

    async def add(
        self, channel_id: int, day: int, sums: ComparisonSums, found: int, user_id: UserId | None, now_us: int
    ) -> int: ...
    async def comparison(self, comparison_id: int) -> PaymentComparison | None: ...
    async def comparisons(self, limit: int, after: int | None) -> list[PaymentComparison]: ...
    async def differences(
        self, limit: int, after: int | None, *, state: str | None, what: str | None
    ) -> list[PaymentDifference]: ...
    async def difference(self, difference_id: int) -> PaymentDifference | None: ...
    async def lock(self, difference_id: int) -> PaymentDifference | None: ...
    async def change(self, difference_id: int, **values: Any) -> None: ...
    async def source(self, channel_id: int | None) -> str:
        """The ledger's name of the channel."""


class ComparisonWork(Protocol):
    """Whose day was not compared yet."""

    async def due(self, day: int) -> list[tuple[TenantId, int]]:
        """Channels that are on."""
