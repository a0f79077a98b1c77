# SPDX-License-Identifier: Apache-2.0
"""Ports of the fleet and the tables behind them."""

from openmains.app.fleet.choice import ChosenMeters
from openmains.app.fleet.driver_pages import DriverPageStore
from openmains.app.fleet.imports.headings import ImportHeadings
from openmains.app.fleet.imports.undo import ImportChanges
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.map_file import MapRows
from openmains.app.fleet.model import MeterFilter
from openmains.app.fleet.ports import AreaStore, ConcentratorStore, MeterSearch, MeterStore, PremisesStore, ProductStore
from openmains.app.fleet.search import MeterHit
from openmains.app.fleet.tags import TagStore
from openmains.app.fleet.wording import Wording
from openmains.app.link.operators.ports import OperatorPlatformStore
from openmains.domain.ids import TenantId
from openmains.domain.period import DAY_S
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.fleet import search
from openmains.edges.postgres.fleet.chosen import Chosen, MapTable
from openmains.edges.postgres.fleet.concentrator_rows import Concentrators
from openmains.edges.postgres.fleet.driver_pages import DriverPages
from openmains.edges.postgres.fleet.headings import Headings
from openmains.edges.postgres.fleet.kinds import products_of
from openmains.edges.postgres.fleet.lives import Lives
from openmains.edges.postgres.fleet.meters import SILENT_DAYS, Meters
from openmains.edges.postgres.fleet.operators import OperatorPlatforms
from openmains.edges.postgres.fleet.places import Areas, PremisesTable
from openmains.edges.postgres.fleet.tables import Products
from openmains.edges.postgres.fleet.tags import Tags
from openmains.edges.postgres.fleet.undo import Changes


class Search:
    """``MeterSearch`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def search(self, q: str, limit: int, cursor: str | None, within: MeterFilter) -> list[MeterHit]:
        silent_us = {mode.value: int(within.now_us) - days * DAY_S * 1_000_000 for mode, days in SILENT_DAYS.items()}
        chosen = search.Within(
            within.area_id,
            await products_of(self._connection, self._tenant_id, within),
            within.status,
            within.tag_id,
            silent_us if within.status == "silent" else {},
        )
        return await search.search(self._connection, self._tenant_id, q, limit, cursor, chosen)


def adapters(wording: Wording) -> Adapters:
    """``wording``: how a meter's stored values are told, which only the drivers know."""

    def meters(connection: Connection, tenant_id: TenantId) -> Meters:
        return Meters(connection, tenant_id, wording)

    def map_table(connection: Connection, tenant_id: TenantId) -> MapTable:
        return MapTable(connection, tenant_id, wording)

    def lives(connection: Connection, tenant_id: TenantId) -> Lives:
        return Lives(connection, tenant_id, wording)

    return dict(
        [
            Bind(LifeStore).to(lives),
            Bind(ImportHeadings).to(Headings),
            Bind(ImportChanges).to(Changes),
            Bind(AreaStore).to(Areas),
            Bind(PremisesStore).to(PremisesTable),
            Bind(ProductStore).to(Products),
            Bind(ConcentratorStore).to(Concentrators),
            Bind(OperatorPlatformStore).to(OperatorPlatforms),
            Bind(DriverPageStore).to(DriverPages),
            Bind(MeterStore).to(meters),
            Bind(MeterSearch).to(Search),
            Bind(TagStore).to(Tags),
            Bind(ChosenMeters).to(Chosen),
            Bind(MapRows).to(map_table),
        ]
    )
