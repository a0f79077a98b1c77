# SPDX-License-Identifier: Apache-2.0
"""Who may call an operation, declared beside its handler: ``opt=may(Permission.SEE_ALARMS)``.

An operation that declares nothing is refused when the application is built, and by the guard besides: forgetting the
permission keeps everybody out instead of letting everybody in. ``docs/reference/permissions.md`` is made from the declarations.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from litestar.handlers.base import BaseRouteHandler

from openmains.domain.identity.permission import Permission

_KEY = "access"


@dataclass(frozen=True, slots=True)
class Access:
    """``permission``: the one that is needed; None: a sign-in is enough, or with ``is_public`` not even that – such an operation
    guards itself where it must, and shows who is signed in only what is that person's.

    ``is_sign_in``: public, and as often only as an address may sign in; ``is_customer``: for who signed in by a customer's phone, and for
    nobody of the staff, whatever a role may (ADR 0059); ``before_password_change``: open to a user whose password must be changed first.
    ``is_whole``: of the utility as a whole, so that nobody whose rights are limited may.
    """

    permission: Permission | None
    is_public: bool = False
    before_password_change: bool = False
    is_whole: bool = False
    is_customer: bool = False
    is_sign_in: bool = False


class UndeclaredAccessError(Exception):
    """Operations without a declared permission; the message names them."""


def may(permission: Permission, *, whole: bool = False) -> dict[str, Any]:
    """Open to who has this permission; ``whole``: and whose rights are not limited."""
    return {_KEY: Access(permission, is_whole=whole)}


PUBLIC: Final = {_KEY: Access(None, is_public=True)}
SIGN_IN: Final = {_KEY: Access(None, is_public=True, is_sign_in=True)}
CUSTOMER: Final = {_KEY: Access(None, is_customer=True)}
SIGNED_IN: Final = {_KEY: Access(None)}
ANY_PASSWORD: Final = {_KEY: Access(None, before_password_change=True)}


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
