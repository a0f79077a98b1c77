# SPDX-License-Identifier: Apache-2.0
"""Who keeps wrapped data keys."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from openmains.app.sealing.envelope import WrappedKey
from openmains.domain.ids import TenantId


class DataKeySource(Protocol):
    """Wrapped data keys of a tenant."""

    def locked(self, *, exclusive: bool) -> AbstractAsyncContextManager[None]:
        """Making a data key (shared) and changing the master key (exclusive) exclude each other, over all processes."""

    async def data_keys(self, tenant_id: TenantId, /) -> list[WrappedKey]:
        """In the order they were made."""

    async def add_data_key(self, key: WrappedKey) -> bool:
        """False: a key with this id is there already, or one where there may be only one."""


class DataKeyStore(DataKeySource, Protocol):
    """Those of all tenants and purposes, as a change of the master key needs them."""

    async def data_keys(self, tenant_id: TenantId | None = None, /) -> list[WrappedKey]:
        """Of a tenant or of all, in the order they were made."""

    async def rewrap(self, key: WrappedKey, before: str) -> bool:
        """Replace the wrapping made with the master ``before``; False where it is no longer that one."""
