# SPDX-License-Identifier: Apache-2.0
"""What commands to gateways ask of their tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openmains.app.command.gateways.model import GatewayCommandDetail, GatewayCommandInfo, NewGatewayCommand
from openmains.app.command.gateways.step import Step
from openmains.app.identity.model import Actor
from openmains.domain.command.life import State
from openmains.wire.gateway.parameters import Value


@dataclass(frozen=True, slots=True)
class GatewayStanding:
    """``parameters``: as it said last, at ``reported_at``; none where it never did. ``opened``: its commands that have no end yet."""

    number: str
    parameters: Mapping[str, Value]
    reported_at: datetime | None
    opened: int


class GatewayCommandStore(Protocol):
    """One tenant's, in one transaction."""

    async def gateway(self, concentrator_id: int) -> GatewayStanding | None:
        """None: there is no such gateway or concentrator."""
        ...

    async def draft(
        self, concentrator_id: int, wanted: NewGatewayCommand, note: str, not_after: int, actor: Actor, now_us: int
    ) -> int | None:
        """Its number; None: the key is taken."""
        ...

    async def by_key(self, unique_key: str) -> int | None: ...

    async def lock(self, command_id: int) -> State | None:
        """Its state, which nobody else moves before the transaction ends."""
        ...

    async def step(self, command_id: int, step: Step, actor: str, now_us: int) -> None: ...
    async def get(self, command_id: int) -> GatewayCommandDetail | None: ...
    async def page(
        self, limit: int, before: int | None, concentrator_id: int | None, *, waiting: bool
    ) -> list[GatewayCommandInfo]:
        """Newest first; ``waiting``: for a second person."""
        ...
