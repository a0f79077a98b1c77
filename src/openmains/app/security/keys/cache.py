# SPDX-License-Identifier: Apache-2.0
"""The edge's view of device keys: many at once, opened here, kept nowhere.

While a new key is on its way to a meter both are valid, and both go to each handshake, each with its name: the meter's Finished
tells which of them it has, before it is answered under either. Nothing is guessed here and no time decides: what a handshake was
given stays with it, so handshakes of one meter that overlap do not disturb each other.

A new key ends the one before it when the meter uses it in service, that is for anything but bootstrap (``app.link``): until then an account of
the meter may still hold the former one.
"""

from collections import OrderedDict
from collections.abc import Sequence

from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.security.keys.envelope import SealedKey
from openmains.app.security.keys.ports import DeviceKey, KeyName, KeyStore, TerminalKeys, ValidKey
from openmains.app.security.keys.vault import Vault

ARRIVED = 100_000  # terminals whose use of a new key is remembered until the store has it


class KeyCache:
    """One for each edge process."""

    def __init__(self, store: KeyStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._arrived: OrderedDict[int, int] = OrderedDict()  # IMEI → version of the new key that it used
        self.found = 0
        self.unknown = 0
        self.unreadable = 0

    @property
    def counters(self) -> dict[str, int]:
        """What was asked for, by name."""
        return {"keys.found": self.found, "keys.unknown": self.unknown, "keys.unreadable": self.unreadable}

    async def keys(self, imeis: Sequence[int]) -> dict[int, TerminalKeys]:
        """The keys of these terminals in one query, the newest of each first; one without a (readable) key is absent.

        Raises what the store raises when it is away: the handshake must wait or fail, not be told 'unknown'.
        """
        opened: dict[int, TerminalKeys] = {}
        for stored in await self._store.find(imeis):
            sealed = [stored.key] if stored.previous is None else [stored.key, stored.previous]
            rotating = len(sealed) > 1
            keys = []
            for place, one in enumerate(sealed):
                psk = await self._open(stored, one)
                if psk is not None:
                    name = KeyName(stored.imei, stored.tenant_id, stored.version, rotating and place == 0)
                    keys.append(ValidKey(name, psk))
            if keys:
                opened[stored.imei] = TerminalKeys(tuple(keys), stored.allows)
        self.found += len(opened)
        self.unknown += len(imeis) - len(opened)
        return opened

    async def newest(self, imeis: Sequence[int]) -> dict[int, bytes]:
        """The keys a bootstrap server writes into these meters: the newest of each."""
        opened: dict[int, bytes] = {}
        for stored in await self._store.find(imeis):
            psk = await self._open(stored, stored.key)
            if psk is not None:
                opened[stored.imei] = psk
        return opened

    async def waiting(self, imeis: Sequence[int]) -> set[int]:
        """Those that have a new key and did not use it yet, as far as this process saw."""
        found = [stored for stored in await self._store.find(imeis) if stored.previous is not None]
        return {stored.imei for stored in found if self._arrived.get(stored.imei) != stored.version}

    async def _open(self, stored: DeviceKey, sealed: SealedKey) -> bytes | None:
        try:
            data_key = await self._vault.data_key(stored.tenant_id, sealed.key_id)
            return data_key.open(stored.imei, sealed.nonce, sealed.sealed)
        except KeyUnreadableError:
            self.unreadable += 1  # one row that was tampered with must not keep the others of the batch out
            return None

    def arrived(self, key: KeyName) -> None:
        """A meter used this key, in service; the store hears of it by ``used`` a moment later."""
        if key.replaces:
            self._arrived[key.imei] = key.version
            if len(self._arrived) > ARRIVED:
                self._arrived.popitem(last=False)

    async def used(self, keys: Sequence[KeyName]) -> None:
        """Meters used these keys, in service. The first use of a new key ends its predecessor."""
        done = [(key.imei, key.tenant_id, key.version) for key in keys if key.replaces]
        if done:
            await self._store.used(done)
