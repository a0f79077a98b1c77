# SPDX-License-Identifier: Apache-2.0
"""The tree of areas and premises on one tenant's transaction. Lists are keyset-paged along an index."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from openmains.app.fleet.areas import (
    Area,
    AreaFilter,
    AreaKind,
    AreaRow,
    AreaStep,
    AreaTotals,
    NewAreaKind,
    Premises,
    PremisesFilter,
)
from openmains.app.fleet.search import like_escape, normalise
from openmains.app.reach import limits_now
from openmains.domain.ids import AreaId, AreaKindId, PremisesId, TenantId
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "places.sql")
_COLUMNS = {"name": "name", "parent_id": "parent_id", "kind_id": "area_kind_id"}
_PREMISES_FIELDS = frozenset(
    {"area_id", "street", "house_number", "building", "unit", "floor", "room", "address", "lat_e7", "lon_e7"}
)
_UNDER = "a.path >= (SELECT path FROM area WHERE area_id = :under) AND a.path < (SELECT path_end FROM area WHERE area_id = :under)"


def _meter_by_meter() -> bool:
    """Whoever is bound to single devices: what is counted by area and product cannot be parted by meter."""
    return bool(limits_now().reach.meters)


def _area(row: Row) -> Area:
    return Area(**dict(row))


class Areas:
    """``AreaStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, chosen: AreaFilter) -> list[Area]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": chosen.limit}
        fragments = []
        if chosen.is_root:
            fragments.append("AND a.parent_id IS NULL")
        if chosen.parent_id is not None:
            fragments.append("AND a.parent_id = :parent_id")
            values["parent_id"] = chosen.parent_id
        if chosen.under is not None:
            fragments.append(f"AND a.area_id <> :under AND {_UNDER}")
            values["under"] = chosen.under
        if chosen.q is not None:
            fragments.append("AND a.words LIKE ALL (:patterns::text[])")
            values["patterns"] = [f"%{like_escape(normalise(word))}%" for word in chosen.q.split()]
        if chosen.after is not None:
            fragments.append("AND a.code > :after")
            values["after"] = chosen.after
        fragments.append("ORDER BY a.code LIMIT :most")
        rows = await extended(_QUERIES["areas"], *fragments).fetch(self._connection, **values)
        found = [_area(row) for row in rows]
        return await self._counted(found) if chosen.is_counted else found

    async def _counted(self, areas: Sequence[Area]) -> list[Area]:
        ids = [area.area_id for area in areas]
        if _meter_by_meter():
            seen = _QUERIES["meters_seen_below"]
            rows = await seen.fetch(self._connection, tenant_id=self._tenant_id, area_ids=ids)
        else:
            rows = await _QUERIES["meters_below"].fetch(self._connection, area_ids=ids)
        meters = {row["area_id"]: row["meters"] for row in rows}
        return [structs.replace(area, meters=meters.get(area.area_id, 0)) for area in areas]

    async def get(self, area_id: AreaId) -> Area | None:
        row = await extended(_QUERIES["areas"], "AND a.area_id = :area_id").fetchrow(
            self._connection, tenant_id=self._tenant_id, area_id=area_id
        )
        return None if row is None else _area(row)

    async def above(self, area_id: AreaId) -> list[AreaStep]:
        rows = await _QUERIES["areas_above"].fetch(self._connection, tenant_id=self._tenant_id, area_id=area_id)
        return [AreaStep(**dict(row)) for row in rows]

    async def sums(self, area_id: AreaId) -> AreaTotals:
        if _meter_by_meter():
            seen = _QUERIES["area_sums_seen"]
            row = await seen.fetchrow(self._connection, tenant_id=self._tenant_id, area_id=area_id)
        else:
            row = await _QUERIES["area_sums"].fetchrow(self._connection, area_id=area_id)
        return AreaTotals(0, 0, 0, 0) if row is None else AreaTotals(**dict(row))

    async def below(self, area_id: AreaId) -> list[int]:
        found: list[int] = await _QUERIES["branch_areas"].fetchval(self._connection, area_id=area_id)
        return found

    async def count(self) -> int:
        return int(await _QUERIES["count_areas"].fetchval(self._connection, tenant_id=self._tenant_id))

    async def levels(self, area_id: AreaId) -> int:
        return int(await _QUERIES["area_levels"].fetchval(self._connection, tenant_id=self._tenant_id, area_id=area_id))

    async def is_below(self, area_id: AreaId, ancestor_id: AreaId) -> bool:
        found: bool = await _QUERIES["is_area_below"].fetchval(
            self._connection, tenant_id=self._tenant_id, area_id=area_id, ancestor_id=ancestor_id
        )
        return found

    async def hold_tree(self) -> None:
        await _QUERIES["hold_tree"].execute(self._connection, tenant_id=self._tenant_id)

    async def add(
        self, code: str, name: str, parent_id: AreaId | None, kind_id: AreaKindId | None = None
    ) -> Area | None:
        row = await _QUERIES["add_area"].fetchrow(
            self._connection, tenant_id=self._tenant_id, code=code, name=name, parent_id=parent_id, kind_id=kind_id
        )
        return None if row is None else _area(row)

    async def change(self, area_id: AreaId, values: dict[str, Any]) -> Area | None:
        changes = {_COLUMNS[name]: value for name, value in values.items()}
        found = await _QUERIES["change_area"].fetchval(
            self._connection, tenant_id=self._tenant_id, area_id=area_id, changes=changes
        )
        return None if found is None else await self.get(area_id)

    async def rows(self, limit: int, after: str, under: AreaId | None) -> list[AreaRow]:
        rows = await _QUERIES["area_rows"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, under=under, most=limit
        )
        return [AreaRow(**dict(row)) for row in rows]

    async def kinds(self) -> list[AreaKind]:
        rows = await _QUERIES["area_kinds"].fetch(self._connection, tenant_id=self._tenant_id)
        return [AreaKind(**dict(row)) for row in rows]

    async def kind(self, kind_id: AreaKindId) -> AreaKind | None:
        row = await _QUERIES["area_kind"].fetchrow(self._connection, tenant_id=self._tenant_id, kind_id=kind_id)
        return None if row is None else AreaKind(**dict(row))

    async def add_kind(self, kind: NewAreaKind) -> AreaKind | None:
        row = await _QUERIES["add_area_kind"].fetchrow(
            self._connection, tenant_id=self._tenant_id, **structs.asdict(kind)
        )
        return None if row is None else AreaKind(**dict(row))

    async def change_kind(self, kind_id: AreaKindId, values: dict[str, Any]) -> AreaKind | None:
        row = await _QUERIES["change_area_kind"].fetchrow(
            self._connection, tenant_id=self._tenant_id, kind_id=kind_id, changes=values
        )
        return None if row is None else AreaKind(**dict(row))


class PremisesTable:
    """``PremisesStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, chosen: PremisesFilter) -> list[Premises]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": chosen.limit}
        fragments = []
        if chosen.area_id is not None:
            fragments.append(f"AND {_UNDER}")
            values["under"] = chosen.area_id
        if chosen.code is not None:
            fragments.append("AND p.code LIKE :code")
            values["code"] = like_escape(chosen.code) + "%"
        if chosen.after is not None:
            fragments.append("AND p.premises_id > :after")
            values["after"] = chosen.after
        fragments.append("ORDER BY p.premises_id LIMIT :most")
        rows = await extended(_QUERIES["premises"], *fragments).fetch(self._connection, **values)
        return [Premises(**dict(row)) for row in rows]

    async def get(self, premises_id: PremisesId) -> Premises | None:
        row = await extended(_QUERIES["premises"], "AND p.premises_id = :premises_id").fetchrow(
            self._connection, tenant_id=self._tenant_id, premises_id=premises_id
        )
        return None if row is None else Premises(**dict(row))

    async def add(self, values: dict[str, Any]) -> Premises | None:
        premises_id = await _QUERIES["add_premises"].fetchval(self._connection, tenant_id=self._tenant_id, **values)
        return None if premises_id is None else await self.get(premises_id)

    async def change(self, premises_id: PremisesId, revision: int, values: dict[str, Any]) -> Premises | None:
        if unknown := values.keys() - _PREMISES_FIELDS:
            raise ValueError(f"not fields of premises: {sorted(unknown)}")
        done = await _QUERIES["change_premises"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            premises_id=premises_id,
            revision=revision,
            changes=values,
        )
        return None if done is None else await self.get(premises_id)


async def fold_tallies(pool: Pool, limit: int = 1000) -> int:
    """Make one row of the many that an area's tallies became; returns how many there were. Use a pool of the pipeline's role."""
    return int(await _QUERIES["fold_tallies"].fetchval(pool, most=limit))
