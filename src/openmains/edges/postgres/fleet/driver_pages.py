# SPDX-License-Identifier: Apache-2.0
"""Driver pages in PostgreSQL: a tenant's for people, all of them for every process that reads frames."""

import logging
from collections.abc import Callable, Mapping

from openmains.app.fleet.driver_pages import CheckedDriverPage, DriverPageVersion, UtilityDriverPage
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.drivers.catalog import Catalog, DriverPageError
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

log = logging.getLogger("openmains.fleet")
_QUERIES = load(__package__, "driver_pages.sql")


class DriverPages:
    """``DriverPageStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def pages(self, name: str | None = None) -> list[UtilityDriverPage]:
        rows = await _QUERIES["driver_pages"].fetch(self._connection, tenant_id=self._tenant_id, name=name)
        return [
            UtilityDriverPage(
                row["name"], row["version"], row["medium"], DeviceKind(row["kind"]), row["grade"], row["unit_exponent"], row["vectors"],
                utc_of_us(row["made_us"]), row["made_by"], row["products"],
            )
            for row in rows
        ]  # fmt: skip

    async def versions(self, name: str) -> list[DriverPageVersion]:
        rows = await _QUERIES["driver_page_versions"].fetch(self._connection, tenant_id=self._tenant_id, name=name)
        return [
            DriverPageVersion(
                row["version"], row["grade"], row["vectors"], utc_of_us(row["made_us"]), row["made_by"], row["reason"], row["is_active"]
            )
            for row in rows
        ]  # fmt: skip

    async def text(self, name: str, version: int) -> str | None:
        found: str | None = await _QUERIES["driver_page_text"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=name, version=version
        )
        return found

    async def claim(self, name: str) -> bool:
        await _QUERIES["claim_driver_page"].execute(self._connection, tenant_id=self._tenant_id, name=name)
        return await self.hold(name)

    async def hold(self, name: str) -> bool:
        return (
            await _QUERIES["hold_driver_page"].fetchval(self._connection, tenant_id=self._tenant_id, name=name)
            is not None
        )

    async def add(self, page: CheckedDriverPage, text: str, made_us: int, made_by: str, reason: str) -> int:
        version: int = await _QUERIES["add_driver_page_version"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=page.name, body=text, medium=page.medium, kind=page.kind.value,
            grade=page.grade, unit_exponent=page.unit_exponent, vectors=page.vectors, made_us=made_us, made_by=made_by, reason=reason,
        )  # fmt: skip
        return version

    async def activate(self, name: str, version: int | None) -> None:
        await _QUERIES["activate_driver_page"].execute(
            self._connection, tenant_id=self._tenant_id, name=name, version=version
        )


class DriverPageFollower:
    """Has a process's catalogue hold the pages that hold. Role openmains_pipeline. ``on_change``: called when they are others.

    A text that this release cannot read any more is said and left out: its products' messages become dead letters, and are read again by
    a replay once it is mended.
    """

    def __init__(self, pool: Pool, catalog: Catalog, on_change: Callable[[], None] = lambda: None) -> None:
        self._pool, self._catalog, self._on_change = pool, catalog, on_change
        self._owners: dict[str, TenantId] = {}
        self._unread: dict[str, int] = {}

    def owner(self, name: str) -> TenantId | None:
        """Whose page it is; None: of everybody."""
        return self._owners.get(name)

    @property
    def counters(self) -> dict[str, int]:
        """1 for each page at its version here, so that a sum tells how many processes are at it; ``unread``: it cannot be read."""
        read = {f"page.{name}.v{version}": 1 for name, version in self._catalog.versions.items()}
        return read | {f"page.{name}.unread": 1 for name in self._unread}

    async def keep_up(self) -> None:
        """``follow``, for a task that repeats."""
        await self.follow()

    async def follow(self) -> bool:
        """Whether something was new."""
        async with self._pool.acquire() as connection:
            rows = await _QUERIES["active_driver_pages"].fetch(connection)
            wanted = {row["name"]: row["version"] for row in rows}
            self._owners = {row["name"]: TenantId(row["tenant_id"]) for row in rows}
            if wanted == self._catalog.versions | self._unread:
                return False
            have = self._catalog.versions
            new = {name: version for name, version in wanted.items() if have.get(name) != version}
            bodies = await _QUERIES["driver_page_bodies"].fetch(
                connection, names=list(new), versions=list(new.values())
            )
        self._take(wanted, {row["name"]: row["body"] for row in bodies})
        self._on_change()
        return True

    def _take(self, wanted: Mapping[str, int], bodies: Mapping[str, str]) -> None:
        added = {}
        self._unread = {}
        for name, version in wanted.items():
            if name not in bodies:
                if self._catalog.versions.get(name) == version:
                    added[name] = (version, self._catalog.driver(name))
                continue
            try:
                added[name] = (version, self._catalog.make(name, bodies[name]))
            except DriverPageError as broken:
                self._unread[name] = version
                log.error("version %d of the driver page %s cannot be read: %s", version, name, broken)
        self._catalog.take(added)
        log.info(
            "driver pages: %s",
            ", ".join(f"{name} version {version}" for name, (version, _) in added.items()) or "none added",
        )
