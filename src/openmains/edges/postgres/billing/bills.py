# SPDX-License-Identifier: Apache-2.0
"""Bills, and corrections of them."""

from collections.abc import Mapping, Sequence

import msgspec

from openmains.app.billing.model import BillCorrection, BillHead, CorrectedBill
from openmains.app.billing.ports import KeptBill, NewBill
from openmains.app.billing.rows import BillInputs, CountRow, LineRow
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_to_date, utc_of_us
from openmains.domain.tariff.exact import written
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _encode(value: object) -> msgspec.Raw:
    """As JSON already: a list among an array's values would be taken for another dimension of it."""
    return msgspec.Raw(msgspec.json.encode(value))


def _date(day: int) -> str:
    return day_to_date(day).isoformat()


def _head(row: Row) -> BillHead:
    return BillHead(
        bill_id=row["bill_id"],
        account_id=row["account_id"],
        month=_date(row["month"])[:7],
        version=row["version"],
        superseded=row["superseded"],
        first_day=_date(row["first_day"]),
        last_day=_date(row["end_day"] - 1),
        tariff_id=row["tariff_id"],
        tariff=row["tariff"],
        volume_m3=written(row["volume_ml"], 6),
        total_fen=row["total_fen"],
        open_fen=0 if row["superseded"] else row["total_fen"] - row["paid_fen"],
        fee_fen=row["fee_fen"],
        estimated_days=row["estimated_days"],
        due_day=_date(row["due_day"]),
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

    async def counted(self, account_ids: Sequence[int]) -> Mapping[int, CountRow]:
        rows = await _QUERIES["counted"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return {row["account_id"]: msgspec.convert(row["counted"], CountRow) for row in rows}

    async def versions(self, account_ids: Sequence[int], month: int) -> Mapping[int, int]:
        rows = await _QUERIES["versions"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids), month=month
        )
        return {row["account_id"]: row["version"] for row in rows}

    async def add(self, bills: Sequence[NewBill], now_us: int) -> list[int]:
        if not bills:
            return []
        fees = [one.decided.fee for one in bills]
        rows = await _QUERIES["add_bills"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            account_ids=[one.decided.account_id for one in bills],
            months=[one.month for one in bills],
            versions=[one.version for one in bills],
            run_ids=[one.run_id for one in bills],
            correction_ids=[one.correction_id for one in bills],
            first_days=[one.decided.first_day for one in bills],
            end_days=[one.decided.end_day for one in bills],
            tariff_ids=[one.decided.tariff_id for one in bills],
            meter_ids=[one.decided.meter_id for one in bills],
            volumes=[one.decided.volume_ml for one in bills],
            totals=[one.decided.total_fen for one in bills],
            estimated=[one.decided.estimated_days for one in bills],
            by_days=[one.decided.by_days for one in bills],
            due_days=[one.due_day for one in bills],
            fee_ppm=[0 if fee is None else fee.per_day_ppm for fee in fees],
            fee_grace=[0 if fee is None else fee.grace_days for fee in fees],
            fee_cap_ppm=[0 if fee is None else fee.cap_ppm for fee in fees],
            inputs=[one.decided.inputs for one in bills],
            lines=[_encode(one.decided.lines) for one in bills],
            counted=[one.decided.counted for one in bills],
            entry_ids=[one.entry_id for one in bills],
        )
        ids = {(row["account_id"], row["month"]): row["bill_id"] for row in rows}
        return [ids[one.decided.account_id, one.month] for one in bills]

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
        month=_date(row["month"])[:7],
        reason=row["reason"],
        state=row["state"],
        author_id=row["author_id"],
        author=row["author"],
        made_at=utc_of_us(row["made_us"]),
        decided_by=row["decided_by"],
        decider=row["decider"],
        decided_at=None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
        decision=row["decision"],
        bills=[CorrectedBill(_date(month)[:7], version, before, after) for month, version, before, after in changed],
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
