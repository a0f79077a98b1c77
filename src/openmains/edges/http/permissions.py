# SPDX-License-Identifier: Apache-2.0
"""Who may call an operation, declared beside its handler: ``opt=OPERATOR``.

An operation that declares nothing is refused when the application is built, and by the guard besides: forgetting the
role keeps everybody out instead of letting everybody in. ``docs/reference/permissions.md`` is made from the declarations.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from litestar.handlers.base import BaseRouteHandler

from openmains.domain.identity.role import Role

_KEY = "access"


@dataclass(frozen=True, slots=True)
class Access:
    """``role``: the least that is needed, None: no sign-in at all – such an operation guards itself where it must.

    ``before_password_change``: open to a user whose password must be changed first.
    """

    role: Role | None
    before_password_change: bool = False


class UndeclaredAccessError(Exception):
    """Operations without a declared role; the message names them."""


def _opt(role: Role | None, *, before_password_change: bool = False) -> dict[str, Any]:
    return {_KEY: Access(role, before_password_change)}


PUBLIC: Final = _opt(None)
VIEWER: Final = _opt(Role.VIEWER)
OPERATOR: Final = _opt(Role.OPERATOR)
ADMINISTRATOR: Final = _opt(Role.ADMINISTRATOR)
ANY_PASSWORD: Final = _opt(Role.VIEWER, before_password_change=True)


def operation_of(handler: BaseRouteHandler) -> str:
    """The stable name of an operation: its OpenAPI operation id, or the name of a WebSocket handler."""
    found = getattr(handler, "operation_id", None) or handler.name
    return found if isinstance(found, str) else ""


def access_of(handler: BaseRouteHandler) -> Access | None:
    """What the handler declares; None: nothing, so nobody may call it."""
    found = handler.opt.get(_KEY)
    return found if isinstance(found, Access) else None


def declared(handlers: Iterable[BaseRouteHandler]) -> list[tuple[BaseRouteHandler, Access]]:
    """The handlers with their access; raises ``UndeclaredAccessError`` for one without access or without a name."""
    found, missing = [], []
    for handler in handlers:
        access = access_of(handler)
        if access is None or not operation_of(handler):
            missing.append(operation_of(handler) or repr(handler))
        else:
            found.append((handler, access))
    if missing:
        raise UndeclaredAccessError("no access declared: " + ", ".join(sorted(missing)))
    return found
