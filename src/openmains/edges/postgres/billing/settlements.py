# SPDX-License-Identifier: Apache-2.0
"""What paid which bill, and what is owed since when."""

from collections.abc import Sequence

from openmains.app.billing.ports import Arrears, ArrearsLabel, ArrearsWanted, OpenBill, Settlement
from openmains.domain.ids import TenantId
from openmains.domain.tariff.plan import CustomerClass, LateFeeRule
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _open(row: Row) -> OpenBill:
    fee = LateFeeRule(row["fee_ppm"], row["fee_grace"], row["fee_cap_ppm"]) if row["fee_ppm"] else None
    return OpenBill(
        bill_id=row["bill_id"],
        account_id=row["account_id"],
        month=row["month"],
        due_day=row["due_day"],
        total_fen=row["total_fen"],
        fee=fee,
        paid=tuple(zip(row["days"], row["fen"], strict=True)),
        fee_booked=row["fee_booked"],
        fee_paid=row["fee_paid"],
    )


class Settlements:
    """``SettlementStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def open_bills(self, account_ids: Sequence[int]) -> list[OpenBill]:
        rows = await _QUERIES["open_bills"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return [_open(row) for row in rows]

    async def add(self, rows: Sequence[tuple[int, int, int, bool, int, int]]) -> None:
        if rows:
            entry_ids, bill_ids, account_ids, of_fee, days, fen = (list(column) for column in zip(*rows, strict=True))
            await _QUERIES["add_settlements"].execute(
                self._connection,
                tenant_id=self._tenant_id,
                entry_ids=entry_ids,
                bill_ids=bill_ids,
                account_ids=account_ids,
                of_fee=of_fee,
                days=days,
                fen=fen,
            )

    async def add_fee(self, entry_id: int, bill_id: int, account_id: int, day: int, fen: int) -> None:
        await _QUERIES["add_fee"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            entry_id=entry_id,
            bill_id=bill_id,
            account_id=account_id,
            day=day,
            fen=fen,
        )

    async def fees(self, bill_id: int) -> list[int]:
        rows = await _QUERIES["fees"].fetch(self._connection, tenant_id=self._tenant_id, bill_id=bill_id)
        return [row["entry_id"] for row in rows]

    async def standing(self, account_id: int, bill_id: int | None = None) -> list[Settlement]:
        rows = await _QUERIES["standing"].fetch(
            self._connection, tenant_id=self._tenant_id, account_id=account_id, bill_id=bill_id
        )
        return [Settlement(**row) for row in rows]

    async def in_arrears(self, wanted: ArrearsWanted, limit: int) -> list[Arrears]:
        after = wanted.after or (None, None)
        rows = await _QUERIES["arrears"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            today=wanted.today,
            least_days=wanted.least_days,
            customer_class=wanted.customer_class,
            area_id=wanted.area_id,
            account_id=wanted.account_id,
            after_due=after[0],
            after_account=after[1],
            most=limit,
        )
        labels = await _QUERIES["arrears_labels"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            tariff_ids=[row["tariff_id"] for row in rows],
            meter_ids=[row["meter_id"] for row in rows],
        )
        return [
            Arrears(
                row["account_id"],
                row["bills"],
                row["oldest_month"],
                row["oldest_due"],
                row["open_fen"],
                ArrearsLabel(CustomerClass(label["customer_class"]), label["tariff"], label["area_id"], label["area"]),
            )
            for row, label in zip(rows, labels, strict=True)
        ]
