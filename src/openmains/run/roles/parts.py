# SPDX-License-Identifier: Apache-2.0
"""Which roles are parts of the core, and where they can be processes of their own."""

from openmains.run.engines.child import StartError
from openmains.run.settings import Settings

PARTS = ("pipeline", "api", "worker")


def check_alone(role: str, settings: Settings) -> None:
    """Raise StartError where the role cannot be a process of its own: embedded ClickHouse has one owner, the core."""
    if role in PARTS and settings.urls().clickhouse.startswith("chdb:"):
        raise StartError(
            "内置 ClickHouse 只能属于一个进程:请用 --role core,或在设置中给出 clickhouse_url。",
            "the embedded ClickHouse belongs to one process: use --role core, or set clickhouse_url.",
        )
