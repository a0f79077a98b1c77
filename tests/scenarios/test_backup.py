# SPDX-License-Identifier: Apache-2.0
"""A backup while meters report, restored into an empty folder: the moment comes back whole, and everything goes on above it.

200 reports a second in `make test`, 2,000 in `make test-slow`.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from openmains.bench.outcome import wait_known
from openmains.bench.registry import register, remember
from openmains.bench.system import engine_urls
from openmains.domain.period import DAY_S
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run.backup.epoch import VERSIONS
from openmains.run.care.faults import FaultFolder
from tests.support import backups
from tests.support.chaos import Crowd, caught_up, count, flowing
from tests.support.commanded import CommandedMeter, CommandedTown, commanded_town
from tests.support.engines import new_var, remove_var
from tests.support.system import System, Systems, until_async

METERS_A_RATE = 120
SPEAKS, SLEEPS = 0, 1


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Where the system runs, and where it is restored to."""
    both = new_var(), new_var()
    yield both
    for var in both:
        remove_var(var)


async def test_a_backup_under_load_comes_back(systems: Systems, folders: tuple[Path, Path], tmp_path: Path) -> None:
    await comes_back(systems, *folders, tmp_path / "one.backup.age", rate=200.0)


@pytest.mark.usefixtures("takes_minutes")
async def test_a_backup_under_2000_reports_a_second_comes_back(
    systems: Systems, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    await comes_back(systems, *folders, tmp_path / "one.backup.age", rate=2000.0)


async def comes_back(systems: Systems, var: Path, empty: Path, file: Path, *, rate: float) -> None:
    with ExitStack() as running:
        system = running.enter_context(systems(var, meter_rate_per_min=10_000))
        async with commanded_town(system, 2) as made:
            crowd = await a_crowd(system, int(rate * METERS_A_RATE))
            meter, sleeper = made.meter(SPEAKS), made.meter(SLEEPS)
            await meter.wake()
            await top_up(made, meter, "top-up-before")
            queued = made.give(
                SLEEPS, "top_up", "top-up-queued", signed=True, params={"amount": 700, "balance_kind": 0}
            )
            await made.reaches(queued, "queued")
            with crowd.reporting(system, rate):
                await flowing(system, crowd, 400)
            early = Crowd(crowd.registry, crowd.first_day, {}, crowd.meters.copy(), crowd.days.copy())
            with crowd.reporting(system, rate, day=crowd.first_day + 5):
                await flowing(system, crowd, 100)
                said = backups.take(var, file)
                await flowing(system, crowd, 100)
            print("\n" + said, f"load: {crowd.summary}")
            # after the moment: a command is done, another goes out, versions and serial numbers are given
            await top_up(made, meter, "top-up-after")
            await sleeper.wake()
            await speaks_until(made, sleeper, queued, "confirmed")
            before = await caught_up(system, crowd)
            handshakes = meter.handshakes
            running.close()

            assert backups.command(empty, "backup", file, "--verify", "--passphrase-file", "-").returncode == 0
            print(backups.restore(empty, file))
            again = running.enter_context(
                systems(
                    empty,
                    dtls_port=system.dtls,
                    coap_port=system.coap,
                    http_port=system.http,
                    meter_rate_per_min=10_000,
                )
            )
            again.api.headers = system.api.headers
            made.system = again
            await a_meter_goes_on(made, meter, sleeper, queued)
            assert meter.handshakes == handshakes, "the session went on"
            assert meter.reused == sleeper.reused == []
            with crowd.reporting(again, rate, day=crowd.first_day + 9):
                await flowing(again, crowd, 200)
            after = await caught_up(again, crowd)
            assert FaultFolder(empty).all() == [], "a restore is no damage"
            deep = await asyncio.to_thread(backups.command, empty, "doctor", "--deep")
            assert "newer than the database" not in deep.stdout, deep.stdout
            assert "older than the database" not in deep.stdout, deep.stdout
            running.close()
    assert min(after.values()) > VERSIONS > max(before.values())
    compare(engine_urls(var), engine_urls(empty), early)


async def a_crowd(system: System, count: int) -> Crowd:
    """Meters of another tenant, that only report."""
    owner = engine_urls(system.var)["postgres_owner"]
    await create_tenant_admin(owner, tenant_code="crowd", tenant_name="crowd", zone="Asia/Shanghai", must_change=False)
    registry = await register(owner, count, code="crowd")
    first_day = int(time.time()) // DAY_S - 12
    await remember(owner, registry, first_day)
    await wait_known(system.coap, registry)
    return Crowd(registry, first_day)


async def top_up(town: CommandedTown, meter: CommandedMeter, key: str) -> int:
    """Given and carried out; its id."""
    command_id = town.give(SPEAKS, "top_up", key, signed=True, params={"amount": 500, "balance_kind": 0})
    await speaks_until(town, meter, command_id, "confirmed")
    return command_id


async def speaks_until(town: CommandedTown, meter: CommandedMeter, command_id: int, *states: str) -> None:
    async def reached() -> bool:
        await meter.speak()
        return town.state(command_id) in states

    await until_async(reached)


async def a_meter_goes_on(town: CommandedTown, meter: CommandedMeter, sleeper: CommandedMeter, queued: int) -> None:
    """It reports under its session; what was in doubt was not sent again; its next command is carried out once."""
    credit, used, asleep = meter.credit, meter.serials(), sleeper.credit
    found = town.command(queued)
    assert (found["state"], found["reason"]) == ("failed", "restored")
    assert await meter.speak() == 0x44
    assert await sleeper.connect(), "its session is younger than the backup: a handshake, and it is in again"
    assert await sleeper.speak() == 0x44
    next_id = await top_up(town, meter, "top-up-restored")
    assert meter.credit == credit + 500 * 100_000
    assert min(set(meter.serials()) - set(used)) > max(used)
    assert town.command(next_id)["serial"] > max(used)
    assert sleeper.credit == asleep
    trail = town.system.get("/audit", object_type="platform")["items"]
    assert len(trail) == 1


def compare(before: dict[str, str], after: dict[str, str], early: Crowd) -> None:
    """Each message of the moment is one of the former system's, exactly; what was acknowledged before the backup is all there."""
    theirs, ours = backups.hashes(before, 1 << 62), backups.hashes(after, VERSIONS)
    for table, rows in ours.items():
        assert len(np.setdiff1d(rows, theirs[table])) == 0, table
        assert len(np.unique(rows)) == len(rows), table
    found = count(after, early, {})
    print(found, {table: (len(theirs[table]), len(ours[table])) for table in ours})
    assert found.acknowledged > 100
    assert (found.lost, found.days_twice, found.totals_differ) == (0, 0, 0)


async def test_a_folder_that_is_not_empty_and_a_file_that_is_not_whole_change_nothing(
    systems: Systems, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    var, empty = folders
    file = tmp_path / "one.backup.age"
    with systems(var):
        backups.take(var, file)
        twice = backups.command(var, "backup", file, "--passphrase-file", "-")
        assert (twice.returncode, "is there already" in twice.stderr) == (1, True)
        weak = backups.command(var, "backup", tmp_path / "weak", "--passphrase-file", "-", stdin="short\n")
        assert (weak.returncode, "12 characters" in weak.stderr) == (1, True)
        full = backups.command(var, "restore", file, "--passphrase-file", "-")
        assert (full.returncode, "not an empty folder" in full.stderr) == (1, True)
        folder = backups.command(var, "backup", tmp_path, "--passphrase-file", "-")
        assert folder.returncode == 0, folder.stderr
        assert "2 backups" in folder.stdout
        assert not (var / "clickhouse" / "shadow").exists() or not any(
            path.is_dir() for path in (var / "clickhouse" / "shadow").iterdir()
        )
        assert not list((var / "run").glob("backup-*"))
    whole = file.read_bytes()
    spoilt = tmp_path / "spoilt"
    cases = {
        "cut": whole[: len(whole) // 2],
        "cut at the end": whole[:-20],
        "changed": whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :],
        "nothing": b"",
        "something else": b"PK\x03\x04" + bytes(500),
    }
    for name, data in cases.items():
        spoilt.write_bytes(data)
        for words in (("restore", spoilt), ("backup", spoilt, "--verify")):
            done = backups.command(empty, *words, "--passphrase-file", "-")
            assert (done.returncode, done.stderr.count("\n")) == (1, 1), (name, done.stderr)
            assert "the backup cannot be used" in done.stderr, name
        assert list(empty.iterdir()) == [], name
    wrong = backups.command(empty, "restore", file, "--passphrase-file", "-", stdin="another passphrase of words\n")
    assert (wrong.returncode, "none that was given opens it" in wrong.stderr) == (1, True)
    shards = backups.command(empty, "restore", file, "--passphrase-file", "-", shards=3)
    assert (shards.returncode, "set shards = 2" in shards.stderr) == (1, True)
    assert list(empty.iterdir()) == []


@pytest.mark.usefixtures("starts_engines")
async def test_a_killed_restore_is_no_system(folders: tuple[Path, Path]) -> None:
    _, empty = folders
    (empty / "RESTORING").touch()
    done = backups.command(empty, "serve")
    assert (done.returncode, "cut short" in done.stderr) == (1, True)
