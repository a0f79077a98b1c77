# SPDX-License-Identifier: Apache-2.0
"""Bills as they are printed, and the letterhead."""

from collections.abc import Mapping, Sequence

import msgspec

from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper_ports import PastMonth, PrintedBill
from openmains.app.billing.ports import KeptBill
from openmains.app.billing.rows import BillInputs, CountRow, LineRow
from openmains.domain.ids import TenantId, UserId
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "papers.sql")


def _printed(row: Row) -> PrintedBill:
    kept = KeptBill(
        bill_id=row["bill_id"],
        account_id=row["account_id"],
        month=row["month"],
        version=row["version"],
        end_day=row["end_day"],
        book_day=row["book_day"],
        due_day=row["due_day"],
        total_fen=row["total_fen"],
        by_days=row["by_days"],
        inputs=msgspec.convert(row["inputs"], BillInputs),
        lines=msgspec.convert(row["lines"], list[LineRow]),
        counted=msgspec.convert(row["counted"], CountRow),
        entry_id=row["entry_id"],
        reason=row["reason"],
    )
    return PrintedBill(
        kept=kept,
        number=row["number"],
        holder=row["holder"],
        address=row["address"],
        medium=row["medium"],
        tariff=row["tariff"],
        customer_class=CustomerClass(row["customer_class"]),
        first_day=row["first_day"],
        volume_ml=row["volume_ml"],
        estimated_days=row["estimated_days"],
        superseded=row["superseded"],
        made_us=row["made_us"],
    )


class Papers:
    """``PaperStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def letterhead(self) -> Letterhead:
        row = await _QUERIES["letterhead"].fetchrow(self._connection, tenant_id=self._tenant_id)
        return Letterhead() if row is None else Letterhead(**row)

    async def set_letterhead(self, wanted: Letterhead, user_id: UserId, now_us: int) -> None:
        await _QUERIES["set_letterhead"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            now_us=now_us,
            **{name: getattr(wanted, name) for name in wanted.__struct_fields__},
        )

    async def utility(self) -> str:
        found: str = await _QUERIES["utility"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def bills(self, bill_ids: Sequence[int]) -> list[PrintedBill]:
        rows = await _QUERIES["printed"].fetch(self._connection, tenant_id=self._tenant_id, bill_ids=list(bill_ids))
        return [_printed(row) for row in rows]

    async def past(
        self, account_ids: Sequence[int], first_month: int, last_month: int
    ) -> Mapping[int, Sequence[PastMonth]]:
        rows = await _QUERIES["past"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            account_ids=list(account_ids),
            first_month=first_month,
            last_month=last_month,
        )
        found: dict[int, list[PastMonth]] = {}
        for account_id, month, volume_ml, total_fen in rows:
            found.setdefault(account_id, []).append(PastMonth(month, volume_ml, total_fen))
        return found

    async def of_run(self, run_id: int, after: int, limit: int) -> list[int]:
        rows = await _QUERIES["of_run"].fetch(
            self._connection, tenant_id=self._tenant_id, run_id=run_id, after=after, most=limit
        )
        return [row["bill_id"] for row in rows]

    async def count(self, run_id: int) -> int:
        found: int | None = await _QUERIES["count_of_run"].fetchval(
            self._connection, tenant_id=self._tenant_id, run_id=run_id
        )
        return found or 0
