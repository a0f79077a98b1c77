# SPDX-License-Identifier: Apache-2.0
"""How long the communication log is kept (R14.3): the table's own time to live follows the setting."""

from openmains.edges.clickhouse.client import ClickHouse

DEFINITION = "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'frame'"


async def keep_frames(clickhouse: ClickHouse, days: int) -> bool:
    """Keep frames for ``days`` days after they came; True: that was not so before.

    The table is altered only when it differs: setting a time to live anew makes the engine look through all its parts.
    What is too old then is removed by the engine in the background.
    """
    life = f"at + toIntervalDay({days:d})"  # as the engine itself writes it
    ((definition,),) = await clickhouse.query(DEFINITION)
    if f"TTL {life}" in definition:
        return False
    await clickhouse.command(f"ALTER TABLE frame MODIFY TTL {life}")
    return True
