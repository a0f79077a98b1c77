# SPDX-License-Identifier: Apache-2.0
"""Schema of ClickHouse: numbered files, each statement idempotent (ClickHouse has no transactional DDL)."""

import asyncio
import hashlib
import re
from importlib.resources import files
from typing import NamedTuple

from openmains.edges.clickhouse.client import ClickHouse

HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name String, checksum String, applied_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree(applied_at) ORDER BY name SETTINGS fsync_after_insert = 1
"""


_TABLE = re.compile(r"CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)")


class Migrated(NamedTuple):
    """``names`` of the files applied now; ``made_anew``: tables of files applied before that were no longer there;
    ``was_empty``: no day had a place before."""

    names: list[str]
    made_anew: list[str]
    was_empty: bool


class MigrationError(Exception):
    """A migration file changed after it was applied."""


async def migrate(clickhouse: ClickHouse) -> Migrated:
    """``migrate_now`` in a thread of its own."""
    return await asyncio.to_thread(migrate_now, clickhouse)


def migrate_now(clickhouse: ClickHouse) -> Migrated:
    """Apply what is missing. Safe to run again after a crash in the middle.

    Where tables of files applied before are gone, all files are applied once more: statements that find their work done do nothing.
    """
    before = _tables(clickhouse)
    clickhouse.command_now(HISTORY)
    done = dict(clickhouse.query_now("SELECT name, checksum FROM schema_migration FINAL"))
    applied, wanted = [], set[str]()
    folder = files("openmains.edges.clickhouse") / "migrations"
    for page in sorted(folder.iterdir(), key=lambda item: item.name):
        if not page.name.endswith(".sql"):
            continue
        text = page.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        known = done.get(page.name)
        if known == checksum:
            wanted |= set(_TABLE.findall(text))
            continue
        if known is not None:
            raise MigrationError(f"{page.name} was changed after it had been applied; add a new file instead")
        for statement in text.split("\n--;\n"):
            clickhouse.command_now(statement)
        clickhouse.insert_now("schema_migration", {"name": [page.name], "checksum": [checksum]})
        applied.append(page.name)
    missing = sorted(wanted - _tables(clickhouse))
    if missing:
        for page in sorted(folder.iterdir(), key=lambda item: item.name):
            for statement in page.read_text(encoding="utf-8").split("\n--;\n") if page.name.endswith(".sql") else ():
                clickhouse.command_now(statement)
    return Migrated(applied, missing, "meter_day" not in before)


def _tables(clickhouse: ClickHouse) -> set[str]:
    return {
        name for (name,) in clickhouse.query_now("SELECT name FROM system.tables WHERE database = currentDatabase()")
    }
