# SPDX-License-Identifier: Apache-2.0
"""Concentrators and the meters behind them: registered by the machine's command, followed by edges."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

_IDENTITIES = load(__package__)
_QUERIES = load(__package__, "concentrators.sql")


Take = Callable[[Sequence[Any], Sequence[str] | None, Sequence[str]], None]
"""(rows, whose rows these are – None: all there are –, numbers that are gone)."""


class ConcentratorFollower:
    """Gives ``take`` the rows of concentrators that changed, the first time all. Role openmains_pipeline.

    A row: ``number``, ``tenant_id``, ``poll_s`` of a concentrator, ``meter_number``, ``meter_id``, ``product_id``, ``imei`` of a meter
    behind it, these four None for one without meters.
    """

    def __init__(self, pool: Pool, take: Take) -> None:
        self._pool = pool
        self._take = take
        self._seen = ""
        self._known: set[str] = set()  # one that is taken away leaves no row that says so

    async def follow(self) -> bool:
        """Whether something was new; the first time everything is."""
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            horizon = await _IDENTITIES["snapshot_horizon"].fetchval(connection)
            if not self._seen:
                rows = await _QUERIES["concentrators"].fetch(connection, numbers=None)
                changed, gone = None, set[str]()
                known = {row["number"] for row in rows}
            else:
                changed = [
                    row["number"]
                    for row in await _QUERIES["concentrators_changed"].fetch(
                        connection, since=self._seen, before=horizon
                    )
                ]
                known = self._known
                count = await _QUERIES["concentrators_count"].fetchval(connection)
                if changed or count != len(known):
                    known = {row["number"] for row in await _QUERIES["concentrator_numbers"].fetch(connection)}
                gone = self._known - known
                rows = await _QUERIES["concentrators"].fetch(connection, numbers=changed) if changed else []
        self._seen, self._known = horizon, known
        if changed is not None and not changed and not gone:
            return False
        self._take(rows, changed, sorted(gone))
        return True


async def put_concentrator(
    connection: Connection, tenant_id: TenantId, number: str, name: str, poll_s: int, meters: Sequence[str]
) -> list[str] | None:
    """Register one, with meters by their registered numbers, in the caller's transaction. The numbers that cannot be put behind it: no meter in
    use, or behind another one; None: the concentrator's number is another utility's. Where either is so, the caller rolls back."""
    await _QUERIES["hold_behind"].execute(connection, tenant_id=tenant_id)
    key = await _QUERIES["put_concentrator"].fetchval(
        connection, tenant_id=tenant_id, number=number, name=name, poll_s=poll_s
    )
    if key is None:
        return None
    asked = {"concentrator_id": key, "numbers": list(meters)}
    await _QUERIES["put_behind"].execute(connection, tenant_id=tenant_id, **asked)
    behind = {row["number"] for row in await _QUERIES["numbers_behind"].fetch(connection, **asked)}
    return [each for each in meters if each not in behind]


async def numbers_behind(connection: Connection, tenant_id: TenantId, number: str) -> list[str]:
    """Registered numbers of the meters in use behind a concentrator."""
    rows = await _QUERIES["all_behind"].fetch(connection, tenant_id=tenant_id, number=number)
    return [row["number"] for row in rows]


async def take_meters(
    connection: Connection, tenant_id: TenantId, number: str, meters: Sequence[str]
) -> list[str] | None:
    """The concentrator speaks for these meters no more, in the caller's transaction. Those that were not behind it: the caller rolls back;
    None: the utility has no such concentrator."""
    key = await _QUERIES["change_concentrator"].fetchval(connection, tenant_id=tenant_id, number=number)
    if key is None:
        return None
    rows = await _QUERIES["take_from_behind"].fetch(connection, concentrator_id=key, numbers=list(meters))
    taken = {row["number"] for row in rows}
    return [each for each in meters if each not in taken]


async def remove_concentrator(connection: Connection, tenant_id: TenantId, number: str) -> bool:
    """It may connect no more, and its meters are behind none; False: the utility has none with this number."""
    status = await _QUERIES["remove_concentrator"].execute(connection, tenant_id=tenant_id, number=number)
    return status.endswith(" 1")


class ConcentratorTrail:
    """Lines in the trail for what is done to concentrators on the command line, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def note(
        self, tenant_id: TenantId, action: str, object_type: str, object_id: str, after: dict[str, object]
    ) -> None:
        """One line."""
        await _QUERIES["note_concentrator"].execute(
            self._connection,
            tenant_id=tenant_id,
            action=action,
            object_type=object_type,
            object_id=object_id,
            after=msgspec.json.encode(after).decode(),
        )
