# SPDX-License-Identifier: Apache-2.0
"""Secrets of channels and subscriptions at rest: sealed by the utility's data key (ADR 0010), bound to what they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.security.keys.envelope import SealedKey
from openmains.app.security.keys.vault import Vault
from openmains.domain.ids import TenantId

__all__ = ["KeyUnreadableError", "SealedKey", "Sealer", "VaultSealer"]


class Sealer(Protocol):
    """Whom the API and the worker ask."""

    async def seal(self, tenant_id: TenantId, purpose: str, secrets: Mapping[str, str]) -> SealedKey: ...
    async def open(self, tenant_id: TenantId, purpose: str, sealed: SealedKey) -> dict[str, str]:
        """Raises ``KeyUnreadableError``."""


@dataclass(frozen=True, slots=True)
class VaultSealer:
    """``Sealer`` over the vault of data keys."""

    vault: Vault

    async def seal(self, tenant_id: TenantId, purpose: str, secrets: Mapping[str, str]) -> SealedKey:
        key = await self.vault.current(tenant_id)
        return key.seal_secret(purpose, msgspec.json.encode(dict(secrets)), self.vault.nonce())

    async def open(self, tenant_id: TenantId, purpose: str, sealed: SealedKey) -> dict[str, str]:
        key = await self.vault.data_key(tenant_id, sealed.key_id)
        return msgspec.json.decode(key.open_secret(purpose, sealed.nonce, sealed.sealed), type=dict[str, str])


def channel_purpose(channel_id: int) -> str:
    """Of a channel's secrets."""
    return f"notice channel {channel_id}"


def subscription_purpose(subscription_id: int) -> str:
    """Of a subscription's secrets."""
    return f"subscription {subscription_id}"


def browser_purpose(browser_id: int) -> str:
    """Of what a browser is reached by."""
    return f"push browser {browser_id}"
