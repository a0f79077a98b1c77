# SPDX-License-Identifier: Apache-2.0
"""A million readings in one file: every row is taken or named, memory stays flat, the second time nothing changes (R14.7)."""

import resource
import time
from pathlib import Path

import pytest

from openmains.app.readings.manual.import_readings import ReadingRequest, import_readings, send_readings
from openmains.app.spreadsheet import error_report
from openmains.domain.ids import TenantId, UserId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.readings.manual import PostgresManualImport
from tests.edges.http.world import Stream
from tests.edges.postgres.fleet.registry_files import make_tenant

METERS, EACH, BAD = 1_000, 1_000, 1_000
NOW_US = 1_790_000_000 * 1_000_000
pytestmark = pytest.mark.usefixtures("takes_minutes")


class CountedStream(Stream):
    """Counts, and applies nothing."""

    count = 0

    async def replay(self, uplinks: object) -> None:
        self.count += len(uplinks)  # type: ignore[arg-type]


async def test_a_million_rows(
    owner: Pool, pipeline: Pool, clickhouse: ClickHouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = TenantId(await make_tenant(owner, "million-readings"))
    await owner.execute(
        "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
        " SELECT $1, 'M' || n, product_id, (SELECT area_id FROM area WHERE tenant_id = $1), '2020-01-01'"
        " FROM product, generate_series(1, $2) n WHERE tenant_id = $1",
        tenant,
        METERS,
    )
    path = tmp_path / "readings.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("表号,抄表时间,读数 (m³),备注\n")
        for k in range(EACH):
            day, hour = divmod(k, 24)
            at = f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} {hour:02d}:00"
            for m in range(1, METERS + 1):
                number = "nobody" if (k * METERS + m) % (METERS * EACH // BAD) == 0 else f"M{m}"
                file.write(f"{number},{at},{k}.{m:03d},\n")
    memory: list[int] = []
    request = ReadingRequest(path, tenant, UserId(1), 1, "Asia/Shanghai", "", NOW_US, True, False)
    stream, registers = CountedStream(), ClickHouseReadings(clickhouse)
    started = time.perf_counter()
    async with PostgresManualImport(pipeline) as store:
        result = await import_readings(
            request,
            store,
            registers,
            {},
            progress=lambda done, total: memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss),
        )
        entered = time.perf_counter() - started
        assert (result.rows, result.taken, result.rejected) == (METERS * EACH, METERS * EACH - BAD, BAD)
        assert {error.reason for error in result.errors} == {"unknown_meter"}
        assert b"".join(error_report(result.errors, result.error_count, "zh")).count(b"\r\n") == BAD + 1
        assert memory[-1] - memory[4] < 64 << 10, memory  # kilobytes
        await owner.execute("UPDATE manual_reading SET sent_us = 0 WHERE tenant_id = $1", tenant)

        async def applied(_seconds: float) -> None:
            await owner.execute(
                "UPDATE manual_reading SET version = 1 WHERE tenant_id = $1 AND sent_us > 0 AND version IS NULL", tenant
            )

        sent = await send_readings(1, store, stream, lambda: NOW_US, pause=applied)
    assert sent == stream.count == METERS * EACH - BAD
    took = time.perf_counter() - started - entered
    async with PostgresManualImport(pipeline) as store:
        again = await import_readings(
            ReadingRequest(path, tenant, UserId(1), 2, "Asia/Shanghai", "", NOW_US, True, False), store, registers, {}
        )
        assert (again.taken, again.unchanged, again.rejected) == (0, METERS * EACH - BAD, BAD)
        assert await store.waiting(2, 10) == []
    with capsys.disabled():
        print(
            f"\n1 M readings: {METERS * EACH / entered:.0f} rows/s into the ledger, {sent / took:.0f}/s into the stream, "
            f"memory {memory[4] >> 10} MiB after 5 chunks, {memory[-1] >> 10} MiB at the end"
        )
