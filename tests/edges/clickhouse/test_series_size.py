# SPDX-License-Identifier: Apache-2.0
"""What a day of half-hour pressures costs on disk (ADR 0019), and that what is written is what is read."""

from openmains.app.ingest.pipeline.quantities import SERIES_COLUMNS
from openmains.app.ingest.pipeline.rows import columns_of
from openmains.bench.series import FIRST_S, SLOT_S, pressures
from openmains.edges.clickhouse.client import ClickHouse

METERS, DAYS = 100, 20


async def test_half_hour_pressures_cost_less_than_two_and_a_half_bytes_each(clickhouse: ClickHouse) -> None:
    await clickhouse.command("CREATE TABLE series_size AS series")
    try:
        for day, meters in enumerate(pressures(METERS, DAYS, 1)):
            start = FIRST_S + day * 86_400
            rows = [
                (1, meter, 1, start, day + 1, SLOT_S, values, [], (start + 86_460 + meter) * 1_000_000)
                for meter, values in enumerate(meters)
            ]
            await clickhouse.insert("series_size", columns_of(SERIES_COLUMNS, rows))
        await clickhouse.command("OPTIMIZE TABLE series_size FINAL")
        ((size,),) = await clickhouse.query(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'series_size'"
        )
        stored = await clickhouse.query("SELECT values FROM series_size WHERE meter_id = 7 ORDER BY start_s")
    finally:
        await clickhouse.command("DROP TABLE series_size")
    assert [list(row[0]) for row in stored] == [meters[7] for meters in pressures(METERS, DAYS, 1)]
    print(f"{size / (METERS * DAYS * 48):.2f} bytes a value")
    assert size / (METERS * DAYS * 48) <= 2.5
