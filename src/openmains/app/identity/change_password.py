# SPDX-License-Identifier: Apache-2.0
"""Change one's own password. All other sessions of the user end, and the API tokens unless the user keeps them: whoever knew the old
password may have made one.

The present password is asked for once more, and a session that was left open or stolen must not be the place to guess it: its
failures are counted like those of a sign-in, and lock this session's question alone.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from weakref import WeakValueDictionary

from openmains.app.identity.hashing import hash_password, verify_password
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail, CredentialStore, UserStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.lockout import locked_until, place_of_session, wait_s
from openmains.domain.identity.password import weakness


class ChangePassword:
    """One for the process: ``gate`` is how many passwords are tried at once, ``now`` the clock of delays, aware."""

    def __init__(self, store: Store, now: Callable[[], datetime], gate: asyncio.Semaphore) -> None:
        self._store = store
        self._now = now
        self._gate = gate
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self, actor: Actor, current: str, new: str, session_hash: bytes, *, keep_tokens: bool = False
    ) -> None:
        """Raises ``session-only``, ``weak-password``, ``wrong-password`` or, after several of these, ``password-locked``."""
        if actor.kind != "session":
            raise Problem("session-only")
        weak = weakness(new, actor.login)
        if weak is None and new == current:
            weak = "same-as-before"
        if weak is not None:
            raise Problem("weak-password", fields=(("/new", weak),))
        place = place_of_session(session_hash)
        async with self._one_at_a_time.setdefault(place, asyncio.Lock()):
            await self._check(actor, current, place)
        async with self._gate:
            new_hash = await asyncio.to_thread(hash_password, new)
        async with self._store.tenant(actor.tenant_id) as work:
            await work[UserStore].set_password(actor.user_id, new_hash, must_change=False)
            await work[UserStore].clear_failures(actor.user_id)
            await work[CredentialStore].end_sessions_of(actor.user_id, keep=session_hash)
            if not keep_tokens:
                await work[CredentialStore].revoke_tokens_of(actor.user_id)
            await work[AuditTrail].record(
                actor, "change_password", "user", actor.user_id, None, {"tokens_kept": keep_tokens}
            )

    async def _check(self, actor: Actor, current: str, place: str) -> None:
        async with self._store.tenant(actor.tenant_id) as work:
            failures, until = await work[UserStore].failures_at(actor.user_id, place)
            known = await work[UserStore].password_hash(actor.user_id)
        if wait := wait_s(until, self._now()):
            raise Problem("password-locked", retry_after_s=wait)
        async with self._gate:
            if await asyncio.to_thread(verify_password, known, current):
                return
        failures += 1
        async with self._store.tenant(actor.tenant_id) as work:
            await work[UserStore].forget_places(actor.user_id)
            await work[UserStore].note_failure(actor.user_id, place, failures, locked_until(self._now(), failures))
            await work[AuditTrail].record(
                actor, "change_password_refused", "user", actor.user_id, None, {"failures": failures}
            )
        raise Problem("wrong-password", fields=(("/current", "not-accepted"),))
