# SPDX-License-Identifier: Apache-2.0
"""The embedded ClickHouse at a moment: parts set aside by the engine's FREEZE, and taken in again by its ATTACH.

A part never changes once it is written. FREEZE links the files of all active parts below ``shadow/<name>`` within milliseconds and
costs no room until the parts are merged away; they can then be copied at leisure by anybody who may read them. To take them in, the
table is made by its own definition and each part, put into ``detached``, is attached: the engine compares its checksums.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from openmains.edges.clickhouse.client import DATABASE, ClickHouse
from openmains.edges.clickhouse.queries import QUERIES

SHADOW = "shadow"
_NAME = re.compile(r"[0-9a-z]{1,40}")
ROWS_FILE = "count.txt"  # of a part: how many rows it holds


class FrozenError(Exception):
    """Parts that cannot be taken in; the text is for a person."""


def shadow_of(clickhouse_folder: Path, name: str) -> Path:
    """Where FREEZE puts the parts of that name."""
    return clickhouse_folder / SHADOW / name


async def freeze(clickhouse: ClickHouse, name: str) -> list[tuple[str, str, bool, str]]:
    """Set aside the parts of all tables under ``name``; (table, definition, holds rows, folder) of each, views last."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name to set parts aside under: {name!r}")
    found = []
    for table, definition, engine, folders in await clickhouse.query(*QUERIES["tables"]()):
        stores = engine.endswith("MergeTree")
        if stores:
            await clickhouse.command(f"ALTER TABLE {table} FREEZE WITH NAME '{name}'")
        found.append((table, definition, stores, folders[0] if folders else ""))
    return sorted(found, key=lambda item: not item[2])


def unfreeze(clickhouse_folder: Path, name: str) -> None:
    """Remove what was set aside; its files are links."""
    shutil.rmtree(shadow_of(clickhouse_folder, name), ignore_errors=True)


def unfreeze_all(clickhouse_folder: Path) -> None:
    """What backups left that were killed together with the core; before the engine starts."""
    shutil.rmtree(clickhouse_folder / SHADOW, ignore_errors=True)


async def _folders(clickhouse: ClickHouse) -> dict[str, Path]:
    return {table: Path(paths[0]) for table, _, _, paths in await clickhouse.query(*QUERIES["tables"]()) if paths}


def frozen_parts(shadow: Path, table_folder: Path, clickhouse_folder: Path) -> list[Path]:
    """A table's parts below ``shadow``."""
    place = shadow / table_folder.relative_to(clickhouse_folder)
    if not place.exists():
        return []
    return sorted(part for part in place.iterdir() if part.is_dir())


def rows_of(part: Path) -> int:
    """How many rows a part holds."""
    return int((part / ROWS_FILE).read_text("ascii"))


async def attach(clickhouse: ClickHouse, definitions: Mapping[str, str], parts: Mapping[str, list[Path]]) -> None:
    """Make the tables in the order given and take their parts in; the parts' folders are moved away.

    :raises FrozenError: the engine refuses a part.
    """
    for definition in definitions.values():
        await clickhouse.command(definition)
    place = await _folders(clickhouse)
    for table, found in parts.items():
        detached = place[table] / "detached"
        detached.mkdir(exist_ok=True)
        for part in found:
            shutil.move(part, detached / part.name)
            try:
                await clickhouse.command(f"ALTER TABLE {table} ATTACH PART '{part.name}'")
            except Exception as error:
                raise FrozenError(f"{table}: part {part.name}: {str(error).splitlines()[0][:300]}") from error


async def row_counts(clickhouse: ClickHouse) -> dict[str, int]:
    """Rows of each table's active parts, before any replacing."""
    return {table: int(rows) for table, rows in await clickhouse.query(*QUERIES["table_rows"]())}


async def forget_sync(clickhouse: ClickHouse) -> None:
    """The copy of the registry is made anew: its place counts transactions of another database."""
    await clickhouse.command(f"TRUNCATE TABLE {DATABASE}.sync_position")
