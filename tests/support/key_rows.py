# SPDX-License-Identifier: Apache-2.0
"""Device keys without a database: what ``KeyCache`` asks of its store, for tests of what is above it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from openmains.app.sealing.envelope import MasterKey, Masters, WrappedKey
from openmains.app.security.keys.cache import KeyCache
from openmains.app.security.keys.envelope import DataKey
from openmains.app.security.keys.ports import DeviceKey, KeyStore
from openmains.app.security.keys.vault import Vault
from openmains.domain.ids import TenantId

TENANT = TenantId(1)
_MASTER, _DATA_KEY, _NONCE = MasterKey(bytes(32)), bytes(range(32)), bytes(12)


class KeyRows:
    """Keys of one tenant. ``rows``: by IMEI; ``wait_s``: how long a look-up takes, asked anew each time."""

    def __init__(self, wait_s: Callable[[], float] = lambda: 0.0) -> None:
        self.rows: dict[int, DeviceKey] = {}
        self.ended: list[int] = []
        self._wait_s = wait_s
        self._data_key = DataKey(TENANT, 1, _DATA_KEY)

    def put(self, imei: int, psk: bytes, *, rotate: bool = False) -> None:
        """A key for a meter; with ``rotate`` the one before stays valid."""
        sealed = self._data_key.seal(imei, psk, _NONCE)
        before = self.rows.get(imei)
        version = 1 if before is None else before.version + 1
        self.rows[imei] = DeviceKey(
            imei, TENANT, version, sealed, before.key if rotate and before is not None else None
        )

    def cache(self) -> KeyCache:
        """The edge's view of it."""
        store = cast("KeyStore", self)  # it only reads here, and notes what was used
        return KeyCache(store, Vault(store, lambda: Masters.of(_MASTER), lambda size: bytes(size)))

    # --- KeyStore, as far as the edge asks ---

    async def find(self, imeis: Sequence[int]) -> list[DeviceKey]:
        found = [self.rows[imei] for imei in imeis if imei in self.rows]
        await asyncio.sleep(self._wait_s())
        return found

    async def used(self, found: Sequence[tuple[int, int, int]]) -> None:
        for imei, _, version in found:
            if self.rows[imei].version == version:
                self.rows[imei] = replace(self.rows[imei], previous=None)
                self.ended.append(imei)

    async def data_keys(self, tenant_id: TenantId | None = None) -> list[WrappedKey]:
        return [_MASTER.wrap(TENANT, 1, _DATA_KEY, _NONCE)]
