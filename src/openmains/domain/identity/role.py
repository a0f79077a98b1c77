# SPDX-License-Identifier: Apache-2.0
"""Roles (R13.2, R13.5): sets of permissions. Those below are everybody's; a utility makes its own beside them out of the same permissions."""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.identity.permission import Permission as P

OWN_PREFIX = "own-"  # of the codes of roles that utilities made; what follows is the number of the role


class Role(StrEnum):
    """Built-in roles. Their names stand in rows of people and tokens."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    CLERK = "clerk"
    CASHIER = "cashier"
    READER = "reader"
    INSTALLER = "installer"
    MAKER = "maker"
    GOVERNMENT = "government"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A role that every utility has: its words and what it may do."""

    zh: str
    en: str
    permissions: frozenset[P]


_SEES = frozenset(
    {
        P.SEE_HOME, P.SEE_PLACES, P.SEE_PREMISES, P.SEE_PRODUCTS, P.SEE_METERS, P.SEE_TIMELINE, P.EXPORT_METERS, P.SEE_SUMS, P.SEE_READINGS,
        P.EXPORT_READINGS, P.SEE_FRAMES, P.SEE_ALARMS, P.SEE_COMMANDS, P.SEE_SECURITY, P.SEE_CUSTOMERS, P.SEE_TARIFFS, P.SEE_MONEY,
        P.EXPORT_MONEY, P.SEE_JOBS, P.SEE_ORDERS, P.SEE_RULES,
    }
)  # fmt: skip
_WATCHES = frozenset(
    {
        P.JUDGE_READINGS, P.RUN_VISITS, P.HANDLE_DEAD_LETTERS, P.HANDLE_ALARMS, P.SET_LIMITS, P.HANDLE_NOTICES, P.GIVE_COMMANDS,
        P.APPROVE_COMMANDS, P.OPERATE_METERS, P.INSPECT_SITES, P.STOP_COMMANDS, P.HANDLE_SECURITY, P.SEE_PERSONAL, P.SEE_SYSTEM,
        P.MANAGE_JOBS, P.HANDLE_ORDERS,
    }
)  # fmt: skip
_KEEPS_BOOKS = frozenset(
    {
        P.MANAGE_PREMISES, P.MANAGE_METERS, P.MANAGE_CUSTOMERS, P.SEE_PERSONAL, P.DRAFT_TARIFFS, P.ASK_FOR_MONEY, P.TAKE_READINGS,
        P.MANAGE_ROUTES, P.MANAGE_JOBS, P.RUN_DIRECT_DEBIT,
    }
)  # fmt: skip
_WORKS = (
    _SEES
    | _WATCHES
    | _KEEPS_BOOKS
    | {
        P.MANAGE_STOCK,
        P.INSTALL_METERS,
        P.ACCEPT_INSTALLATIONS,
        P.FOLLOW_READINGS,
        P.TAKE_MONEY,
        P.BOOK_PAYMENTS,
        P.WORK_OUTSIDE,
    }
)

BUILT_IN: dict[Role, BuiltIn] = {
    Role.ADMINISTRATOR: BuiltIn("管理员", "administrator", frozenset(P)),
    Role.OPERATOR: BuiltIn("操作员", "operator", _WORKS),
    Role.DISPATCHER: BuiltIn("调度员", "dispatcher", (_SEES - {P.SEE_MONEY, P.EXPORT_MONEY, P.SEE_TARIFFS}) | _WATCHES),
    Role.CLERK: BuiltIn("业务员", "clerk", (_SEES - {P.SEE_FRAMES, P.SEE_SECURITY, P.SEE_COMMANDS}) | _KEEPS_BOOKS),
    Role.CASHIER: BuiltIn(
        "收费员", "cashier",
        frozenset({P.SEE_PLACES, P.SEE_PREMISES, P.SEE_CUSTOMERS, P.SEE_TARIFFS, P.SEE_MONEY, P.TAKE_MONEY, P.ASK_FOR_MONEY}),
    ),
    Role.READER: BuiltIn(
        "抄表员", "meter reader",
        frozenset(
            {
                P.SEE_ORDERS, P.SEE_PLACES, P.SEE_PREMISES, P.SEE_PRODUCTS, P.SEE_METERS, P.SEE_READINGS, P.TAKE_READINGS, P.RUN_VISITS,
                P.WORK_OUTSIDE,
            }
        ),
    ),
    Role.INSTALLER: BuiltIn(
        "安装员", "installer",
        frozenset(
            {
                P.HANDLE_ORDERS, P.SEE_ORDERS, P.SEE_PLACES, P.SEE_PREMISES, P.SEE_PRODUCTS, P.SEE_METERS, P.SEE_READINGS, P.SEE_ALARMS,
                P.INSTALL_METERS, P.MANAGE_STOCK, P.WORK_OUTSIDE,
            }
        ),
    ),
    Role.MAKER: BuiltIn(
        "厂家", "maker",
        frozenset({P.SEE_PLACES, P.SEE_PRODUCTS, P.SEE_METERS, P.SEE_SUMS, P.SEE_READINGS, P.SEE_FRAMES}),
    ),
    Role.GOVERNMENT: BuiltIn("政府监管", "government", frozenset({P.SEE_PLACES, P.SEE_SUMS})),
    Role.VIEWER: BuiltIn("查看者", "viewer", _SEES),
}  # fmt: skip
"""In the order in which they are offered."""


def built_in(code: str) -> frozenset[P]:
    """What a built-in role may do; nothing for a code that names none."""
    return BUILT_IN[Role(code)].permissions if code in set(Role) else frozenset()


NEEDS_PRODUCTS = frozenset({Role.MAKER})
"""Roles of people who are not the utility's own: they hold for the products that are named with them, and for none without."""


def covers(held: Set[P], needed: Set[P]) -> bool:
    """True when who may do ``held`` may do all of ``needed``: nobody gives, or decides about, more than that."""
    return held >= needed


def known(names: Set[str]) -> frozenset[P]:
    """The permissions of these names; a name that is none, as of a later release, gives nothing."""
    return frozenset(P(name) for name in names if name in set(P))
