# SPDX-License-Identifier: Apache-2.0
"""A transaction for pure tests of use cases: ports given by hand, and the trail as it would be committed.

The ports' doubles of ``tests/support/doubles.py`` keep what they are told in plain attributes; they judge nothing, so that
what a test sees is what the use case decided.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import pytest

from openmains.app.identity.model import Actor, AuditEntry
from openmains.app.identity.ports import AuditTrail, RoleStore
from openmains.app.problems import Problem
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, UserId
from tests.support.roles import BuiltInRoles

Port = TypeVar("Port")
ACTOR = Actor(TenantId(7), UserId(70), "ann", "Ann", Role.ADMINISTRATOR, "en", "Asia/Shanghai", "session")
VIEWER = replace(ACTOR, user_id=UserId(71), login="ben", role=Role.VIEWER)


@dataclass(frozen=True)
class Line:
    """One line of the trail."""

    actor: Actor
    action: str
    object_type: str
    object_id: int | str
    before: Any
    after: Any
    reason: str = ""


class Trail:
    """``AuditTrail`` of one transaction."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def record(
        self,
        actor: Actor,
        action: str,
        object_type: str,
        object_id: int | str,
        before: Any,
        after: Any,
        *,
        reason: str = "",
    ) -> None:
        self.lines.append(Line(actor, action, object_type, object_id, before, after, reason))

    async def page(self, *_: object) -> list[AuditEntry]:
        raise NotImplementedError


class GivenWork:
    """The ports of one transaction by their types."""

    def __init__(self, ports: Mapping[type, object]) -> None:
        self._ports = ports

    def __getitem__(self, port: type[Port], /) -> Port:
        return cast(Port, self._ports[port])


class GivenStore:
    """``Store`` over these ports. ``trail``: lines of committed transactions; ``undone``: how many were rolled back."""

    def __init__(self, ports: Mapping[type, object]) -> None:
        self._ports = {RoleStore: BuiltInRoles(), **ports}
        self.trail: list[Line] = []
        self.tenants: list[TenantId] = []
        self.undone = 0

    @property
    def actions(self) -> list[str]:
        return [line.action for line in self.trail]

    @asynccontextmanager
    async def tenant(self, tenant_id: TenantId) -> AsyncIterator[GivenWork]:
        self.tenants.append(tenant_id)
        trail = Trail()
        try:
            yield GivenWork({**self._ports, AuditTrail: trail})
        except BaseException:
            self.undone += 1
            raise
        self.trail += trail.lines

    async def reachable(self) -> bool:
        return True


async def refused(asked: Any, store: GivenStore) -> Problem:
    """The problem a use case raises; it must leave no line in the trail and take back its transaction."""
    lines, undone = len(store.trail), store.undone
    with pytest.raises(Problem) as told:
        await asked
    assert (len(store.trail), store.undone) == (lines, undone + 1)
    return told.value
