# SPDX-License-Identifier: Apache-2.0
"""How long what grows without end is kept – the communication log (R14.3), earlier versions of days (ADR 0014): the tables' own
time to live follows the settings."""

from openmains.edges.clickhouse.client import ClickHouse

DEFINITION = "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"


async def keep_frames(clickhouse: ClickHouse, days: int) -> bool:
    """Keep frames for ``days`` days after they came; True: that was not so before."""
    return await _keep(clickhouse, "frame", "at", days)


async def keep_versions(clickhouse: ClickHouse, days: int) -> bool:
    """Keep a version of a day for ``days`` days after another took its place; True: that was not so before."""
    return await _keep(clickhouse, "day_version", "toDateTime(superseded_s)", days)


async def _keep(clickhouse: ClickHouse, table: str, since: str, days: int) -> bool:
    """The table is altered only when it differs: setting a time to live anew makes the engine look through all its parts.

    What is too old then is removed by the engine in the background.
    """
    life = f"{since} + toIntervalDay({days:d})"  # as the engine itself writes it
    ((definition,),) = await clickhouse.query(DEFINITION, {"table": table})
    if f"TTL {life}" in definition:
        return False
    await clickhouse.command(f"ALTER TABLE {table} MODIFY TTL {life}")
    return True
