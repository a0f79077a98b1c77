# SPDX-License-Identifier: Apache-2.0
"""What the API asks of the running system."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from openmains.app.system.model import LiveEvent, Metric, SystemSnapshot
from openmains.domain.ids import TenantId


class LiveFeed(Protocol):
    def subscribe(self, tenant_id: TenantId) -> AbstractAsyncContextManager[AsyncIterator[LiveEvent]]:
        """Events of this tenant and of the system from now on; a slow reader loses the oldest, never memory."""


class SystemView(Protocol):
    async def snapshot(self, tenant_id: TenantId) -> SystemSnapshot:
        """Everything for the tenant that runs the platform; for the others what concerns them alone."""

    async def runs_platform(self, tenant_id: TenantId) -> bool:
        """Whether this tenant may see figures of the whole platform."""

    async def not_ready(self) -> list[str]:
        """What keeps this process from serving; empty: ready. Answers within seconds, whatever stands still."""

    def standing_still(self) -> Sequence[str]:
        """Engines that have not answered for a while: what waits for one of them waits in vain."""

    async def metrics(self, tenant_id: TenantId | None) -> list[Metric]:
        """Of the platform for the tenant that runs it and for None, of the tenant alone for the others."""
