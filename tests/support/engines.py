# SPDX-License-Identifier: Apache-2.0
"""Real engines for tests: PostgreSQL and JetStream in a folder of their own, ended with the test process at the latest.

``fsync`` is off: tests kill processes, which loses nothing, and never the machine.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from openmains.edges.postgres.migrate import migrate
from openmains.run.engines.engines import EngineOptions, Engines, EngineUrls


def new_var() -> Path:
    """An empty var that the database's account can enter (pytest's own tmp_path is 0700)."""
    var = Path(tempfile.mkdtemp(prefix="om-"))
    var.chmod(0o711)
    return var


def remove_var(var: Path) -> None:
    """Remove it, and what stands for it elsewhere."""
    link = var / "postgres"
    if link.is_symlink():
        shutil.rmtree(link.readlink().parent, ignore_errors=True)
    shutil.rmtree(var, ignore_errors=True)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A var on a file system of its own; mounting one takes root."""
    if os.geteuid() != 0:
        pytest.skip("a file system of its own takes root (mount)")
    place = new_var()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        remove_var(place)
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        remove_var(place)


@asynccontextmanager
async def running_engines(options: EngineOptions | None = None) -> AsyncIterator[Engines]:
    """Fresh engines without any schema."""
    var = new_var()
    engines = Engines(var, options or EngineOptions(durable=False))
    try:
        await engines.start()
        yield engines
    finally:
        await engines.stop()
        remove_var(var)


async def migrate_postgres(urls: EngineUrls) -> None:
    """Bring PostgreSQL to the present schema."""
    await migrate(urls.postgres_owner)
