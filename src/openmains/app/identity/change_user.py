# SPDX-License-Identifier: Apache-2.0
"""Change a person's name, role, language or lock, or reset the password."""

import asyncio
import secrets
from typing import Any

from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Actor, User
from openmains.app.identity.ports import AuditTrail, CredentialStore, UserStore
from openmains.app.identity.reach import known_reach
from openmains.app.identity.reason import stated
from openmains.app.identity.roles import give, is_below
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.reach import Reach
from openmains.domain.identity.role import Role
from openmains.domain.ids import UserId

_RISKY = ("role", "disabled", "places", "media", "products")


async def change_user(store: Store, actor: Actor, user_id: UserId, values: dict[str, Any], reason: str = "") -> User:
    """``values``: name, role, locale, disabled, unlock, places, media, products.
    Raises ``not-found``, ``last-administrator``, ``invalid-input`` (no such
    role), ``role-too-high`` where the person or the role may do what the actor may not, and, where another role, a lock or its end
    comes without one, ``reason-needed``.

    Another role, another reach or a lock takes effect at once: sessions end and tokens are revoked.
    """
    values = dict(values)
    unlocks = values.pop("unlock", False)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[UserStore].get(user_id)
        if before is None:
            raise Problem("not-found")
        await is_below(work, actor, before.role)
        if values.get("role", before.role) != before.role:
            await give(work, actor, values["role"])
        await known_reach(work, _reach(before, values), values.get("role", before.role))
        if unlocks:
            await work[UserStore].clear_failures(user_id)
        elif not values:
            return before
        is_limited = not _reach(before, values).is_whole
        loses = (
            values.get("disabled", before.disabled)
            or values.get("role", before.role) != Role.ADMINISTRATOR
            or is_limited
        )
        if before.role == Role.ADMINISTRATOR and not before.disabled and loses:
            await _keep_one_administrator(work[UserStore].other_administrators, user_id)
        if any(values.get(name, getattr(before, name)) != getattr(before, name) for name in _RISKY):
            reason = stated(reason)
        after = await work[UserStore].change(user_id, values)
        assert after is not None  # noqa: S101 read in this transaction
        if after.disabled or (after.role, after.reach) != (before.role, before.reach):
            await work[CredentialStore].end_sessions_of(user_id)
            await work[CredentialStore].revoke_tokens_of(user_id)
        await work[AuditTrail].record(actor, "change_user", "user", user_id, before, after, reason=reason)
    return after


def _reach(before: User, values: dict[str, Any]) -> Reach:
    return Reach(*(tuple(values.get(name, getattr(before, name))) for name in ("places", "media", "products")))


async def reset_password(store: Store, actor: Actor, user_id: UserId, reason: str) -> str:
    """A new random password to hand over; the user's sessions and tokens end: whoever knew the old one may have made
    them. Raises ``not-found``, ``role-too-high``, ``reason-needed``."""
    password = secrets.token_urlsafe(15)
    password_hash = await asyncio.to_thread(hash_password, password)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[UserStore].get(user_id)
        if before is None:
            raise Problem("not-found")
        await is_below(work, actor, before.role)
        reason = stated(reason)
        await work[UserStore].set_password(user_id, password_hash, must_change=True)
        await work[UserStore].clear_failures(user_id)
        await work[CredentialStore].end_sessions_of(user_id)
        await work[CredentialStore].revoke_tokens_of(user_id)
        await work[AuditTrail].record(actor, "reset_password", "user", user_id, None, None, reason=reason)
    return password


async def remove_user(store: Store, actor: Actor, user_id: UserId, reason: str) -> None:
    """Remove a person with sessions and tokens; the trail stays. Raises ``not-found``, ``last-administrator``, ``role-too-high``,
    ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[UserStore].get(user_id)
        if before is None:
            raise Problem("not-found")
        await is_below(work, actor, before.role)
        if before.role == Role.ADMINISTRATOR and not before.disabled:
            await _keep_one_administrator(work[UserStore].other_administrators, user_id)
        reason = stated(reason)
        await work[UserStore].remove(user_id)
        await work[AuditTrail].record(actor, "remove_user", "user", user_id, before, None, reason=reason)


async def _keep_one_administrator(others: Any, user_id: UserId) -> None:
    if await others(user_id) == 0:
        raise Problem("last-administrator")
