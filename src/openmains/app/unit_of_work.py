# SPDX-License-Identifier: Apache-2.0
"""One transaction of one tenant. It knows no context: each brings its own ports and asks for them by type.

``async with store.tenant(tenant_id) as work: await work[AlarmStore].get(alarm_id)``. Ports are the protocols of
``app/<context>/ports.py``; which adapter stands behind one is told in ``edges/``.

Every ``tenant_id`` comes from the caller's credential, never from a request.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from openmains.domain.ids import TenantId

Port = TypeVar("Port")


class Work(Protocol):
    """Everything in it happens or nothing does."""

    def __getitem__(self, port: type[Port], /) -> Port:
        """The port within this transaction. Raises ``LookupError`` for one that has no adapter: a fault of ours."""


class Store(Protocol):
    """The transactional store as the API uses it."""

    def tenant(self, tenant_id: TenantId) -> AbstractAsyncContextManager[Work]: ...
    async def reachable(self) -> bool: ...
