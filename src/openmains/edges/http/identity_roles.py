# SPDX-License-Identifier: Apache-2.0
"""Roles and the permissions they are made of (R13.5)."""

from typing import Annotated, Any

from litestar import Request, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.identity.model import RoleRecord
from openmains.app.identity.ports import RoleStore
from openmains.app.identity.roles import add_role as make
from openmains.app.identity.roles import change_role as change
from openmains.app.identity.roles import remove_role as remove
from openmains.domain.identity.permission import GROUPS, PERMISSIONS, Group, Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id, ReasonText, WhyQuery
from openmains.edges.http.permissions import SIGNED_IN, may

Name = Annotated[str, Meta(min_length=1, max_length=60)]
Chosen = Annotated[list[Permission], Meta(max_length=len(Permission))]


class PermissionText(Struct, frozen=True):
    """A permission with its words."""

    code: Permission
    zh: str
    en: str


class PermissionGroup(Struct, frozen=True):
    """Permissions that belong together, in their order."""

    code: Group
    zh: str
    en: str
    permissions: list[PermissionText]


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    """A role of the utility's own: at most what oneself may do."""

    name: Name
    permissions: Chosen
    reason: ReasonText = ""


class RoleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole role as it is to be; ``revision``: of the one that was read."""

    name: Name
    permissions: Chosen
    revision: Annotated[int, Meta(ge=1)]
    reason: ReasonText = ""


@get("/permissions", operation_id="list_permissions", tags=["identity"], opt=SIGNED_IN, sync_to_thread=False)
def list_permissions() -> list[PermissionGroup]:
    """All there are, in groups."""
    return [
        PermissionGroup(
            group, zh, en,
            [PermissionText(one, words.zh, words.en) for one, words in PERMISSIONS.items() if words.group is group],
        )
        for group, (zh, en) in GROUPS.items()
    ]  # fmt: skip


@get("/roles", operation_id="list_roles", tags=["identity"], opt=SIGNED_IN)
async def list_roles(request: Request[Any, Any, Any]) -> list[RoleRecord]:
    """The built-in ones, then the utility's own."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[RoleStore].all()


@post("/roles", operation_id="add_role", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def add_role(request: Request[Any, Any, Any], data: JSONBody[NewRole]) -> RoleRecord:
    """Make a role."""
    return await make(deps_of(request).store, actor_of(request), data.name, frozenset(data.permissions), data.reason)


@patch("/roles/{role_id:int}", operation_id="change_role", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def change_role(request: Request[Any, Any, Any], role_id: Id, data: JSONBody[RoleChange]) -> RoleRecord:
    """Change a role of the utility's own; it holds at once for everybody who has it."""
    return await change(
        deps_of(request).store,
        actor_of(request),
        role_id,
        data.revision,
        data.name,
        frozenset(data.permissions),
        data.reason,
    )


@delete("/roles/{role_id:int}", operation_id="remove_role", tags=["identity"], opt=may(Permission.MANAGE_USERS))
async def remove_role(request: Request[Any, Any, Any], role_id: Id, reason: WhyQuery = "") -> None:
    """Remove a role of the utility's own that nobody has."""
    await remove(deps_of(request).store, actor_of(request), role_id, reason)


HANDLERS: list[Any] = [list_permissions, list_roles, add_role, change_role, remove_role]
