# SPDX-License-Identifier: Apache-2.0
"""Roles that a utility makes of its own (R13.5). Nobody gives, changes or takes away more than he may do himself: who may manage people but
not money makes nobody who may, and touches nobody who does."""

from openmains.app.identity.model import Actor, RoleRecord
from openmains.app.identity.ports import AuditTrail, NameTakenError, RoleStore
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.domain.identity.role import built_in, covers

_NO_ROLE = (("/role", "not-accepted"),)


async def give(work: Work, actor: Actor, code: str, *, to_oneself: bool = False) -> RoleRecord:
    """The role that somebody is to have; ``to_oneself``: a token, which holds where its person's rights hold.
    Raises ``invalid-input`` where there is none of this code, ``role-too-high`` where it may do
    what the actor may not."""
    found = await work[RoleStore].get(code)
    if found is None:
        raise Problem("invalid-input", fields=_NO_ROLE)
    within(actor, frozenset(found.permissions), "/role", actor.held if to_oneself else None)
    return found


async def is_below(work: Work, actor: Actor, code: str) -> None:
    """Raises ``role-too-high`` where a person of this role may do what the actor may not."""
    found = await work[RoleStore].get(code)
    within(actor, frozenset(found.permissions) if found else built_in(code), "/role")


def within(
    actor: Actor, permissions: frozenset[Permission], pointer: str, held: frozenset[Permission] | None = None
) -> None:
    """Raises ``role-too-high``, which names what the actor lacks."""
    held = actor.permissions if held is None else held
    if covers(held, permissions):
        return
    lacking = [PERMISSIONS[one] for one in PERMISSIONS if one in permissions - held]
    zh, en = "、".join(words.zh for words in lacking), "; ".join(words.en for words in lacking)
    raise Problem("role-too-high", fields=((pointer, "not-accepted"),), lacking=(zh, en))


async def add_role(
    store: Store, actor: Actor, name: str, permissions: frozenset[Permission], reason: str
) -> RoleRecord:
    """Raises ``role-too-high``, ``role-empty``, ``role-name-taken``, ``reason-needed``."""
    _check(actor, permissions)
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        made = await work[RoleStore].add(name, permissions)
        if made is None:
            raise Problem("role-name-taken", fields=(("/name", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_role", "role", made.code, None, made, reason=why)
    return made


async def change_role(
    store: Store, actor: Actor, role_id: int, revision: int, name: str, permissions: frozenset[Permission], reason: str
) -> RoleRecord:
    """It holds at once for everybody who has it. Raises ``not-found``, ``role-too-high``, ``role-empty``, ``role-name-taken``,
    ``role-changed``, ``reason-needed``."""
    _check(actor, permissions)
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, role_id)
        within(actor, frozenset(before.permissions), "/permissions")
        why = stated(reason)
        try:
            after = await work[RoleStore].change(role_id, revision, name, permissions)
        except NameTakenError:
            raise Problem("role-name-taken", fields=(("/name", "not-accepted"),)) from None
        if after is None:
            raise Problem("role-changed")
        await work[AuditTrail].record(actor, "change_role", "role", before.code, before, after, reason=why)
    return after


async def remove_role(store: Store, actor: Actor, role_id: int, reason: str) -> None:
    """Raises ``not-found``, ``role-too-high``, ``role-in-use``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, role_id)
        within(actor, frozenset(before.permissions), "/permissions")
        why = stated(reason)
        if not await work[RoleStore].remove(role_id):
            raise Problem("role-in-use")
        await work[AuditTrail].record(actor, "remove_role", "role", before.code, before, None, reason=why)


async def _own(work: Work, role_id: int) -> RoleRecord:
    found = next((role for role in await work[RoleStore].all() if role.role_id == role_id), None)
    if found is None:
        raise Problem("not-found")
    return found


def _check(actor: Actor, permissions: frozenset[Permission]) -> None:
    if not permissions:
        raise Problem("role-empty", fields=(("/permissions", "required"),))
    within(actor, permissions, "/permissions")
