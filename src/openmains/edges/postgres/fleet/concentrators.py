# SPDX-License-Identifier: Apache-2.0
"""Concentrators and the meters behind them: registered by the machine's command, followed by edges."""

from collections.abc import Callable, Sequence
from typing import Any

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class ConcentratorFollower:
    """Gives ``take`` all rows when something changed. Role openmains_pipeline.

    A row: ``number``, ``tenant_id``, ``poll_s`` of a concentrator, ``meter_number``, ``meter_id``, ``product_id`` of a meter behind it,
    these three None for one without meters.
    """

    def __init__(self, pool: Pool, take: Callable[[Sequence[Any]], None]) -> None:
        self._pool = pool
        self._take = take
        self._seen = "0"

    async def follow(self) -> bool:
        """Whether something was new; the first time everything is."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _QUERIES["snapshot_horizon"].fetchval(connection)
            if self._seen != "0" and not await _QUERIES["concentrators_changed"].fetchval(
                connection, since=self._seen, before=horizon
            ):
                self._seen = horizon
                return False
            rows = await _QUERIES["concentrators"].fetch(connection)
        self._take(rows)
        self._seen = horizon
        return True


async def put_concentrator(
    connection: Connection, tenant_id: TenantId, number: str, name: str, poll_s: int, meters: Sequence[str]
) -> list[str] | None:
    """Register one, with meters by their registered numbers, in the caller's transaction. The numbers that cannot be put behind it: no meter in
    use, or behind another one; None: the concentrator's number is another utility's. Where either is so, the caller rolls back."""
    key = await _QUERIES["put_concentrator"].fetchval(
        connection, tenant_id=tenant_id, number=number, name=name, poll_s=poll_s
    )
    if key is None:
        return None
    asked = {"concentrator_id": key, "numbers": list(meters)}
    await _QUERIES["put_behind"].execute(connection, tenant_id=tenant_id, **asked)
    behind = {row["number"] for row in await _QUERIES["numbers_behind"].fetch(connection, **asked)}
    return [each for each in meters if each not in behind]
