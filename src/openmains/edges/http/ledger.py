# SPDX-License-Identifier: Apache-2.0
"""The ledger: entries, payments, acts that two persons do, months, trial balance and journal."""

import asyncio
import io
import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.ledger import acts, booking, report
from openmains.app.ledger.model import (
    ActKind,
    ActState,
    BookedEntry,
    Channel,
    ClosedMonth,
    CustomerBalance,
    LedgerAct,
    TrialBalance,
)
from openmains.app.ledger.ports import ActStore, LedgerStore
from openmains.app.ledger.report import Language
from openmains.app.problems import Problem
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook_in
from openmains.domain.identity.permission import Permission
from openmains.domain.ledger.entries import EntryKind
from openmains.domain.period import date_to_day
from openmains.edges.http.bulk_inputs import XLSX
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    Page,
    PathWord,
    Reason,
    ReasonText,
    after_id,
    page,
)
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

MONTH = re.compile("[0-9]{4}-[0-9]{2}")
MOST_EXPORTED = 50_000  # entries of one file; more are refused: a period is to be shorter
From = Annotated[date, QueryParameter(name="from", description="First day, included.")]
To = Annotated[date, QueryParameter(name="to", description="Last day, included.")]
Key = Annotated[
    str,
    Meta(
        min_length=4,
        max_length=100,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="Unique; the same key again changes nothing.",
    ),
]
Fen = Annotated[int, Meta(ge=1, le=10**12)]
AccountId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class NewPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """``day``: today without it."""

    key: Key
    account_id: AccountId
    channel: Channel
    fen: Fen
    day: date | None = None
    note: Annotated[str, Meta(max_length=200)] = ""


class NewAct(Struct, frozen=True, forbid_unknown_fields=True):
    """``reverses``: entry that is taken back, for a reversal; ``account_id`` and ``fen`` for the others; ``channel`` for a refund.
    An adjustment below 0 takes credit back."""

    key: Key
    kind: ActKind
    account_id: AccountId | None = None
    fen: Annotated[int, Meta(ge=-(10**12), le=10**12)] | None = None
    channel: Channel | None = None
    reverses: AccountId | None = None
    reason: ReasonText = ""


def _period(first: date, last: date) -> tuple[int, int]:
    if not 1990 <= first.year <= 2100 or not 1990 <= last.year <= 2100 or last < first:
        raise Problem("invalid-input", fields=(("/to", "out-of-range"),))
    return date_to_day(first), date_to_day(last) + 1


@get("/ledger/entries", operation_id="list_entries", tags=["ledger"], opt=may(Permission.SEE_MONEY, whole=True))
async def list_entries(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    kind: Annotated[EntryKind | None, QueryParameter()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BookedEntry]:
    """Entries with their lines, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[LedgerStore].page(limit + 1, after_id("entries", cursor), account_id=account_id, kind=kind)
    return page("entries", rows, limit, lambda entry: entry.entry_id)


@get(
    "/ledger/entries/{entry_id:int}",
    operation_id="read_entry",
    tags=["ledger"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def read_entry(request: Request[Any, Any, Any], entry_id: Id) -> BookedEntry:
    """One entry."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[LedgerStore].get(entry_id)
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/ledger/customers/{account_id:int}",
    operation_id="read_customer_balance",
    tags=["ledger"],
    opt=may(Permission.SEE_MONEY),
)
async def read_customer_balance(request: Request[Any, Any, Any], account_id: Id) -> CustomerBalance:
    """What a customer paid ahead and owes; 0 where nothing was ever booked."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[LedgerStore].balance(account_id)


@post("/ledger/payments", operation_id="book_payment", tags=["ledger"], opt=may(Permission.BOOK_PAYMENTS))
async def book_payment(request: Request[Any, Any, Any], data: JSONBody[NewPayment]) -> BookedEntry:
    """Money that came in, as the customer's credit; the same key again is the same entry."""
    deps, actor = deps_of(request), actor_of(request)
    today = today_number(request)
    day = today if data.day is None else date_to_day(data.day)
    if not today - 366 <= day <= today:
        raise Problem("invalid-input", fields=(("/day", "out-of-range"),))
    return await booking.book_payment(
        deps.store, actor, f"pay:{data.key}", data.account_id, data.channel, data.fen, day, data.note, deps.now_us()
    )


@get("/ledger/acts", operation_id="list_acts", tags=["ledger"], opt=may(Permission.SEE_MONEY))
async def list_acts(
    request: Request[Any, Any, Any],
    wanted: Annotated[ActState | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LedgerAct]:
    """Reversals, refunds, write-offs, adjustments that were asked for, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ActStore].page(limit + 1, after_id("acts", cursor), state=wanted)
    return page("acts", rows, limit, lambda act: act.act_id)


@post("/ledger/acts", operation_id="ask_for_act", tags=["ledger"], opt=may(Permission.ASK_FOR_MONEY))
async def ask_for_act(request: Request[Any, Any, Any], data: JSONBody[NewAct]) -> LedgerAct:
    """Ask for a reversal, refund, write-off or adjustment: nothing is booked until another person agrees."""
    deps, actor = deps_of(request), actor_of(request)
    wanted = acts.ActRequest(data.kind, data.account_id, data.fen, data.channel or "", data.reverses, data.reason)
    return await acts.ask_for_act(deps.store, actor, data.key, wanted, today_number(request), deps.now_us())


@post(
    "/ledger/acts/{act_id:int}/approve",
    operation_id="approve_act",
    status_code=200,
    tags=["ledger"],
    opt=may(Permission.APPROVE_MONEY),
)
async def approve_act(request: Request[Any, Any, Any], act_id: Id, data: JSONBody[Reason]) -> LedgerAct:
    """Another person than its author agrees: it is booked today."""
    deps, actor = deps_of(request), actor_of(request)
    return await acts.decide_act(
        deps.store, actor, act_id, data.reason, today_number(request), deps.now_us(), agreed=True
    )


@post(
    "/ledger/acts/{act_id:int}/reject",
    operation_id="reject_act",
    status_code=200,
    tags=["ledger"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def reject_act(request: Request[Any, Any, Any], act_id: Id, data: JSONBody[Reason]) -> LedgerAct:
    """Nothing is booked; its author may take it back so."""
    deps, actor = deps_of(request), actor_of(request)
    return await acts.decide_act(
        deps.store, actor, act_id, data.reason, today_number(request), deps.now_us(), agreed=False
    )


@get("/ledger/months", operation_id="list_closed_months", tags=["ledger"], opt=may(Permission.SEE_MONEY))
async def list_closed_months(request: Request[Any, Any, Any]) -> list[ClosedMonth]:
    """Months that are closed, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[LedgerStore].months()


@post(
    "/ledger/months/{month:str}/close",
    operation_id="close_month",
    status_code=200,
    tags=["ledger"],
    opt=may(Permission.RUN_BILLING),
)
async def close_month(request: Request[Any, Any, Any], month: PathWord, data: JSONBody[Reason]) -> list[ClosedMonth]:
    """Nothing is booked into this month (YYYY-MM) or before it any more; it cannot be opened again."""
    deps, actor = deps_of(request), actor_of(request)
    if not MONTH.fullmatch(month):
        raise Problem("invalid-input", fields=(("/month", "wrong-format"),))
    if not (1990 <= int(month[:4]) <= 2100 and 1 <= int(month[5:]) <= 12):
        raise Problem("invalid-input", fields=(("/month", "out-of-range"),))
    return await booking.close_month(deps.store, actor, month, today_number(request), data.reason, deps.now_us())


@get(
    "/ledger/trial-balance",
    operation_id="read_trial_balance",
    tags=["ledger"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def read_trial_balance(request: Request[Any, Any, Any], first: From, last: To) -> TrialBalance:
    """Each account over the days: opening, debit, credit, closing; the sums are 0 or ``faults`` says which is not."""
    days = _period(first, last)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return report.trial_balance(await work[LedgerStore].movements(*days), *days)


@get(
    "/ledger/journal.csv",
    operation_id="download_journal_csv",
    media_type="text/csv",
    tags=["ledger"],
    opt=may(Permission.EXPORT_MONEY),
)
async def download_journal_csv(request: Request[Any, Any, Any], first: From, last: To) -> Response[bytes]:
    """Vouchers (记账凭证) as CSV, a row a line, in the columns that Chinese finance systems read."""
    entries, language = await _journal(request, first, last), language_of(request)
    data = await asyncio.to_thread(_csv, entries, language)
    return _file(data, "text/csv; charset=utf-8", f"journal-{first}-{last}.csv")


@get(
    "/ledger/journal.xlsx",
    operation_id="download_journal_xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    tags=["ledger"],
    opt=may(Permission.EXPORT_MONEY),
)
async def download_journal_xlsx(request: Request[Any, Any, Any], first: From, last: To) -> Response[bytes]:
    """The same as a workbook; amounts are text with two decimals, so that no spreadsheet rounds them."""
    entries, language = await _journal(request, first, last), language_of(request)
    data = await asyncio.to_thread(_workbook, entries, language)
    return _file(data, XLSX, f"journal-{first}-{last}.xlsx")


def _csv(entries: Sequence[BookedEntry], language: Language) -> bytes:
    return b"".join(csv_bytes([report.VOUCHER_HEADS[language], *report.voucher_rows(entries, language)]))


def _workbook(entries: Sequence[BookedEntry], language: Language) -> bytes:
    data = io.BytesIO()
    with workbook_in(data) as book:
        sheet = book.add_worksheet("凭证" if language == "zh" else "vouchers")
        sheet.freeze_panes(1, 0)
        for number, row in enumerate([report.VOUCHER_HEADS[language], *report.voucher_rows(entries, language)]):
            sheet.write_row(number, 0, [neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return data.getvalue()


async def _journal(request: Request[Any, Any, Any], first: date, last: date) -> list[BookedEntry]:
    days = _period(first, last)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[LedgerStore].journal(*days, MOST_EXPORTED + 1, 0)
    if len(found) > MOST_EXPORTED:
        raise Problem("too-many-entries", limit=MOST_EXPORTED)
    return found


def _file(data: bytes, media_type: str, name: str) -> Response[bytes]:
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


HANDLERS: list[Any] = [
    list_entries,
    read_entry,
    read_customer_balance,
    book_payment,
    list_acts,
    ask_for_act,
    approve_act,
    reject_act,
    list_closed_months,
    close_month,
    read_trial_balance,
    download_journal_csv,
    download_journal_xlsx,
]
