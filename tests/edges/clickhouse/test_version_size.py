# SPDX-License-Identifier: Apache-2.0
"""What the versions of a dense meter's open day cost on disk: each half-hour report takes the place of the one before (ADR 0014)."""

from openmains.edges.clickhouse.client import ClickHouse

METERS = 2_000
FILL = """
INSERT INTO day_version_size
SELECT 1, number % 2000 AS meter, toDate('2026-05-01'), intDiv(number, 2000) + 1 AS v, meter * 1000, 1800,
       arrayMap(k -> if(k < v, toInt32(cityHash64(meter, k) % 20), 0), range(48)) AS increments,
       arrayMap(k -> toUInt8(k >= v), range(48)), arraySum(increments), 0, 1777600000 + v * 1800 + meter % 600,
       1777601800 + v * 1800 + meter % 600
  FROM numbers(96000)
"""


async def test_a_version_of_a_dense_day_costs_few_bytes(clickhouse: ClickHouse) -> None:
    await clickhouse.command("CREATE TABLE day_version_size AS day_version")
    try:
        await clickhouse.command(FILL)
        await clickhouse.command("OPTIMIZE TABLE day_version_size FINAL")
        ((rows, size),) = await clickhouse.query(
            "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'day_version_size'"
        )
    finally:
        await clickhouse.command("DROP TABLE day_version_size")
    print(f"{rows} versions, {size / rows:.1f} bytes each")
    assert rows == METERS * 48
    assert size / rows < 64
