# SPDX-License-Identifier: Apache-2.0
"""Codes for customers' phones as notices: sealed from the moment they are made until they are sent, so that neither the log of notices nor the
database tells one. Words and limits are those of the channel."""

from typing import Protocol

import msgspec

from openmains.app.notice.sealing import SealedKey, Sealer
from openmains.app.unit_of_work import Work
from openmains.domain.ids import CustomerId, TenantId

KIND = "customer_code"
FACT = "code"


class SealedCode(msgspec.Struct, frozen=True):
    """As the facts of its notice."""

    key_id: int
    nonce: bytes
    sealed: bytes
    expires_us: int


class CodeNotices(Protocol):
    async def channel(self) -> int | None:
        """The newest one to phones that is on and carries a code; None: this utility has none."""

    async def add(self, key: str, customer_id: CustomerId, channel_id: int, facts: SealedCode, now_us: int) -> None:
        """Before all else that waits for customers."""


def code_purpose(key: str) -> str:
    """Of a code's seal: that of this notice, and of no other."""
    return f"customer code {key}"


async def seal_code(sealer: Sealer, tenant_id: TenantId, key: str, code: str, expires_us: int) -> SealedCode:
    """A code as its notice keeps it."""
    sealed = await sealer.seal(tenant_id, code_purpose(key), {FACT: code})
    return SealedCode(sealed.key_id, sealed.nonce, sealed.sealed, expires_us)


async def open_code(sealer: Sealer, tenant_id: TenantId, key: str, facts: SealedCode) -> str:
    """Raises ``KeyUnreadableError``."""
    opened = await sealer.open(tenant_id, code_purpose(key), SealedKey(facts.key_id, facts.nonce, facts.sealed))
    return opened[FACT]


async def tell_code(
    work: Work, key: str, customer_id: CustomerId, channel_id: int, facts: SealedCode, now_us: int
) -> None:
    """It goes out with the next turn of the notices, by day and night."""
    await work[CodeNotices].add(key, customer_id, channel_id, facts, now_us)
