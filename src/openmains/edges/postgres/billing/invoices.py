# SPDX-License-Identifier: Apache-2.0
"""Invoices on one tenant's transaction."""

from collections.abc import Sequence
from datetime import datetime

from openmains.app.billing.invoice_model import Invoice, InvoiceTax
from openmains.app.billing.invoice_ports import NewInvoice
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_INVOICES = load(__package__, "invoices.sql")


def _instant(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)


def _invoice(row: Row) -> Invoice:
    values = {name: value for name, value in dict(row).items() if name not in ("asked_us", "issued_us", "red_us")}
    return Invoice(
        **values, asked_at=utc_of_us(row["asked_us"]), issued_at=_instant(row["issued_us"]), red_at=_instant(row["red_us"])
    )  # fmt: skip


class Invoices:
    """``InvoiceStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def taxes(self) -> list[InvoiceTax]:
        rows = await _INVOICES["taxes"].fetch(self._connection, tenant_id=self._tenant_id)
        return [InvoiceTax(**dict(row)) for row in rows]

    async def put_taxes(self, taxes: Sequence[InvoiceTax]) -> None:
        await _INVOICES["clear_taxes"].execute(self._connection, tenant_id=self._tenant_id)
        await _INVOICES["add_taxes"].execute(
            self._connection, tenant_id=self._tenant_id, components=[one.component for one in taxes], items=[one.item for one in taxes],
            tax_codes=[one.tax_code for one in taxes], rates=[one.rate_bp for one in taxes],
        )  # fmt: skip

    async def seller(self) -> str:
        found: str = await _INVOICES["seller"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def add(self, new: NewInvoice, user_id: UserId, now_us: int) -> int | None:
        found: int | None = await _INVOICES["add_invoice"].fetchval(
            self._connection, tenant_id=self._tenant_id, **{**new._asdict(), "document": dict(new.document)}, user_id=user_id, now_us=now_us
        )  # fmt: skip
        return found

    async def get(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        if lock:
            await _INVOICES["lock_invoice"].execute(self._connection, tenant_id=self._tenant_id, invoice_id=invoice_id)
        found = await self._invoices(1, invoice_id=invoice_id)
        return next(iter(found), None)

    async def of_bill(self, bill_id: int) -> list[Invoice]:
        return await self._invoices(100, bill_id=bill_id)

    async def page(self, limit: int, after: int | None, *, state: str | None) -> list[Invoice]:
        return await self._invoices(limit, after=after, state=state)

    async def _invoices(
        self,
        most: int,
        *,
        invoice_id: int | None = None,
        bill_id: int | None = None,
        state: str | None = None,
        after: int | None = None,
    ) -> list[Invoice]:
        rows = await _INVOICES["invoices"].fetch(
            self._connection, tenant_id=self._tenant_id, invoice_id=invoice_id, bill_id=bill_id, state=state, after=after, most=most
        )  # fmt: skip
        return [_invoice(row) for row in rows]

    async def move(self, invoice_id: int, state: str, number: str, fault: str, now_us: int) -> None:
        await _INVOICES["move_invoice"].execute(
            self._connection, tenant_id=self._tenant_id, invoice_id=invoice_id, state=state, number=number, fault=fault, now_us=now_us
        )  # fmt: skip

    async def ask_red(self, invoice_id: int, reason: str, user_id: UserId) -> None:
        await _INVOICES["ask_red"].execute(
            self._connection, tenant_id=self._tenant_id, invoice_id=invoice_id, reason=reason, user_id=user_id
        )
