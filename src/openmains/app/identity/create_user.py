# SPDX-License-Identifier: Apache-2.0
"""Add a person; the first password is random, shown once, and must be changed."""

import asyncio
import secrets

from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Actor, User
from openmains.app.identity.ports import AuditTrail, UserStore
from openmains.app.identity.reach import known_reach
from openmains.app.identity.reason import stated
from openmains.app.identity.roles import give
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import EVERYWHERE, Reach


async def create_user(
    store: Store,
    actor: Actor,
    *,
    login: str,
    name: str,
    role: str,
    locale: str,
    reason: str = "",
    reach: Reach = EVERYWHERE,
) -> tuple[User, str]:
    """The user and the password to hand over; raises ``login-taken``, ``invalid-input`` (no such role), ``role-too-high``, and for
    a role that manages people ``reason-needed``. ``reach``: where the role holds; its places and products must be there (``invalid-input``)."""
    async with store.tenant(actor.tenant_id) as work:
        given = await give(work, actor, role)
    if Permission.MANAGE_USERS in given.permissions:
        reason = stated(reason)
    password = secrets.token_urlsafe(15)
    password_hash = await asyncio.to_thread(hash_password, password)
    async with store.tenant(actor.tenant_id) as work:
        await give(work, actor, role)  # again: it may be another since
        await known_reach(work, reach, role)
        user = await work[UserStore].add(login, name, password_hash, role, locale, reach)
        if user is None:
            raise Problem("login-taken", fields=(("/login", "not-accepted"),))
        await work[AuditTrail].record(actor, "create_user", "user", user.user_id, None, user, reason=reason)
    return user, password
