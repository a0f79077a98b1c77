# SPDX-License-Identifier: Apache-2.0
"""What partners ask of the store."""

from typing import NamedTuple, Protocol

from openmains.app.payment.partner_model import PaymentPartner
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import UserId


class SealedPartner(NamedTuple):
    """A partner's key as it is kept, and for whom its payments are booked."""

    partner_id: int
    name: str
    is_on: bool
    made_by: int
    sealed: SealedKey


class PartnerStore(Protocol):
    """Partners; keys go in and come out sealed."""

    async def all(self, fault_since_day: int) -> list[PaymentPartner]: ...
    async def get(self, partner_id: int) -> PaymentPartner | None: ...
    async def sealed(self) -> list[SealedPartner]: ...
    async def next_id(self) -> int:
        """Of a partner that is about to be added: its key is sealed for it."""

    async def add(self, partner_id: int, name: str, sealed: SealedKey, user_id: UserId, now_us: int) -> bool:
        """False: the name is taken."""

    async def change(self, partner_id: int, name: str, is_on: bool, user_id: UserId, now_us: int) -> bool:
        """False: the name is taken."""

    async def put_key(self, partner_id: int, sealed: SealedKey, user_id: UserId, now_us: int) -> None: ...
    async def note_nonce(self, partner_id: int, nonce: str, now_us: int, forget_us: int) -> bool:
        """False: it was taken before. What was taken before ``forget_us`` is forgotten."""

    async def note_fault(self, partner_id: int, day: int, fault: str, address: str, now_us: int) -> int:
        """Counted; how many there were of this kind on that day, with this one."""
