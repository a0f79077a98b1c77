# SPDX-License-Identifier: Apache-2.0
"""``openmains migrate``: bring PostgreSQL to the present schema. ClickHouse is brought up by the core, its owner."""

import argparse
import asyncio
import os

from openmains.edges.postgres.migrate import MigrationError, migrate
from openmains.run import messages, preflight
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import Engines
from openmains.run.settings import Loaded


async def migrate_postgres(dsn_owner: str) -> list[str]:
    """Names of the migrations applied now; raises StartError when the schema does not fit this program."""
    try:
        return await migrate(dsn_owner)
    except MigrationError as error:
        raise StartError(f"数据库结构升级失败:{error}", f"the schema cannot be brought up: {error}") from error


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Migrate; with embedded engines they are started for it, so no other instance may run on this ``var``."""
    del args
    done = asyncio.run(_main(loaded))
    for name in done:
        messages.show(f"已应用 {name}", f"applied {name}")
    if not done:
        messages.show("数据库结构已是最新。", "the schema is up to date.")
    return 0


async def _main(loaded: Loaded) -> list[str]:
    settings = loaded.settings
    lock = preflight.open_var(settings)
    engines = Engines(settings.var_path, settings.engine_options)
    try:
        urls = await engines.start()
        return await migrate_postgres(urls.postgres_owner)
    finally:
        await engines.stop()
        os.close(lock)
