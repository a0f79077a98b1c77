# SPDX-License-Identifier: Apache-2.0
"""Real engines for tests: PostgreSQL and JetStream in a folder of their own, ended with the test process at the latest.

``fsync`` is off: tests kill processes, which loses nothing, and never the machine.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
