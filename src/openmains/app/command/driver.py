# SPDX-License-Identifier: Apache-2.0
"""What commands need of a product's driver. A driver without it can read its meters but tell them nothing."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from openmains.domain.network.spreading import Spreading
from openmains.drivers.catalog import Catalog

Mac = Callable[[bytes], bytes]
Values = Mapping[str, Any]


@runtime_checkable
class CommandDriver(Protocol):
    """The downlink half of a driver (docs/protocols/openmains-commands.md)."""

    @property
    def command_kinds(self) -> Mapping[str, Any]:
        """Kinds it can say → ``drivers.model.CommandKind``: title and parameters with unit and range."""

    @property
    def is_asked(self) -> bool:
        """Its meters are asked by a master on a line, which reads back what it wrote; their frames know no validity."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Parameters by name → ``drivers.model.Setting``."""

    @property
    def spreading(self) -> Spreading | None:
        """How its meters spread their reports (R2.1); None: it has no report time to set."""

    def command_body(self, kind: str, params: Values, *, serial: int, counter: int, not_after: int) -> bytes:
        """The authenticated part, which the signer signs. Raises ``ValueError`` as ``command`` does."""

    def command(
        self, kind: str, params: Values, *, serial: int, counter: int, not_after: int, mac: Mac | None
    ) -> bytes:
        """The whole frame; ``mac`` is needed for valve and top-up. Raises ``ValueError`` for what cannot be said."""


class CommandDrivers(Protocol):
    """Drivers by name."""

    def command_driver(self, name: str) -> CommandDriver | None:
        """None: there is no such driver, or it has no commands."""


class CatalogCommands:
    """``CommandDrivers`` over the packaged catalogue."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._known: dict[
            str, tuple[object, CommandDriver | None]
        ] = {}  # asked for every command; the look at a class is slow

    def command_driver(self, name: str) -> CommandDriver | None:
        if name not in self._catalog:
            return None
        driver = self._catalog.driver(name)
        known = self._known.get(name)
        if known is None or known[0] is not driver:  # a page that was added may be another by now
            known = self._known[name] = (driver, driver if isinstance(driver, CommandDriver) else None)
        return known[1]
