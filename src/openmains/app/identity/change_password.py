# SPDX-License-Identifier: Apache-2.0
"""Change one's own password; all other sessions of the user end."""

import asyncio

from openmains.app.identity.hashing import hash_password, verify_password
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail, CredentialStore, UserStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.password import weakness


async def change_password(store: Store, actor: Actor, current: str, new: str, session_hash: bytes) -> None:
    """Raises ``session-only``, ``wrong-password`` or ``weak-password``."""
    if actor.kind != "session":
        raise Problem("session-only")
    weak = weakness(new, actor.login)
    if weak is None and new == current:
        weak = "same-as-before"
    if weak is not None:
        raise Problem("weak-password", fields=(("/new", weak),))
    async with store.tenant(actor.tenant_id) as work:
        known = await work[UserStore].password_hash(actor.user_id)
    if not await asyncio.to_thread(verify_password, known, current):
        raise Problem("wrong-password", fields=(("/current", "not-accepted"),))
    new_hash = await asyncio.to_thread(hash_password, new)
    async with store.tenant(actor.tenant_id) as work:
        await work[UserStore].set_password(actor.user_id, new_hash, must_change=False)
        await work[CredentialStore].end_sessions_of(actor.user_id, keep=session_hash)
        await work[AuditTrail].record(actor, "change_password", "user", actor.user_id, None, None)
