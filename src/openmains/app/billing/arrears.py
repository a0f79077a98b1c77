# SPDX-License-Identifier: Apache-2.0
"""What is owed since when, with the late fee as it is today."""

from collections.abc import Sequence

from openmains.app.billing.model import ArrearsRow
from openmains.app.billing.ports import Arrears, ArrearsWanted, OpenBill, SettlementStore
from openmains.app.billing.settling import fee_of
from openmains.app.unit_of_work import Work
from openmains.domain.period import day_text, month_text


async def list_arrears(work: Work, wanted: ArrearsWanted, limit: int) -> list[ArrearsRow]:
    """Accounts with principal owed after its due day, the longest first."""
    rows = await work[SettlementStore].in_arrears(wanted, limit)
    bills: dict[int, list[OpenBill]] = {}
    for bill in await work[SettlementStore].open_bills([row.account_id for row in rows]):
        bills.setdefault(bill.account_id, []).append(bill)
    return [_row(row, bills.get(row.account_id, []), wanted.today) for row in rows]


def _row(row: Arrears, bills: Sequence[OpenBill], today: int) -> ArrearsRow:
    return ArrearsRow(
        account_id=row.account_id,
        customer_class=row.label.customer_class,
        tariff=row.label.tariff,
        area_id=row.label.area_id,
        area=row.label.area,
        bills=row.bills,
        oldest_month=month_text(row.oldest_month),
        oldest_due=day_text(row.oldest_due),
        age_days=today - row.oldest_due,
        open_fen=row.open_fen,
        fee_fen=sum(fee_of(bill, today) - bill.fee_paid for bill in bills),
    )
