# SPDX-License-Identifier: Apache-2.0
"""Bills, and corrections of them."""

from collections.abc import Mapping, Sequence

import msgspec

from openmains.app.billing.model import BillCorrection, BillHead, CorrectedBill
from openmains.app.billing.ports import BillsOf, Counted, KeptBill
from openmains.app.billing.rows import BillInputs, BillRow, CountRow, LineRow
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_text, month_text, utc_of_us
from openmains.domain.tariff.exact import written
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _head(row: Row) -> BillHead:
    return BillHead(
        bill_id=row["bill_id"],
        account_id=row["account_id"],
        month=month_text(row["month"]),
        version=row["version"],
        superseded=row["superseded"],
        first_day=day_text(row["first_day"]),
        last_day=day_text(row["end_day"] - 1),
        tariff_id=row["tariff_id"],
        tariff=row["tariff"],
        volume_m3=written(row["volume_ml"], 6),
        total_fen=row["total_fen"],
        open_fen=0 if row["superseded"] else row["total_fen"] - row["paid_fen"],
        fee_fen=row["fee_fen"],
        estimated_days=row["estimated_days"],
        due_day=day_text(row["due_day"]),
        made_at=utc_of_us(row["made_us"]),
    )


def _kept(row: Row) -> KeptBill:
    given = {
        "inputs": msgspec.convert(row["inputs"], BillInputs),
        "lines": msgspec.convert(row["lines"], list[LineRow]),
        "counted": msgspec.convert(row["counted"], CountRow),
    }
    return KeptBill(**{**row, **given})


class Bills:
    """``BillStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def counted(self, account_ids: Sequence[int]) -> Mapping[int, Counted]:
        rows = await _QUERIES["counted"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return {account_id: Counted(until, text) for account_id, until, text in rows}

    async def versions(self, account_ids: Sequence[int], month: int) -> Mapping[int, int]:
        rows = await _QUERIES["versions"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids), month=month
        )
        return {row["account_id"]: row["version"] for row in rows}

    async def add(
        self,
        of: BillsOf,
        bills: Sequence[BillRow],
        versions: Sequence[int],
        entry_ids: Sequence[int | None],
        now_us: int,
    ) -> None:
        if not bills:
            return
        columns = dict(zip(BillRow._fields, zip(*bills, strict=True), strict=True))
        del columns["components"]
        await _QUERIES["add_bills"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            month=of.month,
            due_day=of.due_day,
            run_id=of.run_id,
            correction_id=of.correction_id,
            versions=versions,
            entry_ids=entry_ids,
            **columns,
        )

    async def heads(
        self,
        limit: int,
        after: int | None,
        *,
        account_id: int | None = None,
        run_id: int | None = None,
        bill_id: int | None = None,
    ) -> list[BillHead]:
        rows = await _QUERIES["heads"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            account_id=account_id,
            run_id=run_id,
            bill_id=bill_id,
            most=limit,
        )
        return [_head(row) for row in rows]

    async def kept(self, bill_id: int) -> KeptBill | None:
        rows = await self._bills(bill_id=bill_id)
        return rows[0] if rows else None

    async def newest(self, account_id: int, month: int) -> list[KeptBill]:
        return await self._bills(account_id=account_id, month=month)

    async def _bills(
        self, *, bill_id: int | None = None, account_id: int | None = None, month: int = 0
    ) -> list[KeptBill]:
        rows = await _QUERIES["kept"].fetch(
            self._connection, tenant_id=self._tenant_id, bill_id=bill_id, account_id=account_id, month=month
        )
        return [_kept(row) for row in rows]

    async def numbers(self, meter_ids: Sequence[int]) -> Mapping[int, str]:
        rows = await _QUERIES["meter_numbers"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids)
        )
        return {row["meter_id"]: row["number"] for row in rows}


def _correction(row: Row) -> BillCorrection:
    changed = zip(*(row[name] or () for name in ("months", "versions", "before", "after")), strict=True)
    return BillCorrection(
        correction_id=row["correction_id"],
        account_id=row["account_id"],
        month=month_text(row["month"]),
        reason=row["reason"],
        state=row["state"],
        author_id=row["author_id"],
        author=row["author"],
        made_at=utc_of_us(row["made_us"]),
        decided_by=row["decided_by"],
        decider=row["decider"],
        decided_at=None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
        decision=row["decision"],
        bills=[CorrectedBill(month_text(month), version, before, after) for month, version, before, after in changed],
    )


class Corrections:
    """``CorrectionStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(self, account_id: int, month: int, reason: str, author: UserId, now_us: int) -> int | None:
        found: int | None = await _QUERIES["add_correction"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            account_id=account_id,
            month=month,
            reason=reason,
            author_id=author,
            now_us=now_us,
        )
        return found

    async def lock(self, correction_id: int) -> BillCorrection | None:
        await _QUERIES["lock_correction"].execute(
            self._connection, tenant_id=self._tenant_id, correction_id=correction_id
        )
        return await self.get(correction_id)

    async def get(self, correction_id: int) -> BillCorrection | None:
        rows = await self._corrections(1, correction_id, None)
        return rows[0] if rows else None

    async def page(self, limit: int, after: int | None) -> list[BillCorrection]:
        return await self._corrections(limit, None, after)

    async def _corrections(self, most: int, correction_id: int | None, after: int | None) -> list[BillCorrection]:
        rows = await _QUERIES["corrections"].fetch(
            self._connection, tenant_id=self._tenant_id, correction_id=correction_id, after=after, most=most
        )
        return [_correction(row) for row in rows]

    async def decide(self, correction_id: int, state: str, user_id: UserId, decision: str, now_us: int) -> None:
        await _QUERIES["decide_correction"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            correction_id=correction_id,
            state=state,
            user_id=user_id,
            decision=decision,
            now_us=now_us,
        )

    async def hold(self) -> None:
        await _QUERIES["hold"].execute(self._connection, tenant_id=self._tenant_id)
