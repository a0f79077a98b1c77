# SPDX-License-Identifier: Apache-2.0
"""Which adapter stands behind a port within one tenant's transaction. Each context tells its own in ``<context>/adapters.py``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection

Port = TypeVar("Port")
Make = Callable[[Connection, TenantId], Any]
"""Makes the adapter for (connection of the transaction, tenant id)."""

Adapters = Mapping[type[Any], Make]


class Bind(Generic[Port]):
    """``Bind(AlarmStore).to(Alarms)``: two steps, so that the type checker holds the adapter against the port."""

    def __init__(self, port: type[Port]) -> None:
        self._port = port

    def to(self, make: Callable[[Connection, TenantId], Port]) -> tuple[type[Any], Make]:
        """An entry of a context's table."""
        return self._port, make


def joined(contexts: Iterable[Adapters]) -> dict[type[Any], Make]:
    """One table of all contexts. Raises ``ValueError`` for a port with two adapters."""
    table: dict[type[Any], Make] = {}
    for adapters in contexts:
        for port, make in adapters.items():
            if port in table:
                raise ValueError(f"two adapters for {port.__name__}")
            table[port] = make
    return table
