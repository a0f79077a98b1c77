# SPDX-License-Identifier: Apache-2.0
"""What is exported and imported again unchanged changes nothing: both languages, CSV and XLSX, on the real engine."""

import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from openmains.app.fleet.export import COLUMNS, write_csv, write_xlsx
from openmains.app.fleet.imports.import_meters import ImportResult, import_meters
from openmains.app.fleet.model import MeterFilter, RegisteredMeter
from openmains.app.fleet.wording import Wording
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import TenantId
from openmains.domain.period import zone
from openmains.edges.postgres.db import API_ROLE, Pool, create_pool, tenant_transaction
from openmains.edges.postgres.fleet.imports import PostgresImport
from openmains.edges.postgres.fleet.meters import Meters
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.personal import personal_vault

TODAY = date(2026, 6, 1)
SHANGHAI = zone("Asia/Shanghai")
WORDING = Wording()
NASTY = ["=1+1", "+86", "-", "@x", "'=1", "'Tower", "''", ";=1+1", 'a"b', '"', "x;y", "张三；李四", "a, b", "张三\u3000丰", "欧阳修",
         "O'Brien", "1E5", "é", "N/A", "0012", "x;'-1", "㐀镕", "#1", "1/2", "TRUE", "2024-01-02", "0.10"]  # fmt: skip


async def generate(owner: Pool, tenant: int, seed: int) -> None:
    """A registry as the API could have made it: empty fields, customers who live elsewhere, signs that files mistake."""
    dice = random.Random(seed)  # noqa: S311
    some = ["", *NASTY]
    areas = [
        await owner.fetchval("INSERT INTO area (tenant_id, code, name) VALUES ($1, $2, $3) RETURNING area_id",
                             tenant, code, dice.choice(NASTY))
        for code in ("A2", "=A3", "-4")
    ]  # fmt: skip
    product = await owner.fetchval("SELECT product_id FROM product WHERE tenant_id = $1", tenant)
    customers = [
        await owner.fetchval(
            "INSERT INTO customer (tenant_id, code, name, phone, address, is_protected, is_critical) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING customer_id",
            tenant, f"{dice.choice(['', '=', '+', '-', '@', chr(39), chr(39) + '=', '00', ';='])}C{place}",
            dice.choice(NASTY), "+86 138****11", dice.choice(some), dice.random() < 0.3, dice.random() < 0.3,
        )
        for place in range(12)
    ]  # fmt: skip
    for place in range(40):
        number = f"{seed:04d}{place:06d}"
        meter = await owner.fetchval(
            "INSERT INTO meter (tenant_id, number, bar_code, imei, imsi, iccid, product_id, area_id, customer_id, address, "
            "place, dn, qmax_l_h, installed_on) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) RETURNING meter_id",
            tenant, number, dice.choice(["", f"000{place}", f"{place}", f"={place}", f"'-{place}"]),
            dice.choice([None, imei_of(86_7000_0000_0000 + seed * 1_000 + place)]), dice.choice(["", "460040000000001"]),
            dice.choice(["", "8986044000000000000A"]), product, dice.choice(areas), dice.choice([None, *customers]),
            dice.choice(some), dice.choice(["room", "shaft", "well", "cellar", "pit", "box", "outdoor"]),
            dice.choice([0, 15, 5000]), dice.choice([0, 1, 2500, 3125, 100_000_000]),
            date(1970, 1, 1) + timedelta(days=dice.randrange(20_000)),
        )  # fmt: skip
        await owner.execute("INSERT INTO meter_state (meter_id, tenant_id) VALUES ($1, $2)", meter, tenant)


async def content(owner: Pool, tenant: int) -> list[Any]:
    return [
        await owner.fetch(f"SELECT * FROM {table} WHERE tenant_id = $1 ORDER BY 1, 2", tenant)  # noqa: S608
        for table in ("meter", "customer", "area", "product", "identity_change")
    ]


async def exported(engines: Engines, tenant: int, path: Path, language: str, columns: list[str]) -> None:
    api = await create_pool(engines.urls.postgres_owner, role=API_ROLE)
    try:
        async with tenant_transaction(api, tenant) as connection:
            meters = await Meters(connection, TenantId(tenant), WORDING).registered(MeterFilter(limit=1000))
    finally:
        await api.close()

    async def pages() -> AsyncIterator[list[RegisteredMeter]]:
        yield meters

    write = write_csv if path.suffix == ".csv" else write_xlsx
    await write(path, pages(), columns, SHANGHAI, language)


async def brought(pipeline: Pool, tenant: int, path: Path) -> ImportResult:
    async with PostgresImport(pipeline, personal_vault(pipeline)) as store:
        return await import_meters(path, TenantId(tenant), store, today=TODAY, create_areas=True)


@pytest.mark.parametrize("seed", range(4))
async def test_own_export_imported_unchanged_changes_nothing(
    engines: Engines, owner: Pool, pipeline: Pool, tmp_path: Path, seed: int
) -> None:
    tenant = await make_tenant(owner, f"own-export-{seed}")
    await generate(owner, tenant, 4000 + seed)
    before = await content(owner, tenant)
    for language in ("zh", "en"):
        for kind in ("csv", "xlsx"):
            path = tmp_path / f"{language}.{kind}"
            await exported(engines, tenant, path, language, list(COLUMNS))
            result = await brought(pipeline, tenant, path)
            assert [(e.row, e.column, e.value, e.reason) for e in result.errors] == []
            assert (result.applied, result.rows, result.unchanged, result.areas_created) == (True, 40, 40, 0)
            assert await content(owner, tenant) == before
            assert len(result.ignored) == 7  # said, not swallowed: what only shows


async def test_a_column_left_out_leaves_what_is_stored(
    engines: Engines, owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "own-export-columns")
    await generate(owner, tenant, 4100)
    before = await content(owner, tenant)
    kept = ["number", "product", "area_code", "installed"]
    for more in [
        name for name in COLUMNS if name not in (*kept, "customer", "customer_address", "is_protected", "is_critical")
    ]:
        path = tmp_path / "some.csv"
        await exported(engines, tenant, path, "zh", [*kept, more])
        assert (await brought(pipeline, tenant, path)).unchanged == 40
        assert await content(owner, tenant) == before


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("number,product code,area code,customer,installed on", "customer code.*customer name"),
        ("表号,产品代码,区域代码,用户,安装日期", "户号.*户名"),
        ("表号,介质,产品,区域,用户,安装日期", "户号.*户名"),
        ("表号,产品代码,区域名称,安装日期", "区域代码"),
    ],
)
async def test_a_heading_of_two_meanings_is_refused_by_its_name(
    owner: Pool, pipeline: Pool, tmp_path: Path, head: str, said: str
) -> None:
    tenant = await make_tenant(owner, f"own-export-head-{abs(hash(head))}")
    path = tmp_path / "old.csv"
    path.write_text(f"{head}\n1,W1,A1,张三,2024-01-01\n", "utf-8")
    with pytest.raises(HeaderError, match=said):
        await brought(pipeline, tenant, path)
