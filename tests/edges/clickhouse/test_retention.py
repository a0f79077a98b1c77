# SPDX-License-Identifier: Apache-2.0
"""The communication log and earlier versions of days are kept as long as the settings say, and no longer."""

import subprocess
import sys
from pathlib import Path

import pytest

# A process may own one data directory, and the one of the other tests must keep its frames: a process of its own.
PROGRAM = """
import asyncio, sys
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.retention import keep_frames, keep_versions
from openmains.edges.clickhouse.migrate import migrate

async def main():
    engine = ClickHouse(f"chdb://{sys.argv[1]}")
    await migrate(engine)
    print(await keep_frames(engine, 365), await keep_frames(engine, 365))
    for age in (1, 29, 31):
        await engine.command(
            "INSERT INTO frame (tenant_id, meter_id, received_us, version)"
            f" SELECT 1, {age}, toUnixTimestamp(now() - INTERVAL {age} DAY) * 1000000, 1"
        )
    for days in (3650, 30):
        print(await keep_frames(engine, days))
        print((await engine.query("SHOW CREATE TABLE frame"))[0][0].replace("\\n", " "))
        await engine.command("OPTIMIZE TABLE frame FINAL")
        print([row[0] for row in await engine.query("SELECT meter_id FROM frame FINAL ORDER BY meter_id")])
    print(await keep_versions(engine, 1096), await keep_versions(engine, 1096))
    for age in (1, 29, 31):
        await engine.command(
            "INSERT INTO day_version (tenant_id, meter_id, day, version, superseded_s)"
            f" SELECT 1, 7, '2020-01-01', {age}, toUnixTimestamp(now() - INTERVAL {age} DAY)"
        )
    for days in (3650, 30):
        print(await keep_versions(engine, days))
        await engine.command("OPTIMIZE TABLE day_version FINAL")
        print([row[0] for row in await engine.query("SELECT version FROM day_version FINAL ORDER BY version")])
    engine.close()

asyncio.run(main())
"""


@pytest.mark.usefixtures("takes_seconds")
def test_the_table_follows_the_setting(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "clickhouse")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, long, long_table, long_rows, short, short_table, short_rows, *versions = done.stdout.splitlines()
    assert (first, long, short) == ("True False", "True", "True")
    assert "TTL at + toIntervalDay(3650) " in long_table and "TTL at + toIntervalDay(30) " in short_table
    assert (long_rows, short_rows) == ("[1, 29, 31]", "[1, 29]")
    assert versions == ["False False", "True", "[1, 29, 31]", "True", "[1, 29]"]
