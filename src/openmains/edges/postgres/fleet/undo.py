# SPDX-License-Identifier: Apache-2.0
"""The transaction in which an import is taken back (``app/fleet/imports/undo.py``)."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg

from openmains.app.fleet.imports.undo import UndoCounts
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import Connection, Pool, rows_of
from openmains.edges.postgres.fleet.imports import LOCK
from openmains.edges.postgres.fleet.search import refresh, refresh_customers
from openmains.edges.postgres.queries import Query, load

_FLEET = load(__package__)
_QUERIES = load(__package__, "undo.sql")
_SETTINGS = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}


class PostgresImportUndo:
    """One undo on a connection of its own of the pipeline's role: ``async with PostgresImportUndo(pool) as store``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._transaction: Any = None
        self._of_job: dict[str, int] = {}
        self._premises_ids: list[int] = []
        self._put_back: list[int] = []  # customers

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.rollback()
        connection, self._connection = self._connection, None
        await self._pool.release(connection)

    async def begin(self, tenant_id: TenantId, import_id: int) -> int:
        connection = self._connection
        self._of_job = {"tenant_id": tenant_id, "job_id": import_id}
        self._transaction = connection.transaction()
        await self._transaction.start()
        for setting, value in _SETTINGS.items():
            await _FLEET["set_here"].execute(connection, setting=setting, value=value)
        await _FLEET["lock_import"].execute(connection, class_id=LOCK, tenant_id=tenant_id)
        await _QUERIES["lock_hanging"].execute(connection)
        rows = await _QUERIES["lock_imported"].fetch(connection, **self._of_job)
        return len(rows) + int(await _QUERIES["count_tagged"].fetchval(connection, **self._of_job))

    async def kept(self) -> Sequence[tuple[int, str, str]]:
        found: dict[int, tuple[int, str, str]] = {}
        for query in (_QUERIES["changed_since"], _QUERIES["used_since"]):
            for row in await query.fetch(self._connection, **self._of_job):
                if row["reason"]:
                    found.setdefault(row["line"], (row["line"], row["number"], row["reason"]))
        return [found[line] for line in sorted(found)]

    async def meters(self, kept_lines: Sequence[int]) -> tuple[int, int]:
        connection, tenant_id = self._connection, self._of_job["tenant_id"]
        back = await _ids(connection, _QUERIES["put_back"], **self._of_job, kept=kept_lines)
        tagged = await _ids(connection, _QUERIES["put_back_tags"], **self._of_job, kept=kept_lines)
        gone = await _ids(connection, _QUERIES["to_withdraw"], **self._of_job, kept=kept_lines)
        await _QUERIES["note_identity_changes"].execute(connection, tenant_id=tenant_id, meter_ids=[*back, *gone])
        self._premises_ids = await _QUERIES["withdraw"].fetchval(connection, **self._of_job, meter_ids=gone)
        if back:
            await refresh(connection, [MeterId(meter_id) for meter_id in back])
        return len({*back, *tagged}), len(gone)

    async def rest(self) -> UndoCounts:
        connection, tenant_id = self._connection, self._of_job["tenant_id"]
        await _QUERIES["remove_premises"].execute(connection, **self._of_job, premises_ids=self._premises_ids)
        back = self._put_back = await _ids(connection, _QUERIES["put_back_customers"], **self._of_job)
        of_back = {"job_id": self._of_job["job_id"], "customer_ids": back}
        await _QUERIES["put_back_phones"].execute(connection, tenant_id=tenant_id, **of_back)
        await _QUERIES["remove_new_phones"].execute(connection, **of_back)
        if back:
            await refresh_customers(connection, back)
        removed = rows_of(await _QUERIES["remove_customers"].execute(connection, **self._of_job))
        kept = await _QUERIES["kept_customers"].fetchval(connection, **self._of_job, customer_ids=back)
        return UndoCounts(removed + len(back), int(kept), await self._areas(connection))

    async def _areas(self, connection: Connection) -> int:
        removed = 0
        for area_id in await _ids(connection, _QUERIES["empty_areas"], **self._of_job):
            try:
                async with connection.transaction():
                    await _QUERIES["remove_area"].execute(
                        connection, tenant_id=self._of_job["tenant_id"], area_id=area_id
                    )
            except asyncpg.ForeignKeyViolationError:
                continue  # a policy, a task, an order speaks of it
            removed += 1
        return removed

    async def commit(self, undo_id: int, kept_lines: Sequence[int], now_s: int) -> None:
        connection = self._connection
        await _QUERIES["forget_undone"].execute(connection, **self._of_job, kept=kept_lines)
        await _QUERIES["forget_customers"].execute(connection, **self._of_job, customer_ids=self._put_back)
        await _QUERIES["forget_areas"].execute(connection, **self._of_job)
        await _QUERIES["mark_undone"].execute(
            connection, **self._of_job, undo_id=undo_id, kept=len(kept_lines), at=now_s
        )
        transaction, self._transaction = self._transaction, None
        await transaction.commit()

    async def rollback(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not self._connection.is_closed():
            await transaction.rollback()


class Changes:
    """``ImportChanges`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def is_left(self, job_id: int) -> bool:
        return bool(await _QUERIES["is_left"].fetchval(self._connection, tenant_id=self._tenant_id, job_id=job_id))


async def _ids(connection: Connection, query: Query, **values: Any) -> list[int]:
    return [row["id"] for row in await query.fetch(connection, **values)]
