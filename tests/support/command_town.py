# SPDX-License-Identifier: Apache-2.0
"""A utility with meters for tests of commands, written by the database's owner."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


class Town:
    """``meters``: ids; customers without credit unless said otherwise. ``on_change`` is awaited after each change of the registry:
    where there is a signer, persons sign it."""

    on_change: Callable[[], Awaitable[Any]] | None = None

    def __init__(self, owner: "asyncpg.Connection[Any]", tenant_id: int, product_id: int, areas: list[int]) -> None:
        self.owner = owner
        self.tenant_id = tenant_id
        self.product_id = product_id
        self.areas = areas
        self.meters: list[int] = []

    async def add(
        self, count: int, *, balance: int | None = 0, protected: bool = False, critical: bool = False,
        prepaid: bool = False,
    ) -> list[int]:  # fmt: skip
        code = secrets.token_hex(6)
        customer = await self.owner.fetchval(
            "INSERT INTO customer (tenant_id, code, name, is_protected, is_critical) VALUES ($1, $2, $2, $3, $4)"
            " RETURNING customer_id",
            self.tenant_id, code, protected, critical,
        )  # fmt: skip
        rows = await self.owner.fetch(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, customer_id, installed_on)"
            " SELECT $1, $2 || n, $3, ($4::int[])[1 + n % cardinality($4::int[])], $5, '2024-01-01'"
            " FROM generate_series(1, $6::int) n RETURNING meter_id",
            self.tenant_id, code, await self._prepaid() if prepaid else self.product_id, self.areas, customer, count,
        )  # fmt: skip
        found = [row[0] for row in rows]
        await self.owner.execute(
            "INSERT INTO meter_state (meter_id, tenant_id, balance) SELECT m, $2, $3 FROM unnest($1::bigint[]) m",
            found, self.tenant_id, balance,
        )  # fmt: skip
        self.meters += found
        await self._changed()
        return found

    async def _prepaid(self) -> int:
        """The product whose meters keep their credit themselves."""
        found = await self.owner.fetchval(
            "SELECT product_id FROM product WHERE tenant_id = $1 AND code = 'prepaid'", self.tenant_id
        )
        made = found or await self.owner.fetchval(
            "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, settings) SELECT tenant_id, 'prepaid', name,"
            " maker, model, medium, driver, '{\"prepaid\": true}' FROM product WHERE product_id = $1 RETURNING product_id",
            self.product_id,
        )
        return int(made)

    async def _changed(self) -> None:
        if self.on_change is not None:
            await self.on_change()

    async def fill(self, count: int) -> None:
        """Meters that only count: without state and customer."""
        await self.owner.execute(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
            " SELECT $1, 'f' || n, $2, ($3::int[])[1 + n % cardinality($3::int[])], '2024-01-01'"
            " FROM generate_series(1, $4::int) n",
            self.tenant_id, self.product_id, self.areas, count,
        )  # fmt: skip
        await self._changed()

    async def empty(self) -> None:
        """Take them away again; the engine is shared. Triggers are off: nothing refers to them."""
        async with self.owner.transaction():
            await self.owner.execute("SET LOCAL session_replication_role = replica")
            await self.owner.execute("DELETE FROM meter WHERE tenant_id = $1 AND customer_id IS NULL", self.tenant_id)


async def make_town(owner: "asyncpg.Connection[Any]", areas: int = 1, driver: str = "openmains/gas-1") -> Town:
    """A tenant of its own. Its clock is set so that it is always a working day's morning there for the rules' tests."""
    code = f"t{secrets.token_hex(5)}"
    tenant_id = await owner.fetchval("INSERT INTO tenant (code, name) VALUES ($1, $1) RETURNING tenant_id", code)
    product_id = await owner.fetchval(
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, settings)"
        " VALUES ($1, 'p', 'P', 'M', '1', 'gas', $2, '{}') RETURNING product_id",
        tenant_id,
        driver,
    )
    ids = [
        await owner.fetchval(
            "INSERT INTO area (tenant_id, code, name) VALUES ($1, $2, $2) RETURNING area_id", tenant_id, f"a{number}"
        )
        for number in range(areas)
    ]
    return Town(owner, tenant_id, product_id, ids)
