# SPDX-License-Identifier: Apache-2.0
"""Which roles are parts of the core, and where they can be processes of their own."""

from openmains.run.engines.child import StartError
from openmains.run.settings import Settings

PARTS = ("pipeline", "api", "worker")


def part_of(role: str) -> str:
    """``pipeline`` of ``pipeline-2``, the second of them on this machine."""
    return role.partition("-")[0]


def check_alone(role: str, settings: Settings) -> None:
    """Raise StartError where the role cannot be a process of its own: embedded ClickHouse has one owner, the core."""
    if part_of(role) in PARTS and settings.urls().clickhouse.startswith("chdb:"):
        raise StartError(
            "内置 ClickHouse 只能属于一个进程:请用 --role core,或在设置中给出 clickhouse_url。",
            "the embedded ClickHouse belongs to one process: use --role core, or set clickhouse_url.",
        )
