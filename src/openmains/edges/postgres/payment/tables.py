# SPDX-License-Identifier: Apache-2.0
"""Shifts, receipts, and payments that are taken back."""

from collections.abc import Mapping, Sequence

from openmains.app.billing.settling import Share
from openmains.app.ledger.model import Channel
from openmains.app.payment.model import PaidItem, PaymentReturn, Receipt, TillShift
from openmains.app.payment.ports import ReceiptBatch
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_text, month_text, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _shift(row: Row) -> TillShift:
    expected = row["float_fen"] + row["cash_in"] - row["cash_out"]
    counted = row["counted_fen"]
    return TillShift(
        shift_id=row["shift_id"],
        clerk_id=row["clerk_id"],
        clerk=row["clerk"],
        opened_at=utc_of_us(row["opened_us"]),
        float_fen=row["float_fen"],
        cash_in_fen=row["cash_in"],
        cash_out_fen=row["cash_out"],
        expected_fen=expected,
        receipts=row["receipts"],
        counted_fen=counted,
        difference_fen=None if counted is None else counted - expected,
        note=row["note"],
        closed_at=None if row["closed_us"] is None else utc_of_us(row["closed_us"]),
    )


class Shifts:
    """``ShiftStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def open_of(self, clerk_id: UserId, *, lock: bool = False) -> TillShift | None:
        if lock:
            await _QUERIES["lock_shift"].execute(self._connection, tenant_id=self._tenant_id, clerk_id=clerk_id)
        found = await self._shifts(1, clerk_id=clerk_id)
        return next(iter(found), None)

    async def get(self, shift_id: int) -> TillShift | None:
        found = await self._shifts(1, shift_id=shift_id)
        return next(iter(found), None)

    async def page(self, limit: int, after: int | None) -> list[TillShift]:
        return await self._shifts(limit, after=after)

    async def _shifts(
        self, most: int, *, shift_id: int | None = None, clerk_id: int | None = None, after: int | None = None
    ) -> list[TillShift]:
        rows = await _QUERIES["shifts"].fetch(
            self._connection, tenant_id=self._tenant_id, shift_id=shift_id, clerk_id=clerk_id, after=after, most=most
        )
        return [_shift(row) for row in rows]

    async def add(self, clerk_id: UserId, float_fen: int, now_us: int) -> int | None:
        found: int | None = await _QUERIES["add_shift"].fetchval(
            self._connection, tenant_id=self._tenant_id, clerk_id=clerk_id, float_fen=float_fen, now_us=now_us
        )
        return found

    async def close(self, shift_id: int, expected_fen: int, counted_fen: int, note: str, now_us: int) -> None:
        await _QUERIES["close_shift"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            shift_id=shift_id,
            expected_fen=expected_fen,
            counted_fen=counted_fen,
            note=note,
            now_us=now_us,
        )


def _receipt(row: Row) -> Receipt:
    given = {
        "day": day_text(row["day"]),
        "paid": [PaidItem(bill_id, month_text(month), of_fee, fen) for bill_id, month, of_fee, fen in row["paid"]],
        "taken_at": utc_of_us(row["taken_us"]),
    }
    return Receipt(**{name: value for name, value in {**row, **given}.items() if name != "taken_us"})


def _paid(shares: Sequence[Share]) -> list[list[int | bool]]:
    return [[one.bill_id, one.month, one.of_fee, one.fen] for one in shares]


class Receipts:
    """``ReceiptStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def of_key(self, channel: Channel, key: str) -> Receipt | None:
        found = await self._receipts(1, channel=channel, key=key)
        return next(iter(found), None)

    async def add(
        self,
        shift_id: int | None,
        account_id: int,
        channel: Channel,
        key: str,
        fen: int,
        day: int,
        entry_id: int,
        paid: Sequence[Share],
        credit_fen: int,
        owed_fen: int,
        taken_by: UserId,
        now_us: int,
    ) -> int:
        found: int = await _QUERIES["add_receipt"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            shift_id=shift_id,
            account_id=account_id,
            channel=channel,
            key=key,
            fen=fen,
            day=day,
            entry_id=entry_id,
            paid=_paid(paid),
            credit_fen=credit_fen,
            owed_fen=owed_fen,
            taken_by=taken_by,
            now_us=now_us,
        )
        return found

    async def of_keys(self, channel: Channel, keys: Sequence[str]) -> Mapping[str, int]:
        rows = await _QUERIES["receipts_of_keys"].fetch(
            self._connection, tenant_id=self._tenant_id, channel=channel, keys=list(keys)
        )
        return {row["key"]: row["receipt_id"] for row in rows}

    async def add_many(self, rows: ReceiptBatch, taken_by: UserId, now_us: int) -> list[int]:
        made = await _QUERIES["add_receipts"].fetch(
            self._connection, tenant_id=self._tenant_id, channel=rows.channel, day=rows.day, taken_by=taken_by, now_us=now_us,
            account_ids=list(rows.account_ids), keys=list(rows.keys), fen=list(rows.fen), entry_ids=list(rows.entry_ids),
            paid=[_paid(one) for one in rows.paid], credit_fen=[one.credit_fen for one in rows.after],
            owed_fen=[one.owed_fen for one in rows.after],
        )  # fmt: skip
        ids = {row["key"]: row["receipt_id"] for row in made}
        return [ids[key] for key in rows.keys]

    async def get(self, receipt_id: int) -> Receipt | None:
        found = await self._receipts(1, receipt_id=receipt_id)
        return next(iter(found), None)

    async def page(
        self, limit: int, after: int | None, *, account_id: int | None = None, shift_id: int | None = None
    ) -> list[Receipt]:
        return await self._receipts(limit, after=after, account_id=account_id, shift_id=shift_id)

    async def utility(self) -> str:
        found: str = await _QUERIES["utility"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def zone(self) -> str:
        found: str = await _QUERIES["zone"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def _receipts(
        self,
        most: int,
        *,
        receipt_id: int | None = None,
        channel: str | None = None,
        key: str | None = None,
        account_id: int | None = None,
        shift_id: int | None = None,
        after: int | None = None,
    ) -> list[Receipt]:
        rows = await _QUERIES["receipts"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            receipt_id=receipt_id,
            channel=channel,
            key=key,
            account_id=account_id,
            shift_id=shift_id,
            after=after,
            most=most,
        )
        return [_receipt(row) for row in rows]


def _return(row: Row) -> PaymentReturn:
    given = {
        "made_at": utc_of_us(row["made_us"]),
        "decided_at": None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
    }
    return PaymentReturn(
        **{name: value for name, value in {**row, **given}.items() if name not in ("made_us", "decided_us")}
    )


class Returns:
    """``ReturnStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(self, receipt_id: int, shift_id: int | None, reason: str, author: UserId, now_us: int) -> int | None:
        found: int | None = await _QUERIES["add_return"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            receipt_id=receipt_id,
            shift_id=shift_id,
            reason=reason,
            author_id=author,
            now_us=now_us,
        )
        return found

    async def lock(self, return_id: int) -> PaymentReturn | None:
        await _QUERIES["lock_return"].execute(self._connection, tenant_id=self._tenant_id, return_id=return_id)
        return await self.get(return_id)

    async def get(self, return_id: int) -> PaymentReturn | None:
        rows = await self._returns(1, return_id, None)
        return rows[0] if rows else None

    async def page(self, limit: int, after: int | None) -> list[PaymentReturn]:
        return await self._returns(limit, None, after)

    async def _returns(self, most: int, return_id: int | None, after: int | None) -> list[PaymentReturn]:
        rows = await _QUERIES["returns"].fetch(
            self._connection, tenant_id=self._tenant_id, return_id=return_id, after=after, most=most
        )
        return [_return(row) for row in rows]

    async def decide(
        self, return_id: int, state: str, user_id: UserId, decision: str, entry_id: int | None, now_us: int
    ) -> None:
        await _QUERIES["decide_return"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            return_id=return_id,
            state=state,
            user_id=user_id,
            decision=decision,
            entry_id=entry_id,
            now_us=now_us,
        )
