# SPDX-License-Identifier: Apache-2.0
"""Meters hung together stand in the book as the same meters hung one by one; what the tables refuse comes in neither way (migration 0138)."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from openmains.edges.postgres.db import Connection, Pool
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.hanging import hang_all

SINGLY = "SELECT hang_singly($1::bigint[])"
PLAIN = "SELECT meter_id FROM unnest(plain_meters($1::bigint[]))"
# Every row that hanging makes, by names and not by ids; which is there twice shows.
BOOK = """
SELECT m.number, i.role, i.during, i.opening, i.opening_by, i.entered_by, a.number AS account, a.medium, a.opened_at, a.closed_at, a.revision,
       s.code, s.address, s.area_id - (SELECT min(area_id) FROM area WHERE tenant_id = $1) AS area,
       (SELECT array_agg(ROW(h.during, c.code)::text ORDER BY h.during) FROM account_holder h JOIN customer c USING (customer_id)
         WHERE h.account_id = a.account_id AND h.tenant_id = $1) AS holders,
       (SELECT array_agg(ROW(x.kind, x.at, c.code, o.number, x.made_by)::text ORDER BY x.act_id) FROM account_act x
          LEFT JOIN customer c USING (customer_id) LEFT JOIN meter o ON o.meter_id = substring(x.key FROM 6)::bigint
         WHERE x.account_id = a.account_id AND x.tenant_id = $1) AS acts
  FROM meter m LEFT JOIN installation i ON i.meter_id = m.meter_id AND i.tenant_id = $1
  LEFT JOIN account a ON a.account_id = i.account_id AND a.tenant_id = $1
  LEFT JOIN premises s ON s.premises_id = a.premises_id AND s.tenant_id = $1
 WHERE m.tenant_id = $1 ORDER BY m.number, i.during
"""
COUNTS = """
SELECT (SELECT count(*) FROM premises WHERE tenant_id = $1), (SELECT count(*) FROM account WHERE tenant_id = $1),
       (SELECT count(*) FROM account_act WHERE tenant_id = $1), (SELECT count(*) FROM account_holder WHERE tenant_id = $1),
       (SELECT count(*) FROM customer WHERE tenant_id = $1 AND is_indexed)
"""


async def make_town(owner: Connection, code: str, seed: int) -> int:
    """Two areas, gas and water, customers whose codes run into each other's further numbers."""
    tenant = await make_tenant(owner, code)
    await owner.execute("INSERT INTO area (tenant_id, code, name) VALUES ($1, 'A2', '二区')", tenant)
    await owner.execute(
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver)"
        " VALUES ($1, 'G1', '气表', 'maker', 'g', 'gas', 'openmains/gas-1')", tenant,
    )  # fmt: skip
    drawn = random.Random(seed)  # noqa: S311 - no secret
    codes = ["K1", "K2", "K1-2", "K1-2-2", "K2-3", "M-3", *(f"P{seed}{n}" for n in range(24))]
    await owner.executemany(
        "INSERT INTO customer (tenant_id, code, name, address, is_indexed) VALUES ($1, $2, $2, $3, true)",
        [(tenant, each, drawn.choice(("", "", "橡树路1号", f"梧桐路{n}号"))) for n, each in enumerate(codes)],
    )
    return tenant


async def add_meters(owner: Connection, tenant: int, drawn: random.Random, first: int, count: int) -> list[int]:
    """Meters as several doors bring them; ids in the order in which they came."""
    customers = await owner.fetch("SELECT customer_id FROM customer WHERE tenant_id = $1 ORDER BY customer_id", tenant)
    areas = await owner.fetch("SELECT area_id FROM area WHERE tenant_id = $1 ORDER BY area_id", tenant)
    products = await owner.fetch("SELECT product_id FROM product WHERE tenant_id = $1 ORDER BY product_id", tenant)
    made = []
    for n in range(first, first + count):
        customer = drawn.choice((None, *range(6), *range(6, len(customers)), *range(6, len(customers))))
        address = drawn.choice(
            ("", "橡树路1号", f"梧桐路{drawn.randrange(9)}号", f"桂花路{n}号", f"桂花路{n}号", str(n - 1))
        )
        meter = await owner.fetchval(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, customer_id, address, role, installed_on)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::date) RETURNING meter_id",
            tenant, str(n), drawn.choice(products)[0], drawn.choice(areas)[0],
            None if customer is None else customers[customer][0], address,
            drawn.choice(("household", "household", "household", "check", "additional")), f"2024-0{drawn.randrange(1, 9)}-01",
        )  # fmt: skip
        made.append(meter)
        if drawn.randrange(12) == 0:
            await owner.execute("UPDATE meter SET removed_on = '2025-01-01' WHERE meter_id = $1", meter)
    return made


async def no_longer_waiting(owner: Connection, meters: Sequence[int]) -> None:
    await owner.execute("DELETE FROM meter_to_hang WHERE meter_id = ANY ($1::bigint[])", meters)


@pytest.mark.parametrize("with_triggers", [False, True])
async def test_together_and_one_by_one_make_the_same_book(owner: Pool, with_triggers: bool) -> None:
    ways: Counter[str] = Counter()
    async with owner.acquire() as connection:
        for seed in range(3 if with_triggers else 12):
            books = []
            trial = connection.transaction()
            await trial.start()
            await connection.execute("DELETE FROM meter_to_hang")
            if with_triggers:  # as where the owner may not set it
                await connection.execute("ALTER FUNCTION hang_together(hanging[]) RESET session_replication_role")
            for way in ("singly", "together"):
                tenant = await make_town(connection, f"hang-{way}", seed)
                drawn = random.Random(seed)  # noqa: S311 - no secret
                before: list[int] = []
                for turn in range(3):  # what the first brought is there when the next come
                    meters = await add_meters(connection, tenant, drawn, 100 * turn, 24)
                    again = drawn.sample(before, min(3, len(before)))  # hang already
                    if way == "singly":
                        await no_longer_waiting(connection, meters)
                        await connection.execute(SINGLY, [*again, *meters])
                    else:
                        await connection.execute(
                            "INSERT INTO meter_to_hang SELECT meter_id, $2 FROM unnest($1::bigint[]) AS m (meter_id)",
                            again,
                            tenant,
                        )
                        ways["plain"] += len(await connection.fetch(PLAIN, [*again, *meters]))
                        ways["all"] += len(meters)
                        assert await connection.fetchval("SELECT hang_meters(1000)") == len(meters) + len(again)
                        assert await connection.fetchval("SELECT hang_meters(1000)") == 0
                    before += meters
                await connection.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
                rows = [*await connection.fetch(BOOK, tenant), *await connection.fetch(COUNTS, tenant)]
                books.append([tuple(row) for row in rows])
            await trial.rollback()
            assert books[0] == books[1], f"seed {seed}"
    assert ways["all"] / 8 < ways["plain"] < ways["all"] * 3 / 4, ways  # both ways are tried


async def test_what_the_tables_refuse_does_not_come_in_together(owner: Pool, pipeline: Pool) -> None:
    here, there = await make_tenant(owner, "hang-here"), await make_tenant(owner, "hang-there")
    await owner.execute(
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, kind)"
        " SELECT tenant_id, 'P1', name, maker, model, medium, driver, 'pressure' FROM product WHERE tenant_id = $1", here,
    )  # fmt: skip
    strangers = await owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, 'S', 'S') RETURNING customer_id", there
    )
    add = (
        "INSERT INTO meter (tenant_id, number, product_id, area_id, customer_id, installed_on)"
        " SELECT $1, $2, p.product_id, a.area_id, $3, '2024-01-01' FROM product p JOIN area a USING (tenant_id)"
        " WHERE tenant_id = $1 AND p.code = $4 RETURNING meter_id"
    )
    good = await owner.fetchval(add, here, "1", None, "W1")
    foreign = await owner.fetchval(add, here, "2", strangers, "W1")
    monitor = await owner.fetchval(add, here, "3", None, "P1")
    await no_longer_waiting(owner, [foreign])
    assert [row[0] for row in await owner.fetch(PLAIN, [good, foreign, monitor])] == [good]
    for meter, law in ((foreign, "account_holder_life"), (monitor, "installation_fits")):
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await owner.execute(SINGLY, [meter])
        assert caught.value.constraint_name == law
    for call in (
        "hang_together('{}')",
        "hang_singly('{}')",
        "plain_meters('{}')",
    ):  # nobody but the function that asks first
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pipeline.execute(f"SELECT {call}")
    await hang_all(pipeline)

    # Keys, numbers and exclusions are asked of every row, whatever is given.
    async def forced(**changed: Any) -> None:
        given = {"meter_id": good, "base": "X", "customer_id": None, "makes": True, "premises_id": None}
        one = given | changed
        await owner.execute(
            "SELECT hang_together(ARRAY[ROW($1, $2, (SELECT area_id FROM area WHERE tenant_id = $2), $3, 'x', $4, 'water', 'household',"
            " '2024-01-01', $5, $6, $7, NULL)::hanging])",
            one["meter_id"], here, one["base"], one["customer_id"], one["makes"], good, one["premises_id"],
        )  # fmt: skip

    for changed, error in (
        ({}, asyncpg.SerializationError),  # hangs already
        ({"meter_id": foreign, "base": "M-1"}, asyncpg.UniqueViolationError),
        ({"meter_id": monitor + 1_000_000}, asyncpg.SerializationError),
        ({"customer_id": strangers + 1_000_000}, asyncpg.SerializationError),
        ({"makes": False, "premises_id": 1 << 40}, asyncpg.SerializationError),
    ):
        with pytest.raises(error):
            await forced(**changed)
    assert tuple(await owner.fetchrow(COUNTS, here))[:4] == (1, 1, 1, 0)


async def test_it_reads_no_table_whole_and_writes_without_triggers_only_there(owner: Pool) -> None:
    rows = await owner.fetch(
        "SELECT proname, prosecdef, coalesce(proconfig, '{}') AS settings FROM pg_proc"
        " WHERE proname IN ('plain_meters', 'hang_singly', 'hang_together', 'hang_meters')"
    )
    settings = {row["proname"]: row["settings"] for row in rows}
    assert len(settings) == 4 and all("enable_seqscan=off" in each for each in settings.values())
    assert [name for name, each in settings.items() if "session_replication_role=replica" in each] == ["hang_together"]
    assert [row["proname"] for row in rows if row["prosecdef"]] == ["hang_meters"]
