# SPDX-License-Identifier: Apache-2.0
"""What network management asks of its tables."""

from datetime import datetime
from typing import Protocol

from openmains.app.network.model import NetworkDay, NetworkEvent, NetworkNode, NetworkPlace, Topology


class NetworkStore(Protocol):
    """One tenant's network, in one transaction. ``relay`` 0 and ``meter`` "": the gateway itself."""

    async def topology(self, now: datetime, *, placed: bool, platforms: bool) -> Topology:
        """``placed``: with where meters are; ``platforms``: with operators' platforms."""
        ...

    async def node(self, concentrator_id: int, relay: int, meter: str) -> NetworkNode | None: ...
    async def days(self, concentrator_id: int, relay: int, meter: str, since_day: int) -> list[NetworkDay]:
        """Oldest first."""
        ...

    async def events(
        self,
        limit: int,
        before: int | None,
        *,
        concentrator_id: int | None,
        relay: int | None,
        meter: str | None,
        faults: bool,
    ) -> list[NetworkEvent]:
        """Newest first."""
        ...

    async def place(self, concentrator_id: int, relay: int) -> NetworkPlace | None:
        """None: there is no such gateway, or it has no such relay."""
        ...

    async def set_place(self, concentrator_id: int, relay: int, place: NetworkPlace) -> None: ...
