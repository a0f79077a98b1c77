# SPDX-License-Identifier: Apache-2.0
"""Registry files for tests and a tenant of one's own."""

import csv
import io
from collections.abc import Sequence

from openmains.domain.fleet.identifiers import imei_of
from openmains.edges.postgres.db import Pool

HEADER_ZH = ["表号", "IMEI", "IMSI", "ICCID", "产品代码", "区域代码", "户号", "户名", "电话", "地址", "保护用户", "安装位置",
             "口径", "最大流量m3/h", "安装日期"]  # fmt: skip


def row(base: int, i: int, **changed: str) -> list[str]:
    """A good row; ``base`` keeps IMEIs of different tests apart."""
    values = {
        "number": f"{base:04d}{i:08d}", "imei": f"{imei_of(86_0000_0000_0000 + base * 1_000_000 + i):015d}",
        "imsi": "460040000000001", "iccid": "89860440000000000001", "product": "W1", "area": "A1", "code": f"C{i}",
        "name": f"张三{i}", "phone": f"138{i:08d}", "address": f"成都市高新区天府大道{i}号", "protected": "否", "place": "表井",
        "dn": "20", "qmax": "2.5", "installed": "2024-03-01",
    } | changed  # fmt: skip
    return list(values.values())


def csv_of(rows: Sequence[Sequence[str]], encoding: str = "utf-8", header: Sequence[str] = HEADER_ZH) -> bytes:
    """The file's bytes."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode(encoding)


async def make_tenant(owner: Pool, code: str) -> int:
    """A tenant with product W1 and area A1."""
    tenant = await owner.fetchval("INSERT INTO tenant (code, name) VALUES ($1, $1) RETURNING tenant_id", code)
    await owner.execute("INSERT INTO area (tenant_id, code, name) VALUES ($1, 'A1', '一区')", tenant)
    await owner.execute(
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver) "
        "VALUES ($1, 'W1', '水表', 'maker', 'm', 'water', 'openmains/water-1')", tenant,
    )  # fmt: skip
    return int(tenant)
