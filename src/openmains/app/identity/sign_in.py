# SPDX-License-Identifier: Apache-2.0
"""Sign in: the same answer and the same time whether the login exists or not, and a delay that grows with the failures of a place.

What a place is, and why others stay open, is told in ``domain/identity/lockout.py``. A browser that signed in is given a mark: it
is no credential, it only has its failures counted apart from those of its address.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from openmains.app.identity.hashing import BROWSER_PREFIX, SESSION_PREFIX, hash_secret, new_secret, verify_password
from openmains.app.identity.model import Actor, SignInRecord
from openmains.app.identity.ports import AuditTrail, CredentialStore, SignInStore, UserStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.lockout import (
    delay_s,
    free_failures,
    locked_until,
    place_of_address,
    place_of_browser,
    wait_s,
)

_REFUSAL_S = 0.25  # every refused attempt takes this long, whatever work was behind it
_REMEMBERED = 10_000  # names that do not exist, so that they lock like those that do; the oldest are forgotten


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``secret`` goes to the caller once; only its hash is stored. ``browser``: the mark to know the browser by."""

    actor: Actor
    secret: str
    expires_at: datetime
    browser: str


class SignIn:
    """One for the process: it holds the failures of unknown names and how many hashes run at once."""

    def __init__(
        self,
        store: Store,
        lookups: SignInStore,
        session: timedelta,
        now: Callable[[], datetime],
        gate: asyncio.Semaphore,
    ) -> None:
        """``session``: how long a session lasts that is not used. ``now``: the clock of delays and ends, aware.
        ``gate``: how many passwords are tried at once, each for 64 MiB."""
        self._store = store
        self._lookups = lookups
        self._session = session
        self._now = now
        self._gate = gate
        self._strangers: OrderedDict[tuple[str, str, str], tuple[int, datetime]] = OrderedDict()
        self._strange_failures: OrderedDict[tuple[str, str], tuple[int, datetime]] = OrderedDict()
        self._one_at_a_time: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, tenant_code: str | None, login: str, password: str, *, address: str, browser: str, request_id: str
    ) -> SignedIn:
        """``browser``: the mark it was given at an earlier sign-in, or nothing. Raises ``sign-in-refused`` or ``sign-in-locked``, and
        ``tenant-needed`` where no code is given and there is not just one utility: no password is looked at then."""
        code = tenant_code or await self._lookups.only_tenant_code()
        if code is None:
            raise Problem("tenant-needed", fields=(("/tenant", "required"),))
        place, known_browser = place_of_address(address), place_of_browser(hash_secret(browser))
        # guesses sent at the same time must not all be made before the first of them is counted
        lock = self._one_at_a_time.setdefault((code, login, place), asyncio.Lock())
        async with lock:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            found = await self._lookups.find_sign_in(code, login, place, known_browser)
            self._refuse_locked(found, (code, login, place))
            async with self._gate:
                right = await asyncio.to_thread(verify_password, found.password_hash if found else None, password)
            if found is not None and right and not found.disabled:
                if found.place != known_browser:
                    browser = ""
                return await self._open_session(found, _actor(found, login, address, request_id), place, browser)
            if found is None:
                self._note_stranger((code, login, place))
            else:
                await self._note_failure(found, _actor(found, login, address, request_id))
            await asyncio.sleep(begun + _REFUSAL_S - loop.time())
        raise Problem("sign-in-refused")

    def _refuse_locked(self, found: SignInRecord | None, name: tuple[str, str, str]) -> None:
        until = self._strangers.get(name, (0, None))[1] if found is None else found.locked_until
        if wait := wait_s(until, self._now()):
            raise Problem("sign-in-locked", retry_after_s=wait)

    def _note_stranger(self, name: tuple[str, str, str]) -> None:
        """As ``find_sign_in`` counts those of a login that exists."""
        now, login = self._now(), name[:2]
        failures = self._strangers.pop(name, (0, now))[0] + 1
        total, since = self._strange_failures.pop(login, (0, now))
        if now - since > timedelta(days=1):
            total, since = 0, now
        free = free_failures(is_known=False, failed_elsewhere=total - failures + 1)
        self._strangers[name] = (failures, now + timedelta(seconds=delay_s(failures, free)))
        self._strange_failures[login] = (total + 1, since)
        for remembered in (self._strangers, self._strange_failures):
            if len(remembered) > _REMEMBERED:
                remembered.popitem(last=False)

    async def _note_failure(self, found: SignInRecord, actor: Actor) -> None:
        failures = found.failed_count + 1
        free = free_failures(is_known=found.is_known, failed_elsewhere=found.failed_elsewhere)
        until = locked_until(self._now(), failures, free)
        async with self._store.tenant(found.tenant_id) as work:
            await work[UserStore].forget_places(found.user_id)
            await work[UserStore].note_failure(found.user_id, found.place, failures, until)
            await work[AuditTrail].record(actor, "sign_in_refused", "user", found.user_id, None, {"failures": failures})

    async def _open_session(self, found: SignInRecord, actor: Actor, place: str, browser: str) -> SignedIn:
        """``browser``: its mark where the person signed in with it before; without one it is given a new one."""
        secret, secret_hash = new_secret(SESSION_PREFIX)
        browser = browser or new_secret(BROWSER_PREFIX)[0]
        expires_at = self._now() + self._session
        async with self._store.tenant(found.tenant_id) as work:
            users = work[UserStore]
            await users.note_known(found.user_id, place_of_browser(hash_secret(browser)))
            if found.place == place:  # else its failures are somebody else's: a known browser came in past them
                await users.note_known(found.user_id, place)
            await users.forget_places(found.user_id)
            await work[CredentialStore].add_session(secret_hash, found.user_id, expires_at, actor.address)
            await work[AuditTrail].record(actor, "sign_in", "user", found.user_id, None, None)
        return SignedIn(actor, secret, expires_at, browser)


def _actor(found: SignInRecord, login: str, address: str, request_id: str) -> Actor:
    return Actor(
        tenant_id=found.tenant_id,
        user_id=found.user_id,
        login=login,
        name=found.name,
        role=found.role,
        own=found.own,
        locale=found.locale,
        zone=found.zone,
        kind="session",
        must_change=found.must_change,
        address=address,
        request_id=request_id,
        places=found.places,
        media=found.media,
        products=found.products,
    )
