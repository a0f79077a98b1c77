# SPDX-License-Identifier: Apache-2.0
"""Data of ``openmains bench query``: a registry made in SQL with its indexes built afterwards, and meter-days made in ClickHouse.

Numbers, names and addresses have the spread of a city's; volumes are mostly zero at night and small by day.
"""

import asyncio
import multiprocessing
import struct
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date

import numpy as np

from openmains.app.fleet.search import grams_of
from openmains.domain.ids import TenantId
from openmains.domain.period import day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import Connection, connect

LAST_DAY = date(2026, 6, 30)  # the newest day of all meters
LONG_DAYS = 31  # some meters have a whole month
_FULL_SHARE = (4, 5)  # of the meter-days, for days that all meters have
_SLICE = 100_000
FAN_OUT = 12  # areas directly below one: 200,000 are five levels

Say = Callable[[str], None]

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志文海燕鹏辉婷雪琳佳宁晨"
_STREETS = "天府人民解放中山建设和平胜利新华长江黄河科技滨江锦绣东风文化"
_PICK = "substr('{0}', 1 + (hashint8extended(i, {1}) & 2147483647)::int % {2}, 1)"


def _pick(signs: str, seed: int) -> str:
    return _PICK.format(signs, seed, len(signs))


_CUSTOMERS = f"""
INSERT INTO customer (customer_id, tenant_id, code, name, address) OVERRIDING SYSTEM VALUE
SELECT i, $1, 'C' || i, {_pick(_SURNAMES, 1)} || {_pick(_GIVEN, 2)} || {_pick(_GIVEN, 3)},
       '成都市' || (ARRAY['高新区','锦江区','青羊区','金牛区','武侯区','成华区','龙泉驿区','双流区'])[1 + i % 8]
       || {_pick(_STREETS, 6)} || {_pick(_STREETS, 7)} || '路' || (1 + (hashint8extended(i, 8) & 2147483647) % 800) || '号'
       || (1 + i % 40) || '栋' || (1 + i % 4) || '单元' || (1 + i % 33) * 100 + i % 4 || '室'
  FROM generate_series($2::bigint, $3::bigint) i
"""  # noqa: S608 - constants above
_METERS = """
INSERT INTO meter (meter_id, tenant_id, number, bar_code, imei, product_id, area_id, customer_id, address, installed_on, expected_from)
OVERRIDING SYSTEM VALUE
SELECT c.customer_id, $1, lpad((210000000000 + c.customer_id * 7)::text, 12, '0'), 'B' || c.customer_id,
       860000000000000 + c.customer_id * 13, $4 + c.customer_id % 4, $5 + c.customer_id % $6, c.customer_id, c.address,
       '2022-01-01'::date + (c.customer_id % 900)::int, '2022-01-01'
  FROM customer c WHERE c.customer_id BETWEEN $2 AND $3
"""
_TEXTS = r"""
SELECT m.meter_id, E'\n' || m.number || E'\n' || lower(m.bar_code) || E'\n' || m.imei || E'\n' || c.name
       || E'\n' || m.address || E'\n'
  FROM meter m JOIN customer c USING (customer_id) WHERE m.meter_id BETWEEN $1 AND $2 ORDER BY m.meter_id
"""


async def build_registry(owner_dsn: str, meters: int, areas: int, say: Say) -> TenantId:
    """Tenant 'bench' with ``meters`` meters (ids 1 … meters) in a tree of ``areas`` areas, in a database of its own; returns its id."""
    connection = await connect(owner_dsn, application="openmains-bench")
    try:
        await connection.execute(
            "SET maintenance_work_mem = '2GB'; SET synchronous_commit = off; SET work_mem = '256MB'"
        )
        await connection.execute("SET max_parallel_maintenance_workers = 2")
        tenant_id = TenantId(
            await connection.fetchval(
                "INSERT INTO tenant (code, name) VALUES ('bench', 'bench') RETURNING 1 * tenant_id"
            )
        )
        area = await connection.fetchval(
            "WITH base AS (SELECT coalesce(max(area_id), 0) + 1 AS least FROM area), "
            "a AS (INSERT INTO area (area_id, tenant_id, code, name, parent_id) OVERRIDING SYSTEM VALUE "
            "SELECT least + i, $1, 'A' || lpad(i::text, 6, '0'), '片区' || i, CASE WHEN i > 0 THEN least + (i - 1) / $3::int END "
            "FROM base, generate_series(0, $2::int - 1) i ORDER BY i RETURNING area_id) SELECT min(area_id) FROM a",
            tenant_id, areas, FAN_OUT,
        )  # fmt: skip
        product = await connection.fetchval(
            "WITH p AS (INSERT INTO product (tenant_id, code, name, maker, model, medium, driver) "
            "SELECT $1, 'P' || i, '产品' || i, 'maker ' || i / 2, 'model ' || i, 'water', 'openmains/water-1' "
            "FROM generate_series(0, 3) i RETURNING product_id) SELECT min(product_id) FROM p", tenant_id,
        )  # fmt: skip
        later = await _strip(connection)
        for first in range(1, meters + 1, 1_000_000):
            last = min(first + 999_999, meters)
            await connection.execute(_CUSTOMERS, tenant_id, first, last, timeout=None)
            say(f"customers {last}/{meters}")
        await connection.execute("ALTER TABLE customer ADD PRIMARY KEY (customer_id)", timeout=None)
        for first in range(1, meters + 1, 1_000_000):
            last = min(first + 999_999, meters)
            await connection.execute(_METERS, tenant_id, first, last, product, area, areas, timeout=None)
            say(f"meters {last}/{meters}")
        await connection.execute("ALTER TABLE meter ADD PRIMARY KEY (meter_id)", timeout=None)
        await connection.execute(
            "INSERT INTO meter_state (meter_id, tenant_id) SELECT meter_id, tenant_id FROM meter", timeout=None
        )
        await _fill_search(owner_dsn, tenant_id, meters, say)
        for statement in later:
            say(statement.split(" USING ")[0][:100])
            await connection.execute(statement, timeout=None)
        await connection.execute(
            "VACUUM (ANALYZE) area, area_tally, meter, customer, meter_search, meter_state", timeout=None
        )
        return tenant_id
    finally:
        await connection.close()


async def _strip(connection: Connection) -> list[str]:
    """Drop constraints and indexes of the big tables; returns the statements that make them again (but for foreign keys)."""
    tables = ["meter", "customer", "meter_search", "meter_state"]
    names = "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid) FROM pg_constraint"
    again: list[str] = []
    for kind in ("f", "u", "p"):
        for row in await connection.fetch(
            f"{names} WHERE conrelid = ANY ($1::text[]::regclass[]) AND contype = $2::\"char\"", tables, kind.encode()
        ):  # fmt: skip
            await connection.execute(f"ALTER TABLE {row[0]} DROP CONSTRAINT {row[1]} CASCADE")
            if kind == "u" or (kind == "p" and row[0] in ("meter_search", "meter_state")):
                again.append(f"ALTER TABLE {row[0]} ADD CONSTRAINT {row[1]} {row[3]}")
    for row in await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY ($1::text[])", tables
    ):
        await connection.execute(f"DROP INDEX {row[0]}")
        again.append(row[1])
    return again


async def _fill_search(owner_dsn: str, tenant_id: int, meters: int, say: Say) -> None:
    context = multiprocessing.get_context("spawn")
    loop = asyncio.get_running_loop()
    done = 0
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        slices = [(first, min(first + _SLICE - 1, meters)) for first in range(1, meters + 1, _SLICE)]
        tasks = [loop.run_in_executor(pool, fill_search_slice, owner_dsn, tenant_id, *ends) for ends in slices]
        for task in asyncio.as_completed(tasks):
            done += await task
            if done % 1_000_000 < _SLICE:
                say(f"search texts {done}/{meters}")


def fill_search_slice(owner_dsn: str, tenant_id: int, first: int, last: int) -> int:
    """Texts and grams of a range of meters, in a process of its own."""
    return asyncio.run(_fill_slice(owner_dsn, tenant_id, first, last))


async def _fill_slice(owner_dsn: str, tenant_id: int, first: int, last: int) -> int:
    import io

    connection = await connect(owner_dsn, application="openmains-bench")
    try:
        rows = await connection.fetch(_TEXTS, first, last)
        texts = [row[1] for row in rows]
        grams, starts = grams_of(texts)
        elements = np.empty((len(grams), 2), dtype=">i4")
        elements[:, 0] = 4
        elements[:, 1] = grams
        data, bounds = elements.tobytes(), starts.tolist()
        out = [b"PGCOPY\n\xff\r\n\x00" + bytes(8)]
        head, array = struct.Struct(">hiqiii").pack, struct.Struct(">iiiiii").pack
        for place, (meter_id, text) in enumerate(rows):
            encoded = text.encode()
            count = bounds[place + 1] - bounds[place]
            out.append(
                head(4, 8, meter_id, 4, tenant_id, len(encoded)) + encoded + array(20 + 8 * count, 1, 0, 23, count, 1)
            )
            out.append(data[8 * bounds[place] : 8 * bounds[place + 1]])
        out.append(struct.pack(">h", -1))
        await connection.execute("SET synchronous_commit = off")
        await connection.copy_to_table(
            "meter_search", source=io.BytesIO(b"".join(out)), columns=["meter_id", "tenant_id", "text", "grams"],
            format="binary", timeout=None,
        )  # fmt: skip
        return len(rows)
    finally:
        await connection.close()


_DAYS = """
INSERT INTO meter_day SELECT {tenant:UInt32}, number + {first:UInt64} AS m, {day:Date}, {area:UInt32} + m % {areas:UInt32},
  {product:UInt32} + m % 4, 1000000 + m * 37 % 9000000, 1800,
  arrayMap(k -> toInt32(if(rand(k) % 16 < if(k < 12, 1, 5), 1 + (rand64(k) % 7) * (rand64(k + 50) % 7), 0)),
           materialize(range(48))) AS inc,
  arrayWithConstant(48, toUInt8(0)), arraySum(inc), 0, 48, 48,
  toUInt32(toDateTime({day:Date}, 'Asia/Shanghai')) + 86400 + m % 21600, toUInt64(toUInt16({day:Date}))
FROM numbers({count:UInt64}) WHERE m % 1000 != 7 SETTINGS max_insert_threads = 2
"""


def shape(meters: int, meter_days: int) -> tuple[int, int]:
    """(days that all meters have, meters that have LONG_DAYS further days)."""
    full = max(1, meter_days * _FULL_SHARE[0] // _FULL_SHARE[1] // meters)
    return full, min(meters, max(0, meter_days - full * meters) // LONG_DAYS)


async def build_days(
    clickhouse: ClickHouse, tenant_id: int, area: int, areas: int, product: int, meters: int, meter_days: int, say: Say
) -> None:
    """Meter-days up to LAST_DAY; one meter in a thousand has none (the report's missing list)."""
    full, long = shape(meters, meter_days)
    last = (LAST_DAY - date(1970, 1, 1)).days
    plan = [(last - back, meters) for back in range(full)] + [
        (last - full - back, long) for back in range(LONG_DAYS) if long
    ]
    for day, count in plan:
        for first in range(0, count, 1_000_000):
            await clickhouse.command(
                _DAYS,
                {"tenant": tenant_id, "first": first + 1, "day": day_to_date(day), "area": area, "areas": areas,
                 "product": product, "count": min(1_000_000, count - first)},
            )  # fmt: skip
        say(f"meter-days of {day_to_date(day)}: {count}")
