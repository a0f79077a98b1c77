# SPDX-License-Identifier: Apache-2.0
"""A code is looked up within its tenant."""

from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.codes import Codes


async def test_by_code_within_the_tenant(owner: Pool, pipeline: Pool) -> None:
    tenants = [
        await owner.fetchval("INSERT INTO tenant (code, name) VALUES ($1, $1) RETURNING tenant_id", f"codes-{place}")
        for place in (1, 2)
    ]
    area = await owner.fetchval(
        "INSERT INTO area (tenant_id, code, name) VALUES ($1, 'A1', 'A1') RETURNING area_id", tenants[0]
    )
    product = await owner.fetchval(
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver)"
        " VALUES ($1, 'P1', 'P1', 'm', 'm', 'gas', 'openmains/gas-1') RETURNING product_id",
        tenants[0],
    )
    codes = Codes(pipeline)
    assert await codes.area(tenants[0], "A1") == area
    assert await codes.product(tenants[0], "P1") == product
    assert await codes.area(tenants[1], "A1") is None
    assert await codes.product(tenants[1], "P1") is None
    assert await codes.area(tenants[0], "P1") is None
