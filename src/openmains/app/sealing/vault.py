# SPDX-License-Identifier: Apache-2.0
"""Data keys of tenants for one purpose, unwrapped once and kept in memory; made where there is none yet.

Master keys are read anew whenever one is missing: a rotation puts the new one in place first, then rewraps, so a
running process meets wrappings it does not know yet and must look again.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from openmains.app.sealing.envelope import KEY_BYTES, NONCE_BYTES, KeyUnreadableError, Masters, WrappedKey
from openmains.app.sealing.ports import DataKeySource, DataKeyStore
from openmains.domain.ids import TenantId

Random = Callable[[int], bytes]
K = TypeVar("K")


class KeyVault(Generic[K]):
    """``masters``: reads the master keys as they are now; ``random``: bytes of the operating system; ``make``: a key of ``purpose`` from
    (tenant, key id, raw bytes)."""

    def __init__(
        self,
        store: DataKeySource,
        masters: Callable[[], Masters],
        random: Random,
        purpose: str,
        make: Callable[[TenantId, int, bytes], K],
    ) -> None:
        self._store = store
        self._read = masters
        self._masters = masters()
        self._random = random
        self._purpose = purpose
        self._make = make
        self._keys: dict[tuple[int, int], K] = {}
        self._current: dict[int, K] = {}

    def nonce(self) -> bytes:
        """A fresh nonce."""
        return self._random(NONCE_BYTES)

    async def data_key(self, tenant_id: TenantId, key_id: int) -> K:
        """A data key of a tenant; raises ``KeyUnreadableError``."""
        found = self._keys.get((tenant_id, key_id))
        if found is None:
            await self._load(tenant_id)
            found = self._keys.get((tenant_id, key_id))
        if found is None:
            raise KeyUnreadableError(f"tenant {tenant_id} has no data key {key_id}")
        return found

    async def current(self, tenant_id: TenantId) -> K:
        """The data key that is sealed with from now on; read anew, because another process may destroy it."""
        await self._load(tenant_id)
        if tenant_id not in self._current:
            async with self._store.locked(exclusive=False):
                self._masters = self._read()
                key_id = int.from_bytes(self._random(4), "big") >> 1  # never used twice, also not after a destruction
                raw = self._random(KEY_BYTES)
                await self._store.add_data_key(
                    self._masters.current.wrap(tenant_id, key_id, raw, self.nonce(), self._purpose)
                )
            await self._load(tenant_id)
        return self._current[tenant_id]

    async def _load(self, tenant_id: TenantId) -> None:
        stored = [key for key in await self._store.data_keys(tenant_id) if key.purpose == self._purpose]
        self._current.pop(tenant_id, None)
        self._keys = {place: key for place, key in self._keys.items() if place[0] != tenant_id}
        for wrapped in stored:
            key = self._make(tenant_id, wrapped.key_id, self._unwrap(wrapped))
            self._keys[tenant_id, wrapped.key_id] = key
            self._current[tenant_id] = key  # the last one made

    def _unwrap(self, wrapped: WrappedKey) -> bytes:
        master = self._masters.by_fingerprint(wrapped.master)
        if master is None:
            self._masters = self._read()
            master = self._masters.by_fingerprint(wrapped.master)
        if master is None:
            raise KeyUnreadableError(
                f"data key {wrapped.key_id} of tenant {wrapped.tenant_id} is wrapped by master key {wrapped.master},"
                f" which is not here (here: {self._masters.current.fingerprint})"
            )
        return master.unwrap(wrapped)


async def rewrap_all(
    store: DataKeyStore,
    masters: Masters,
    random: Random,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Wrap every data key by the current master key; how many were changed. Repeatable: an interrupted run goes on.

    Raises ``KeyUnreadableError`` where a wrapping's master key is not given; those done before it stay done.
    """
    changed = 0
    async with store.locked(exclusive=True):
        stored = await store.data_keys()
        for done, wrapped in enumerate(stored, 1):
            if wrapped.master != masters.current.fingerprint:
                master = masters.by_fingerprint(wrapped.master)
                if master is None:
                    raise KeyUnreadableError(
                        f"data key {wrapped.key_id} of tenant {wrapped.tenant_id} needs master key {wrapped.master}"
                    )
                raw = master.unwrap(wrapped)
                fresh = masters.current.wrap(
                    wrapped.tenant_id, wrapped.key_id, raw, random(NONCE_BYTES), wrapped.purpose
                )
                changed += await store.rewrap(fresh, wrapped.master)
            progress(done, len(stored))
    return changed
