# SPDX-License-Identifier: Apache-2.0
"""Who asks the signer. Passwords are looked at here, outside the lock under which the ledger is written: whoever makes up logins
holds nobody up but himself.

two lanes   who signed in from an address before waits for no unknown one
refusals    unknown login, wrong password and too many attempts are answered after the same time
hang-ups    a hash that was begun is ended, counted, and keeps its lane, also when nobody waits for it any more
repeats     the same right password again within ``PROVEN_S`` costs no hash: a cashier's next top-up, and the second question of
            one command (may I? – do it)
"""

import asyncio
import dataclasses
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from openmains.app.command.signer.ports import Ledger, Person
from openmains.app.command.signing_ports import Credential, SignerRefusedError
from openmains.app.identity.hashing import verify_password
from openmains.domain.identity.attempts import Attempts, Origin
from openmains.domain.identity.lockout import place_of_address
from openmains.domain.ids import TenantId

PROVEN_S = 60.0
REFUSAL_S = 0.4  # well above what a hash takes on a machine that is not overloaded
MOST_PROVEN = 1_000


class PersonCheck:
    """One for the process. ``clock_s``: wall clock, s; ``pause`` waits some seconds."""

    def __init__(
        self, ledger: Ledger, *, clock_s: Callable[[], int], pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._clock_s = clock_s
        self._pause = pause
        self._attempts = Attempts()
        self._lanes = {True: asyncio.Semaphore(2), False: asyncio.Semaphore(1)}
        self._secret = os.urandom(32)
        self._proven: dict[bytes, float] = {}
        self._hashing: set[asyncio.Task[Person]] = set()
        self._turns: WeakValueDictionary[Origin, asyncio.Lock] = WeakValueDictionary()

    async def check(self, tenant_id: TenantId, given: Credential, *, approver: bool) -> Person:
        """The enrolled person whose password it is. Raises ``SignerRefusedError``: ``wrong_password``, ``locked`` with seconds,
        ``not_an_approver``."""
        time_s = asyncio.get_running_loop().time
        began = time_s()
        given = dataclasses.replace(given, address=place_of_address(given.address))
        try:
            person = await self._proved(tenant_id, given)
        except SignerRefusedError:
            await self._pause(max(0.0, began + REFUSAL_S - time_s()))
            raise
        if approver and person.role != "approver":
            raise SignerRefusedError("not_an_approver")
        return person

    def still(self, person: Person) -> None:
        """Raises ``SignerRefusedError`` if somebody who was checked is dismissed or enrolled anew meanwhile."""
        if self._ledger.person(person.tenant_id, person.login) != person:
            raise SignerRefusedError("wrong_password")

    async def _proved(self, tenant_id: TenantId, given: Credential) -> Person:
        if (sure := self._is_proven(tenant_id, given)) is not None:
            return sure
        origin = Origin(tenant_id, given.login, given.address)
        turn = self._turns.setdefault(origin, asyncio.Lock())  # a thousand guesses at once are looked at one by one
        await turn.acquire()
        try:
            if (sure := self._is_proven(tenant_id, given)) is not None:
                turn.release()
                return sure
            person = self._ledger.person(tenant_id, given.login)
            known = person is not None and self._ledger.is_known(tenant_id, given.login, given.address)
            wait = self._attempts.wait_s(origin, self._clock_s(), known=known)
            if wait:
                raise SignerRefusedError("locked", wait)
            await self._lanes[known].acquire()
        except BaseException:
            turn.release()
            raise
        hashing = asyncio.create_task(self._looked_at(person, given, origin, known=known))
        self._hashing.add(hashing)

        def ended(done: "asyncio.Task[Person]") -> None:
            self._hashing.discard(done)
            self._lanes[known].release()
            turn.release()
            if not done.cancelled():
                done.exception()  # its caller may be gone

        hashing.add_done_callback(ended)
        return await asyncio.shield(hashing)

    def _is_proven(self, tenant_id: TenantId, given: Credential) -> Person | None:
        """The person, if just this was right a moment ago."""
        person = self._ledger.person(tenant_id, given.login)
        fresh = self._proven.get(self._mark(given, person), 0.0) > asyncio.get_running_loop().time()
        return person if fresh else None

    async def _looked_at(self, person: Person | None, given: Credential, origin: Origin, *, known: bool) -> Person:
        """The hash and what follows from it, whoever still waits for it: a guess cannot be taken back by hanging up."""
        stored = person.password_hash if person else None
        right = await asyncio.to_thread(verify_password, stored, given.password)
        if person is None or not right:
            self._attempts.failed(origin, self._clock_s())
            raise SignerRefusedError("wrong_password")
        self._attempts.succeeded(origin, self._clock_s(), known=known)
        if not known:
            self._ledger.note_known(origin.tenant_id, given.login, given.address)
        if len(self._proven) >= MOST_PROVEN:
            self._proven.clear()
        self._proven[self._mark(given, person)] = asyncio.get_running_loop().time() + PROVEN_S
        return person

    def _mark(self, given: Credential, person: Person | None) -> bytes:
        """What stands for a password that was right: worthless outside this process, and void once the person is enrolled anew."""
        parts = (given.login, given.address, person.password_hash if person else "", given.password)
        told = b"".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in parts)
        return hmac.digest(
            self._secret, (0 if person is None else person.tenant_id).to_bytes(8, "big") + told, "sha256"
        )
