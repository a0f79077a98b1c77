# SPDX-License-Identifier: Apache-2.0
"""Roles (R13.2): each may do all that the one below it may."""

from enum import StrEnum


class Role(StrEnum):
    """What a person or a token may do within its tenant."""

    VIEWER = "viewer"  # sees
    OPERATOR = "operator"  # works on meters, alarms, exceptions
    ADMINISTRATOR = "administrator"  # people, products, the trail


_RANK = {Role.VIEWER: 1, Role.OPERATOR: 2, Role.ADMINISTRATOR: 3}


def covers(held: Role, needed: Role) -> bool:
    """True when ``held`` may do what ``needed`` may."""
    return _RANK[held] >= _RANK[needed]
