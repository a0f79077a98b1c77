# SPDX-License-Identifier: Apache-2.0
"""Sign in: the same answer and the same time whether the login exists or not, and a delay that grows with failures."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from openmains.app.identity.hashing import SESSION_PREFIX, new_secret, verify_password
from openmains.app.identity.model import Actor, SignInRecord
from openmains.app.identity.ports import AuditTrail, CredentialStore, SignInStore, UserStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.lockout import delay_s

_REFUSAL_S = 0.25  # every refused attempt takes this long, whatever work was behind it
_REMEMBERED = 10_000  # names that do not exist, so that they lock like those that do; the oldest are forgotten


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``secret`` goes to the caller once; only its hash is stored."""

    actor: Actor
    secret: str
    expires_at: datetime


class SignIn:
    """One for the process: it holds the failures of unknown names and how many hashes run at once."""

    def __init__(
        self,
        store: Store,
        lookups: SignInStore,
        session: timedelta,
        now: Callable[[], datetime],
        *,
        hashes_at_once: int = 2,
    ) -> None:
        """``session``: how long a session lasts that is not used. ``now``: the clock of delays and ends, aware."""
        self._store = store
        self._lookups = lookups
        self._session = session
        self._now = now
        self._gate = asyncio.Semaphore(hashes_at_once)  # 64 MiB each
        self._strangers: OrderedDict[tuple[str, str], tuple[int, datetime]] = OrderedDict()
        self._one_at_a_time: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, tenant_code: str | None, login: str, password: str, *, address: str, request_id: str
    ) -> SignedIn:
        """Raises ``sign-in-refused`` or ``sign-in-locked``."""
        code = tenant_code or await self._lookups.only_tenant_code() or ""
        name = (code, login)
        # guesses sent at the same time must not all be made before the first of them is counted
        lock = self._one_at_a_time.setdefault(name, asyncio.Lock())
        async with lock:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            found = await self._lookups.find_sign_in(code, login)
            self._refuse_locked(found, name)
            async with self._gate:
                right = await asyncio.to_thread(verify_password, found.password_hash if found else None, password)
            if found is not None and right and not found.disabled:
                return await self._open_session(found, _actor(found, login, address, request_id))
            if found is None:
                self._note_stranger(name)
            else:
                await self._note_failure(found, _actor(found, login, address, request_id))
            await asyncio.sleep(begun + _REFUSAL_S - loop.time())
        raise Problem("sign-in-refused")

    def _refuse_locked(self, found: SignInRecord | None, name: tuple[str, str]) -> None:
        until = self._strangers.get(name, (0, None))[1] if found is None else found.locked_until
        wait = 0.0 if until is None else (until - self._now()).total_seconds()
        if wait > 0:
            raise Problem("sign-in-locked", retry_after_s=int(wait) + 1)

    def _note_stranger(self, name: tuple[str, str]) -> None:
        failures = self._strangers.pop(name, (0, None))[0] + 1
        self._strangers[name] = (failures, self._now() + timedelta(seconds=delay_s(failures)))
        if len(self._strangers) > _REMEMBERED:
            self._strangers.popitem(last=False)

    async def _note_failure(self, found: SignInRecord, actor: Actor) -> None:
        failures = found.failed_count + 1
        wait = delay_s(failures)
        until = self._now() + timedelta(seconds=wait) if wait else None
        async with self._store.tenant(found.tenant_id) as work:
            await work[UserStore].note_failure(found.user_id, failures, until)
            await work[AuditTrail].record(actor, "sign_in_refused", "user", found.user_id, None, {"failures": failures})

    async def _open_session(self, found: SignInRecord, actor: Actor) -> SignedIn:
        secret, secret_hash = new_secret(SESSION_PREFIX)
        expires_at = self._now() + self._session
        async with self._store.tenant(found.tenant_id) as work:
            if found.failed_count:
                await work[UserStore].clear_failures(found.user_id)
            await work[CredentialStore].add_session(secret_hash, found.user_id, expires_at, actor.address)
            await work[AuditTrail].record(actor, "sign_in", "user", found.user_id, None, None)
        return SignedIn(actor, secret, expires_at)


def _actor(found: SignInRecord, login: str, address: str, request_id: str) -> Actor:
    return Actor(
        tenant_id=found.tenant_id,
        user_id=found.user_id,
        login=login,
        name=found.name,
        role=found.role,
        locale=found.locale,
        zone=found.zone,
        kind="session",
        must_change=found.must_change,
        address=address,
        request_id=request_id,
    )
