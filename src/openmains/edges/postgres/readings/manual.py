# SPDX-License-Identifier: Apache-2.0
"""The ledger of readings that persons took: one tenant's page of it, and an import's transaction."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from openmains.app.readings.manual.model import ManualReading, ManualState, NewManualReading, ReadMeter, SentReading
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import utc, utc_of_us
from openmains.domain.readings.manual import BELIEVED, KEPT
from openmains.domain.readings.quality import Rule
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "manual.sql")
_LOCK = 0x6F6D_0005  # first half of the advisory lock 'an import of readings of this tenant runs'


def _state(version: int | None, flags: int) -> ManualState:
    if version is None:
        return "waits"
    return "kept" if flags & KEPT and not flags & BELIEVED else "booked"


def _reading(row: Row) -> ManualReading:
    return ManualReading(
        reading_id=row["reading_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        bar_code=row["bar_code"],
        driver=row["driver"],
        product_id=row["product_id"],
        at=utc(row["at_s"]),
        register=row["register"],
        digit=row["digit"],
        note=row["note"],
        source=row["source"],
        job_id=row["job_id"],
        author_id=row["author_id"],
        author=row["author"],
        made_at=utc_of_us(row["made_us"]),
        state=_state(row["version"], row["flags"]),
        version=row["version"],
        rules=[rule.name.lower() for rule in Rule if row["flags"] >> rule & 1 and rule is not Rule.MANUAL_READING],
    )


class ManualReadings:
    """``ManualStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self, limit: int, after: int | None, *, state: ManualState | None, meter_id: MeterId | None, job_id: int | None
    ) -> list[ManualReading]:
        return await self._rows(limit, after=after, state=state, meter_id=meter_id, job_id=job_id)

    async def get(self, reading_id: int) -> ManualReading | None:
        rows = await self._rows(1, reading_id=reading_id)
        return rows[0] if rows else None

    async def at(self, meter_id: MeterId, at_s: int) -> ManualReading | None:
        rows = await self._rows(1, meter_id=meter_id, at_s=at_s)
        return rows[0] if rows else None

    async def meters(self, number: str, bar_code: str) -> list[ReadMeter]:
        rows = await _QUERIES["read_meters"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            numbers=[number] if number else [],
            bar_codes=[bar_code] if bar_code and not number else [],
            meter_ids=[],
        )
        return [ReadMeter(**dict(row)) for row in rows[:2]]

    async def meter(self, meter_id: MeterId) -> ReadMeter | None:
        rows = await _QUERIES["read_meters"].fetch(
            self._connection, tenant_id=self._tenant_id, numbers=[], bar_codes=[], meter_ids=[meter_id]
        )
        return ReadMeter(**dict(rows[0])) if rows else None

    async def add(self, wanted: NewManualReading) -> int | None:
        found = await _QUERIES["add_manual"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            meter_id=wanted.meter_id,
            at_s=wanted.at,
            register=wanted.register,
            digit=wanted.digit,
            note=wanted.note,
            author_id=wanted.author_id,
            made_us=wanted.made_us,
        )
        return None if found is None else int(found)

    async def sent(self, reading_id: int, now_us: int) -> None:
        await _QUERIES["manual_sent"].execute(self._connection, reading_ids=[reading_id], now_us=now_us)

    async def _rows(
        self,
        most: int,
        *,
        after: int | None = None,
        state: ManualState | None = None,
        meter_id: MeterId | None = None,
        job_id: int | None = None,
        reading_id: int | None = None,
        at_s: int | None = None,
    ) -> list[ManualReading]:
        rows = await _QUERIES["manual_readings"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            state=state,
            kept=KEPT,
            believed=BELIEVED,
            meter_id=meter_id,
            job_id=job_id,
            reading_id=reading_id,
            at_s=at_s,
            most=most,
        )
        return [_reading(row) for row in rows]


class PostgresManualImport:
    """``ManualImport`` on a connection of its own: ``async with PostgresManualImport(pool) as store``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._transaction: Any = None
        self._tenant_id, self._author_id, self._job_id, self._now_us = TenantId(0), UserId(0), 0, 0

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.rollback()
        connection, self._connection = self._connection, None
        await self._pool.release(connection)

    async def begin(self, tenant_id: TenantId, author_id: UserId, job_id: int, now_us: int) -> None:
        self._tenant_id, self._author_id, self._job_id, self._now_us = tenant_id, author_id, job_id, now_us
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        await _QUERIES["no_timeouts"].execute(self._connection)
        await _QUERIES["lock_manual_import"].execute(self._connection, class_id=_LOCK, tenant_id=tenant_id)

    async def meters(self, numbers: Sequence[str], bar_codes: Sequence[str]) -> list[ReadMeter]:
        rows = await _QUERIES["read_meters"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            numbers=list(numbers),
            bar_codes=list(bar_codes),
            meter_ids=[],
        )
        return [ReadMeter(**dict(row)) for row in rows]

    async def add(self, rows: Sequence[NewManualReading]) -> list[tuple[MeterId, int, int, int | None]]:
        meter_ids, instants = [row.meter_id for row in rows], [row.at for row in rows]
        await _QUERIES["add_manual_rows"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            job_id=self._job_id,
            author_id=self._author_id,
            made_us=self._now_us,
            meter_ids=meter_ids,
            instants=instants,
            registers=[row.register for row in rows],
            digits=[row.digit for row in rows],
            notes=[row.note for row in rows],
        )
        found = await _QUERIES["manual_at"].fetch(self._connection, meter_ids=meter_ids, instants=instants)
        return [(MeterId(row["meter_id"]), row["at_s"], row["register"], row["job_id"]) for row in found]

    async def commit(self) -> None:
        transaction, self._transaction = self._transaction, None
        await transaction.commit()

    async def rollback(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not self._connection.is_closed():
            await transaction.rollback()

    async def waiting(self, job_id: int, limit: int) -> list[SentReading]:
        rows = await _QUERIES["manual_waiting"].fetch(self._connection, job_id=job_id, most=limit)
        return [SentReading(**dict(row)) for row in rows]

    async def sent(self, reading_ids: Sequence[int], now_us: int) -> None:
        await _QUERIES["manual_sent"].execute(self._connection, reading_ids=list(reading_ids), now_us=now_us)

    async def unapplied(self, job_id: int) -> int:
        return int(await _QUERIES["manual_unapplied"].fetchval(self._connection, job_id=job_id))
