# SPDX-License-Identifier: Apache-2.0
"""The embedded engine is as large as its setting says, and small parts are merged without rewriting the large ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openmains.edges.clickhouse.embedded import SIZES, options

# A process may own one data directory: each of these needs a process of its own.
PROGRAM = """
import json, sys, time
from pathlib import Path
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.migrate import migrate_now

engine = ClickHouse(f"chdb://{sys.argv[1]}", size=sys.argv[2])
migrate_now(engine)
for number in range(int(sys.argv[3])):
    row = {"tenant_id": [1], "meter_id": [number], "received_us": [time.time_ns() // 1000], "version": [number]}
    engine.insert_now("frame", row | dict.fromkeys(("direction", "channel", "path", "outcome", "payload"), ["x"]))
parts = "SELECT max(level), max(max_block_number) FROM system.parts WHERE table = 'frame' AND active"
until = time.monotonic() + 60
while int(sys.argv[3]) and engine.query_now(parts)[0][0] < 2 and time.monotonic() < until:
    time.sleep(0.2)
say = lambda sql: dict(engine.query_now(sql))
print(json.dumps({
    "server": say("SELECT name, value FROM system.server_settings"),
    "merge_tree": say("SELECT name, value FROM system.merge_tree_settings WHERE changed"),
    "read": say("SELECT name, value FROM system.settings WHERE name = 'local_filesystem_read_method'"),
    "level": engine.query_now(parts)[0][0],
    "rows": engine.query_now("SELECT toInt64(count()) FROM frame FINAL")[0][0],
}))
engine.close()
"""


def engine(folder: Path, size: str, inserts: int = 0) -> dict[str, dict[str, str]]:
    """What an engine of its own says of itself after so many inserts of one row."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / size), size, str(inserts)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.usefixtures("starts_engines")
def test_the_small_one_is_small(tmp_path: Path) -> None:
    found = engine(tmp_path, "small", inserts=25)
    pools = ("threadpool_local_fs_reader_pool_size", "load_marks_threadpool_pool_size", "prefetch_threadpool_pool_size")
    assert all(int(found["server"][name]) <= 4 for name in pools)
    assert int(found["server"]["mark_cache_size"]) <= 64 << 20
    assert found["read"] == {"local_filesystem_read_method": "pread"}
    assert found["merge_tree"]["merge_selector_algorithm"] == "Trivial"
    # Ten parts are merged into one of the next level; the default selector had made twenty levels of twenty-five inserts.
    assert found["level"] == 2 and found["rows"] == 25


@pytest.mark.usefixtures("starts_engines")
def test_the_large_one_keeps_the_caches_of_the_engine(tmp_path: Path) -> None:
    found = engine(tmp_path, "large")
    assert int(found["server"]["mark_cache_size"]) >= 1 << 30
    assert found["server"]["load_marks_threadpool_pool_size"] == "16"


def test_every_size_of_the_setting_has_its_page() -> None:
    assert all(Path(options(size)["config-file"]).is_file() for size in SIZES)
    with pytest.raises(ValueError, match="medium"):
        options("medium")
