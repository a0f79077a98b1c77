# SPDX-License-Identifier: Apache-2.0
"""What dead letters ask of the store, and the way back into the stream."""

from collections.abc import Sequence
from typing import Protocol

from openmains.app.ingest.model import DeadLetter, DeadLetterStatus
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, UserId


class DeadLetterStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: DeadLetterStatus | None,
        reason: str | None,
        meter_id: MeterId | None,
        product_id: ProductId | None,
    ) -> list[DeadLetter]: ...
    async def lock_open(self, ids: Sequence[int]) -> list[DeadLetter]:
        """The open ones of these, locked until the transaction ends."""

    async def held(self, meter_id: MeterId, number: int) -> list[DeadLetter]: ...
    async def lock_held(self, meter_id: MeterId, number: int) -> list[DeadLetter]:
        """The open ones of a meter that were held because they carry this number, in their order; locked likewise."""

    async def mark(self, ids: Sequence[int], status: DeadLetterStatus, user_id: UserId) -> None: ...


class UplinkReplay(Protocol):
    """Messages put into the stream once more; returns when they are on disk there."""

    async def replay(self, uplinks: Sequence[Uplink]) -> None: ...
