# SPDX-License-Identifier: Apache-2.0
"""Lists as people look at them, kept under a name: filters, order and columns, as the console's address has them.

A view is no right: who opens it is asked for what the list itself asks for, and sees what that person may see.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.preferences import PreferenceStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.role import BUILT_IN, Role, built_in, covers
from openmains.domain.ids import UserId

MOST_VIEWS = 100  # of one person: nobody takes the place of others
MOST_KEYS = 30
PageName = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z_-]*$")]
ViewName = Annotated[str, Meta(min_length=1, max_length=100)]
QueryKey = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
QueryText = Annotated[str, Meta(max_length=1000)]


class NewListView(Struct, frozen=True, forbid_unknown_fields=True):
    """``page``: the console's name of the list's page; ``query``: keys of its address, without the place in the list; ``shared_with``: a
    built-in role; all who may do what it may see it too, null: nobody else."""

    page: PageName
    name: ViewName
    query: Annotated[dict[QueryKey, QueryText], Meta(max_length=MOST_KEYS)]
    shared_with: Role | None = None


class ListView(Struct, frozen=True):
    """A view that is kept. ``is_own``: the caller's, who may change it."""

    view_id: int
    page: str
    name: str
    query: dict[str, str]
    shared_with: Role | None
    is_own: bool
    owner: str
    changed_at: datetime


class ListViews(Protocol):
    """Of one tenant: a person's own, and those that are shared with one of ``roles`` (``audiences``)."""

    async def all(self, user_id: UserId, roles: Sequence[Role], page: str | None) -> list[ListView]: ...
    async def get(self, view_id: int, user_id: UserId, roles: Sequence[Role]) -> ListView | None: ...
    async def count(self, user_id: UserId) -> int: ...
    async def add(self, user_id: UserId, wanted: NewListView) -> int | None:
        """None: the person has one of this name for the page."""

    async def change(self, view_id: int, wanted: NewListView) -> bool:
        """False: its owner has another one of this name for the page."""

    async def remove(self, view_id: int) -> None: ...


def audiences(actor: Actor) -> list[Role]:
    """The built-in roles whose shared views this person sees: those of which it may do everything, its own among them."""
    return [role for role in BUILT_IN if covers(actor.permissions, built_in(role))]


async def add_view(store: Store, actor: Actor, wanted: NewListView) -> ListView:
    """Raises ``invalid-input`` for a role that may do what one may not, ``name-taken``, ``too-many-saved``."""
    async with store.tenant(actor.tenant_id) as work:
        _check(actor, wanted)
        await work[PreferenceStore].lock(actor.user_id)  # of several at once, none goes beyond the bound
        if await work[ListViews].count(actor.user_id) >= MOST_VIEWS:
            raise Problem("too-many-saved", limit=MOST_VIEWS)
        view_id = await work[ListViews].add(actor.user_id, wanted)
        if view_id is None:
            raise Problem("name-taken", fields=(("/name", "not-accepted"),), name=wanted.name)
        made = await _get(work, view_id, actor)
        await work[AuditTrail].record(actor, "save_view", "list_view", view_id, None, wanted)
        return made


async def change_view(store: Store, actor: Actor, view_id: int, wanted: NewListView) -> ListView:
    """Its owner's to do, and theirs who manage people; its page stays. Raises as ``add_view``, ``not-found`` and ``not-your-query``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, view_id, actor)
        _check(actor, wanted)
        if wanted.page != before.page:
            raise Problem("invalid-input", fields=(("/page", "not-accepted"),))
        if not await work[ListViews].change(view_id, wanted):
            raise Problem("name-taken", fields=(("/name", "not-accepted"),), name=wanted.name)
        await work[AuditTrail].record(actor, "change_view", "list_view", view_id, before, wanted)
        return await _get(work, view_id, actor)


async def remove_view(store: Store, actor: Actor, view_id: int) -> None:
    """Forget a view; its owner's to do, and theirs who manage people."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, view_id, actor)
        await work[ListViews].remove(view_id)
        await work[AuditTrail].record(actor, "remove_view", "list_view", view_id, before, None)


def _check(actor: Actor, wanted: NewListView) -> None:
    if wanted.shared_with is not None and wanted.shared_with not in audiences(actor):
        raise Problem("invalid-input", fields=(("/shared_with", "not-accepted"),))  # one would not see it oneself


async def _get(work: Work, view_id: int, actor: Actor) -> ListView:
    found = await work[ListViews].get(view_id, actor.user_id, audiences(actor))
    if found is None:
        raise Problem("not-found")
    return found


async def _own(work: Work, view_id: int, actor: Actor) -> ListView:
    found = await _get(work, view_id, actor)
    if not found.is_own and not actor.may(Permission.MANAGE_USERS):
        raise Problem("not-your-query", owner=found.owner)
    return found
