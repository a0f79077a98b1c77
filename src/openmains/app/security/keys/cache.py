# SPDX-License-Identifier: Apache-2.0
"""The edge's view of device keys: many at once, opened here, kept nowhere.

While a new key is on its way to a meter both are valid, but a handshake can be tried with one only. The new one goes first;
the next handshake of the same meter is answered with the previous one, and so on in turn. So a rotation costs at most one
handshake that fails, and it is no sign of an attack: ask ``is_rotating`` before telling the guard.

Which of the two a completed handshake was made with is not told. The former key is dropped only where there is no doubt: within
AMBIGUOUS_S, longer than a handshake can last, nothing but the new one was handed out. In doubt both stay valid, so nobody can
lock a meter out by handshakes in its name.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openmains.app.security.keys.envelope import KeyUnreadableError, SealedKey
from openmains.app.security.keys.ports import DeviceKey, KeyStore
from openmains.app.security.keys.vault import Vault

ROTATING = 100_000  # terminals whose turn is remembered
AMBIGUOUS_S = 600.0


@dataclass(slots=True)
class _Turn:
    """What was handed out last for a terminal with two keys, and when each was (s of the book's clock)."""

    stored: DeviceKey
    gave_new: bool = False
    previous_at: float = float("-inf")


class KeyCache:
    """One for each edge process."""

    def __init__(self, store: KeyStore, vault: Vault, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._turns: OrderedDict[int, _Turn] = OrderedDict()
        self.found = 0
        self.unknown = 0
        self.unreadable = 0

    @property
    def counters(self) -> dict[str, int]:
        """What was asked for, by name."""
        return {"keys.found": self.found, "keys.unknown": self.unknown, "keys.unreadable": self.unreadable}

    async def keys(self, imeis: Sequence[int]) -> dict[int, bytes]:
        """The keys of these terminals in one query; one without a (readable) key is absent.

        Raises what the store raises when it is away: the handshake must wait or fail, not be told 'unknown'.
        """
        opened: dict[int, bytes] = {}
        for stored in await self._store.find(imeis):
            new = True
            if stored.previous is not None:
                new = self._next_turn(stored)
            elif self._turns:
                self._turns.pop(stored.imei, None)
            await self._open(stored, stored.key if new or stored.previous is None else stored.previous, opened)
        self.found += len(opened)
        self.unknown += len(imeis) - len(opened)
        return opened

    async def newest(self, imeis: Sequence[int]) -> dict[int, bytes]:
        """The keys a bootstrap server writes into these meters: the newest of each, whatever its turn is."""
        opened: dict[int, bytes] = {}
        for stored in await self._store.find(imeis):
            await self._open(stored, stored.key, opened)
        return opened

    async def waiting(self, imeis: Sequence[int]) -> set[int]:
        """Those that have a new key and did not come with it, as far as this process saw."""
        found = [stored for stored in await self._store.find(imeis) if stored.previous is not None]
        return {stored.imei for stored in found if not self._came_with(stored)}

    def _came_with(self, stored: DeviceKey) -> bool:
        """The new key was the one handed out last; that it was used is noted in the store a moment later."""
        turn = self._turns.get(stored.imei)
        return turn is not None and turn.gave_new and turn.stored.version == stored.version

    async def _open(self, stored: DeviceKey, sealed: SealedKey, opened: dict[int, bytes]) -> None:
        try:
            data_key = await self._vault.data_key(stored.tenant_id, sealed.key_id)
            opened[stored.imei] = data_key.open(stored.imei, sealed.nonce, sealed.sealed)
        except KeyUnreadableError:
            self.unreadable += 1  # one row that was tampered with must not keep the others of the batch out

    def is_rotating(self, imei: int) -> bool:
        """Whether the last key handed out for this terminal was one of two."""
        return imei in self._turns

    async def used(self, imeis: Sequence[int]) -> None:
        """Handshakes with the keys last handed out were completed. The first use of a new key ends its predecessor."""
        done = []
        now = self._clock()
        for imei in imeis:
            turn = self._turns.get(imei)
            if turn is not None and turn.gave_new and now - turn.previous_at > AMBIGUOUS_S:
                done.append((imei, turn.stored.tenant_id, turn.stored.version))
        if done:
            await self._store.used(done)
            for imei, _, _ in done:
                self._turns.pop(imei, None)

    def _next_turn(self, stored: DeviceKey) -> bool:
        turn = self._turns.pop(stored.imei, None)
        if turn is None or turn.stored.version != stored.version:
            # Of a newer version the former key is what it was: its last use still counts.
            turn = _Turn(stored, previous_at=float("-inf") if turn is None else turn.previous_at)
        turn.gave_new = not turn.gave_new
        if not turn.gave_new:
            turn.previous_at = self._clock()
        self._turns[stored.imei] = turn
        if len(self._turns) > ROTATING:
            self._turns.popitem(last=False)
        return turn.gave_new
