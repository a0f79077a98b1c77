# SPDX-License-Identifier: Apache-2.0
"""Areas and products of a tenant."""

# ruff: noqa: S608 – SQL is put together from column names written in this file only; values are always parameters

from typing import Any

from openmains.app.fleet.model import Area, NewProduct, Product
from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.edges.postgres.db import Connection, Row

_AREA = "area_id, parent_id, code, name"
_PRODUCT = (
    "product_id, code, name, maker, model, medium, driver, dial, interval_s, report_s, qmax_l_h, settings, created_at"
)
_AREA_FIELDS = frozenset({"name", "parent_id"})
_PRODUCT_FIELDS = frozenset(
    {"name", "maker", "model", "medium", "driver", "dial", "interval_s", "report_s", "qmax_l_h", "settings"}
)


def _area(row: Row) -> Area:
    return Area(**dict(row))


def _product(row: Row) -> Product:
    return Product(**dict(row))


def _sets(values: dict[str, Any], allowed: frozenset[str]) -> str:
    unknown = values.keys() - allowed
    if unknown:
        raise ValueError(f"not fields of the table: {sorted(unknown)}")
    return ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 3))


class Areas:
    """``AreaStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[Area]:
        rows = await self._connection.fetch(
            f"SELECT {_AREA} FROM area WHERE tenant_id = $1 ORDER BY code", self._tenant_id
        )
        return [_area(row) for row in rows]

    async def get(self, area_id: AreaId) -> Area | None:
        row = await self._connection.fetchrow(
            f"SELECT {_AREA} FROM area WHERE tenant_id = $1 AND area_id = $2", self._tenant_id, area_id
        )
        return None if row is None else _area(row)

    async def add(self, code: str, name: str, parent_id: AreaId | None) -> Area | None:
        row = await self._connection.fetchrow(
            "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, $2, $3, $4)"
            f" ON CONFLICT DO NOTHING RETURNING {_AREA}",
            self._tenant_id,
            code,
            name,
            parent_id,
        )
        return None if row is None else _area(row)

    async def change(self, area_id: AreaId, values: dict[str, Any]) -> Area | None:
        row = await self._connection.fetchrow(
            f"UPDATE area SET {_sets(values, _AREA_FIELDS)} WHERE tenant_id = $1 AND area_id = $2 RETURNING {_AREA}",
            self._tenant_id,
            area_id,
            *values.values(),
        )
        return None if row is None else _area(row)

    async def is_below(self, area_id: AreaId, ancestor_id: AreaId) -> bool:
        found: bool = await self._connection.fetchval(
            "WITH RECURSIVE up AS (SELECT area_id, parent_id FROM area WHERE tenant_id = $1 AND area_id = $2"
            " UNION SELECT a.area_id, a.parent_id FROM area a JOIN up ON a.area_id = up.parent_id"
            " WHERE a.tenant_id = $1)"
            " SELECT EXISTS (SELECT FROM up WHERE area_id = $3)",
            self._tenant_id,
            area_id,
            ancestor_id,
        )
        return found


class Products:
    """``ProductStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int) -> list[Product]:
        rows = await self._connection.fetch(
            f"SELECT {_PRODUCT} FROM product WHERE tenant_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3",
            self._tenant_id,
            after,
            limit,
        )
        return [_product(row) for row in rows]

    async def get(self, product_id: ProductId) -> Product | None:
        row = await self._connection.fetchrow(
            f"SELECT {_PRODUCT} FROM product WHERE tenant_id = $1 AND product_id = $2", self._tenant_id, product_id
        )
        return None if row is None else _product(row)

    async def add(self, product: NewProduct, medium: str) -> Product | None:
        row = await self._connection.fetchrow(
            "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, dial, interval_s, report_s,"
            " qmax_l_h, settings) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            f" ON CONFLICT DO NOTHING RETURNING {_PRODUCT}",
            self._tenant_id,
            product.code,
            product.name,
            product.maker,
            product.model,
            medium,
            product.driver,
            product.dial,
            product.interval_s,
            product.report_s,
            product.qmax_l_h,
            product.settings,
        )
        return None if row is None else _product(row)

    async def change(self, product_id: ProductId, values: dict[str, Any]) -> Product | None:
        row = await self._connection.fetchrow(
            f"UPDATE product SET {_sets(values, _PRODUCT_FIELDS)} WHERE tenant_id = $1 AND product_id = $2"
            f" RETURNING {_PRODUCT}",
            self._tenant_id,
            product_id,
            *values.values(),
        )
        return None if row is None else _product(row)
