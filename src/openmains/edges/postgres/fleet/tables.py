# SPDX-License-Identifier: Apache-2.0
"""Products of a tenant."""

from datetime import date
from typing import Any

from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.model import NewProduct, Product
from openmains.domain.ids import ProductId, TenantId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_PRODUCT_FIELDS = frozenset(
    {
        "name",
        "maker",
        "model",
        "medium",
        "driver",
        "dial",
        "interval_s",
        "report_s",
        "qmax_l_h",
        "settings",
        "allow_cbc",
        "allow_no_ems",
        "report_mode",
    }
)


def _product(row: Row) -> Product:
    return Product(**dict(row))


def _changes(values: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    unknown = values.keys() - allowed
    if unknown:
        raise ValueError(f"not fields of the table: {sorted(unknown)}")
    return values


class Products:
    """``ProductStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int) -> list[Product]:
        rows = await _QUERIES["products"].fetch(self._connection, tenant_id=self._tenant_id, after=after, most=limit)
        return [_product(row) for row in rows]

    async def get(self, product_id: ProductId) -> Product | None:
        row = await _QUERIES["product"].fetchrow(self._connection, tenant_id=self._tenant_id, product_id=product_id)
        return None if row is None else _product(row)

    async def add(self, product: NewProduct, identity: DriverIdentity) -> Product | None:
        row = await _QUERIES["add_product"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            code=product.code,
            name=product.name,
            maker=product.maker,
            model=product.model,
            medium=identity.medium,
            kind=identity.kind,
            driver=product.driver,
            dial=product.dial,
            interval_s=product.interval_s,
            report_s=product.report_s,
            qmax_l_h=product.qmax_l_h,
            settings=product.settings,
            allow_cbc=product.allow_cbc,
            allow_no_ems=product.allow_no_ems,
            report_mode=product.report_mode,
        )
        return None if row is None else _product(row)

    async def change(self, product_id: ProductId, values: dict[str, Any], today: date) -> Product | None:
        row = await _QUERIES["change_product"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            product_id=product_id,
            changes=_changes(values, _PRODUCT_FIELDS),
            today=today,
        )
        return None if row is None else _product(row)
