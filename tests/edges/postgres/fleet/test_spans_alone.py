# SPDX-License-Identifier: Apache-2.0
"""No two holders of an account, no meter at two places, no two main meters at an account at a time: whichever of the spans runs on,
whichever came first, and two at once (migration 0149)."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import asyncpg
import pytest

from openmains.edges.postgres.db import Pool, create_pool
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import make_tenant

HOLDER = (
    "INSERT INTO account_holder (account_id, tenant_id, customer_id, during)"
    " VALUES ($1, $2, $3, tstzrange(('2024-01-' || $4)::timestamptz, ('2024-01-' || $5)::timestamptz))"
)
HANGS = (
    "INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening_by, closing_by)"
    " VALUES ($1, $2, $3, $4, tstzrange(('2024-01-' || $5)::timestamptz, ('2024-01-' || $6)::timestamptz), 'unknown',"
    "  CASE WHEN $6::text IS NOT NULL THEN 'unknown' END)"
)
SPANS = [("05", "10"), ("05", None), ("10", None), ("07", "12"), ("12", None), ("01", "05")]


def meet(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    """Whether there is an instant in both."""
    return one[0] < (other[1] or "99") and other[0] < (one[1] or "99")


class Book:
    """Accounts, customers and meters of a utility, as many as are asked for."""

    def __init__(self, pool: Pool, tenant: int) -> None:
        self.pool, self.tenant, self._count = pool, tenant, 0

    async def account(self) -> int:
        """Open since the year began."""
        self._count += 1
        async with self.pool.acquire() as connection, connection.transaction():
            premises = await connection.fetchval(
                "INSERT INTO premises (tenant_id, area_id, code) SELECT $1, min(area_id), $2 FROM area WHERE tenant_id = $1"
                " RETURNING premises_id",
                self.tenant, f"S{self._count}",
            )  # fmt: skip
            account: int = await connection.fetchval(
                "INSERT INTO account (tenant_id, number, premises_id, medium, opened_at) VALUES ($1, $2, $3, 'water', '2024-01-01')"
                " RETURNING account_id",
                self.tenant, f"S{self._count}", premises,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO account_act (tenant_id, account_id, kind, at, key) VALUES ($1, $2, 'open', '2024-01-01', $3)",
                self.tenant, account, f"s{account}",
            )  # fmt: skip
        return account

    async def customer(self) -> int:
        """A new one."""
        self._count += 1
        made: int = await self.pool.fetchval(
            "INSERT INTO customer (tenant_id, code, name) VALUES ($1, $2, $2) RETURNING customer_id",
            self.tenant,
            f"S{self._count}",
        )
        return made

    async def meter(self) -> int:
        """A new one, that the platform does not hang by itself."""
        self._count += 1
        made: int = await self.pool.fetchval(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
            " SELECT $1, $2, (SELECT min(product_id) FROM product WHERE tenant_id = $1), min(area_id), '2024-01-01' FROM area"
            "  WHERE tenant_id = $1 RETURNING meter_id", self.tenant, f"S{self._count}",
        )  # fmt: skip
        await self.pool.execute("DELETE FROM meter_to_hang WHERE meter_id = $1", made)
        return made


@pytest.fixture(scope="module")
async def book(engines: Engines) -> AsyncIterator[Book]:
    pool = await create_pool(engines.urls.postgres_owner, max_size=4)
    yield Book(pool, await make_tenant(pool, "spans"))
    await pool.close()


async def is_taken(pool: Pool, statement: str, *values: object) -> bool:
    """False: it was refused as another's span."""
    try:
        await pool.execute(statement, *values)
    except (asyncpg.ExclusionViolationError, asyncpg.UniqueViolationError):
        return False
    return True


async def test_spans_of_one_account_and_of_one_meter_never_meet(book: Book) -> None:
    for one, other in product(SPANS, repeat=2):
        account = await book.account()
        assert await is_taken(book.pool, HOLDER, account, book.tenant, await book.customer(), *one)
        taken = await is_taken(book.pool, HOLDER, account, book.tenant, await book.customer(), *other)
        assert taken != meet(one, other), ("holders", one, other)
        meter, elsewhere, beside = await book.meter(), await book.account(), await book.meter()
        assert await is_taken(book.pool, HANGS, book.tenant, meter, account, "household", *one)
        taken = await is_taken(book.pool, HANGS, book.tenant, meter, elsewhere, "household", *other)
        assert taken != meet(one, other), ("places", one, other)
        assert await is_taken(
            book.pool, HANGS, book.tenant, beside, account, "check", *other
        )  # at an account with a main meter
        taken = await is_taken(book.pool, HANGS, book.tenant, await book.meter(), account, "master", *other)
        assert taken != meet(one, other), ("main meters", one, other)


@pytest.mark.parametrize("first", [("05", "10"), ("05", None)])
@pytest.mark.parametrize("second", [("07", "12"), ("01", None)])
@pytest.mark.parametrize("what", ["holder", "place", "main"])
async def test_the_later_of_two_at_once_sees_the_earlier(
    book: Book, what: str, first: tuple[str, str | None], second: tuple[str, str | None]
) -> None:
    account, meter = await book.account(), await book.meter()
    if what == "holder":
        statement = HOLDER
        values = [(account, book.tenant, await book.customer(), *span) for span in (first, second)]
    else:
        statement = HANGS
        other_meter, other = (meter, await book.account()) if what == "place" else (await book.meter(), account)
        values = [
            (book.tenant, meter, account, "household", *first),
            (book.tenant, other_meter, other, "household", *second),
        ]
    async with book.pool.acquire() as earlier:
        begun = earlier.transaction()
        await begun.start()
        await earlier.execute(statement, *values[0])
        later = asyncio.create_task(is_taken(book.pool, statement, *values[1]))
        while not later.done() and not await _waits(book.pool):
            await asyncio.sleep(0)
        await begun.commit()
        assert not await later


async def _waits(pool: Pool) -> bool:
    return bool(
        await pool.fetchval("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0)")
    )


async def test_a_meter_that_comes_to_hang_meanwhile_is_hung_by_nobody_else(book: Book) -> None:
    meter = await book.meter()
    plain = await book.pool.fetchval("SELECT plain_meters($1::bigint[])::text", [meter])
    await book.pool.execute(HANGS, book.tenant, meter, await book.account(), "household", "05", "10")
    with pytest.raises(asyncpg.SerializationError):
        await book.pool.execute("SELECT hang_together($1::text::hanging[])", plain)
