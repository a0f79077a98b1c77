# SPDX-License-Identifier: Apache-2.0
"""Runs, what they refused, and which meter pays for which account."""

from collections.abc import Sequence
from datetime import datetime

from openmains.app.billing.decide import MeterLink, Refused
from openmains.app.billing.model import BillRun, RefusedAccount
from openmains.app.billing.ports import RunPlace
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_text, day_to_date, month_text, utc_of_us
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Links:
    """``LinkStore`` on installations and the members of tariffs."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def links(self, after_account: int, limit: int, account_ids: Sequence[int] | None = None) -> list[MeterLink]:
        rows = await _QUERIES["links"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after_account,
            most=limit,
            account_ids=None if account_ids is None else list(account_ids),
        )
        dates = {
            began: (when.month, when.day) for began in {row["began"] for row in rows} for when in (day_to_date(began),)
        }
        return [
            MeterLink(
                account, meter, tariff, persons, households, dates[began], first, end, driver, 0, opening, closing
            )
            for account, meter, tariff, persons, households, began, driver, first, end, opening, closing in rows
        ]

    async def accounts(self) -> int:
        found: int = await _QUERIES["accounts"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found


class Runs:
    """``RunStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(
        self, month: int, end_day: int, book_day: int, due_day: int, user_id: UserId, now_us: int
    ) -> int | None:
        await _QUERIES["hold"].execute(self._connection, tenant_id=self._tenant_id)
        found: int | None = await _QUERIES["add_run"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            month=month,
            end_day=end_day,
            book_day=book_day,
            due_day=due_day,
            user_id=user_id,
            now_us=now_us,
        )
        return found

    async def place(self, run_id: int, *, lock: bool = False) -> RunPlace | None:
        query = _QUERIES["lock_run"] if lock else _QUERIES["run_place"]
        row = await query.fetchrow(self._connection, tenant_id=self._tenant_id, run_id=run_id)
        return None if row is None else RunPlace(**row)

    async def running(self) -> int | None:
        await _QUERIES["hold"].execute(self._connection, tenant_id=self._tenant_id)
        found: int | None = await _QUERIES["running"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def advance(
        self,
        run_id: int,
        after_account: int,
        accounts: int,
        bills: int,
        refused: int,
        before: int,
        total: int,
        settled: int,
    ) -> None:
        await _QUERIES["advance_run"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            run_id=run_id,
            after_account=after_account,
            accounts=accounts,
            bills=bills,
            refused=refused,
            billed_before=before,
            total_fen=total,
            settled_fen=settled,
        )

    async def end(self, run_id: int, state: str, now_us: int) -> None:
        await _QUERIES["end_run"].execute(
            self._connection, tenant_id=self._tenant_id, run_id=run_id, state=state, now_us=now_us
        )

    async def resume(self, run_id: int) -> None:
        await _QUERIES["resume_run"].execute(self._connection, tenant_id=self._tenant_id, run_id=run_id)

    async def get(self, run_id: int) -> BillRun | None:
        found = await self._runs(1, run_id, None)
        return next(iter(found), None)

    async def page(self, limit: int, after: int | None) -> list[BillRun]:
        return await self._runs(limit, None, after)

    async def _runs(self, most: int, run_id: int | None, after: int | None) -> list[BillRun]:
        rows = await _QUERIES["runs"].fetch(
            self._connection, tenant_id=self._tenant_id, run_id=run_id, after=after, most=most
        )
        return [
            BillRun(
                run_id=row["run_id"],
                month=month_text(row["month"]),
                book_day=day_text(row["book_day"]),
                due_day=day_text(row["due_day"]),
                state=row["state"],
                accounts=row["accounts"],
                bills=row["bills"],
                refused=row["refused"],
                billed_before=row["billed_before"],
                total_fen=row["total_fen"],
                settled_fen=row["settled_fen"],
                asked_by=row["asked_by"],
                asked_at=utc_of_us(row["asked_us"]),
                ended_at=_instant(row["ended_us"]),
            )
            for row in rows
        ]

    async def add_refusals(self, run_id: int, refused: Sequence[Refused]) -> None:
        if refused:
            await _QUERIES["add_refusals"].execute(
                self._connection,
                tenant_id=self._tenant_id,
                run_id=run_id,
                account_ids=[one.account_id for one in refused],
                codes=[one.code for one in refused],
                meter_ids=[one.meter_id for one in refused],
                days=[one.day for one in refused],
                counts=[one.days for one in refused],
            )

    async def refusals(self, run_id: int, limit: int, after: int) -> list[RefusedAccount]:
        rows = await _QUERIES["refusals"].fetch(
            self._connection, tenant_id=self._tenant_id, run_id=run_id, after=after, most=limit
        )
        return [RefusedAccount(**{**row, "day": day_text(row["day"])}) for row in rows]


def _instant(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)
