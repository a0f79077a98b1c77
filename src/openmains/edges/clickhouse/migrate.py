# SPDX-License-Identifier: Apache-2.0
"""Schema of ClickHouse: numbered files, each statement idempotent (ClickHouse has no transactional DDL)."""

import asyncio
import hashlib
from importlib.resources import files

from openmains.edges.clickhouse.client import ClickHouse

HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name String, checksum String, applied_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree(applied_at) ORDER BY name SETTINGS fsync_after_insert = 1
"""


class MigrationError(Exception):
    """A migration file changed after it was applied."""


async def migrate(clickhouse: ClickHouse) -> list[str]:
    """``migrate_now`` in a thread of its own."""
    return await asyncio.to_thread(migrate_now, clickhouse)


def migrate_now(clickhouse: ClickHouse) -> list[str]:
    """Apply what is missing; returns the names applied. Safe to run again after a crash in the middle."""
    clickhouse.command_now(HISTORY)
    done = dict(clickhouse.query_now("SELECT name, checksum FROM schema_migration FINAL"))
    applied = []
    folder = files("openmains.edges.clickhouse") / "migrations"
    for page in sorted(folder.iterdir(), key=lambda item: item.name):
        if not page.name.endswith(".sql"):
            continue
        text = page.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        known = done.get(page.name)
        if known == checksum:
            continue
        if known is not None:
            raise MigrationError(f"{page.name} was changed after it had been applied; add a new file instead")
        for statement in text.split("\n--;\n"):
            clickhouse.command_now(statement)
        clickhouse.insert_now("schema_migration", {"name": [page.name], "checksum": [checksum]})
        applied.append(page.name)
    return applied
