# SPDX-License-Identifier: Apache-2.0
"""Bill runs, bills with the sum line by line, corrections, arrears."""

import re
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.billing import arrears, correct, read, run
from openmains.app.billing.model import (
    ArrearsRow,
    BillCorrection,
    BillDetail,
    BillHead,
    BillRun,
    CorrectedBill,
    RecomputedBill,
    RefusedAccount,
)
from openmains.app.billing.ports import ArrearsWanted, BillStore, CorrectionStore, DayVolumes, RunStore
from openmains.app.problems import Problem
from openmains.app.tariff.simulate import UnitOf
from openmains.domain.identity.permission import Permission
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_number
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    PathWord,
    Reason,
    ReasonText,
    after_id,
    after_pair,
    page,
)
from openmains.edges.http.permissions import may

MONTH = re.compile("[0-9]{4}-(0[1-9]|1[0-2])")
Month = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM.")]
AccountId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class NewRun(Struct, frozen=True, forbid_unknown_fields=True):
    """``due_days``: days after the month (or after the booking, where that is later) on which no late fee arises yet."""

    month: Month
    due_days: Annotated[int, Meta(ge=0, le=run.MOST_DUE_DAYS)] = 20
    reason: ReasonText = ""


class NewCorrection(Struct, frozen=True, forbid_unknown_fields=True):
    """Bills of an account from a month on."""

    account_id: AccountId
    month: Month
    reason: ReasonText = ""


def _volumes(deps: ApiDeps) -> DayVolumes:
    if deps.billed_days is None:
        raise Problem("not-offered")
    return deps.billed_days


def _unit_of(deps: ApiDeps) -> UnitOf:
    """Raises ``KeyError`` for a driver that is not installed: nobody may guess what its numbers mean."""
    return {one.name: one.unit_exponent for one in deps.drivers.pages()}.__getitem__


def _month(text: str) -> str:
    if not MONTH.fullmatch(text) or not 1990 <= int(text[:4]) <= 2100:
        raise Problem("invalid-input", fields=(("/month", "out-of-range"),))
    return text


@get("/bill-runs", operation_id="list_bill_runs", tags=["billing"], opt=may(Permission.SEE_MONEY, whole=True))
async def list_bill_runs(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[BillRun]:
    """Runs with how far they are, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[RunStore].page(limit + 1, after_id("bill-runs", cursor))
    return page("bill-runs", rows, limit, lambda one: one.run_id)


@post("/bill-runs", operation_id="start_bill_run", tags=["billing"], opt=may(Permission.RUN_BILLING))
async def start_bill_run(request: Request[Any, Any, Any], data: JSONBody[NewRun]) -> BillRun:
    """Bill all accounts for a month that is over. What was billed before is not billed again; doubts are refused one by one."""
    deps, actor = deps_of(request), actor_of(request)
    return await run.start_run(
        deps.store, actor, _month(data.month), data.due_days, data.reason, today_number(request), deps.now_us()
    )


@get(
    "/bill-runs/{run_id:int}", operation_id="read_bill_run", tags=["billing"], opt=may(Permission.SEE_MONEY, whole=True)
)
async def read_bill_run(request: Request[Any, Any, Any], run_id: Id) -> BillRun:
    """One run."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[RunStore].get(run_id)
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/bill-runs/{run_id:int}/resume",
    operation_id="resume_bill_run",
    status_code=200,
    tags=["billing"],
    opt=may(Permission.RUN_BILLING),
)
async def resume_bill_run(request: Request[Any, Any, Any], run_id: Id, data: JSONBody[Reason]) -> BillRun:
    """A run that stopped goes on behind its last part."""
    return await run.resume_run(deps_of(request).store, actor_of(request), run_id, data.reason)


@get(
    "/bill-runs/{run_id:int}/refused",
    operation_id="list_refused_accounts",
    tags=["billing"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def list_refused_accounts(
    request: Request[Any, Any, Any], run_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[RefusedAccount]:
    """Accounts that a run made no bill of, and why, by account."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        if await work[RunStore].place(run_id) is None:
            raise Problem("not-found")
        rows = await work[RunStore].refusals(run_id, limit + 1, after_id("refused", cursor) or 0)
    return page("refused", rows, limit, lambda one: one.account_id)


@get("/bills", operation_id="list_bills", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_bills(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    run_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BillHead]:
    """Bills, newest first; corrected ones too, marked as superseded."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[BillStore].heads(limit + 1, after_id("bills", cursor), account_id=account_id, run_id=run_id)
    return page("bills", rows, limit, lambda one: one.bill_id)


@get("/bills/{bill_id:int}", operation_id="read_bill", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def read_bill(request: Request[Any, Any, Any], bill_id: Id) -> BillDetail:
    """A bill with its sum line by line, and the days it rests on by version."""
    return await read.read_bill(deps_of(request).store, actor_of(request).tenant_id, bill_id)


@get("/bills/{bill_id:int}/recomputed", operation_id="recompute_bill", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def recompute_bill(request: Request[Any, Any, Any], bill_id: Id) -> RecomputedBill:
    """Worked out again of its stored inputs: the same fen, or ``same`` says not; and which days have a newer version."""
    deps = deps_of(request)
    return await read.recompute(deps.store, _volumes(deps), actor_of(request).tenant_id, bill_id)


@get(
    "/accounts/{account_id:int}/corrections/{month:str}",
    operation_id="preview_correction",
    tags=["billing"],
    opt=may(Permission.SEE_MONEY),
)
async def preview_correction(request: Request[Any, Any, Any], account_id: Id, month: PathWord) -> list[CorrectedBill]:
    """What a correction of this account from a month (YYYY-MM) on would change now; nothing is written."""
    deps = deps_of(request)
    return await correct.preview(
        deps.store, _volumes(deps), _unit_of(deps), actor_of(request).tenant_id, account_id, _month(month)
    )


@get("/bill-corrections", operation_id="list_corrections", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_corrections(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[BillCorrection]:
    """Corrections that were asked for, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[CorrectionStore].page(limit + 1, after_id("corrections", cursor))
    return page("corrections", rows, limit, lambda one: one.correction_id)


@post("/bill-corrections", operation_id="ask_for_correction", tags=["billing"], opt=may(Permission.ASK_FOR_MONEY))
async def ask_for_correction(request: Request[Any, Any, Any], data: JSONBody[NewCorrection]) -> BillCorrection:
    """Ask for bills of an account to be made anew: nothing is booked until another person agrees."""
    deps = deps_of(request)
    return await correct.ask_for_correction(
        deps.store, _volumes(deps), _unit_of(deps), actor_of(request), data.account_id, _month(data.month), data.reason,
        deps.now_us(),
    )  # fmt: skip


@post(
    "/bill-corrections/{correction_id:int}/approve",
    operation_id="approve_correction",
    status_code=200,
    tags=["billing"],
    opt=may(Permission.APPROVE_MONEY),
)
async def approve_correction(
    request: Request[Any, Any, Any], correction_id: Id, data: JSONBody[Reason]
) -> BillCorrection:
    """Another person than its author agrees: bills are reversed and made anew today."""
    return await _decide(request, correction_id, data.reason, agreed=True)


@post(
    "/bill-corrections/{correction_id:int}/reject",
    operation_id="reject_correction",
    status_code=200,
    tags=["billing"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def reject_correction(
    request: Request[Any, Any, Any], correction_id: Id, data: JSONBody[Reason]
) -> BillCorrection:
    """Nothing is booked; its author may take it back so."""
    return await _decide(request, correction_id, data.reason, agreed=False)


async def _decide(request: Request[Any, Any, Any], correction_id: int, reason: str, *, agreed: bool) -> BillCorrection:
    deps = deps_of(request)
    return await correct.decide_correction(
        deps.store, _volumes(deps), _unit_of(deps), actor_of(request), correction_id, reason, today_number(request),
        deps.now_us(), agreed=agreed,
    )  # fmt: skip


@get("/arrears", operation_id="list_arrears", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_arrears(
    request: Request[Any, Any, Any],
    least_days: Annotated[int, QueryParameter(ge=1, le=36_500, description="Owed for so many days at the least.")] = 1,
    customer_class: Annotated[CustomerClass | None, QueryParameter()] = None,
    area_id: OptionalId32 = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ArrearsRow]:
    """Accounts that owe after the due day, the longest first, with the late fee as of today."""
    wanted = ArrearsWanted(
        today_number(request),
        least_days,
        None if customer_class is None else customer_class.value,
        area_id,
        after_pair("arrears", cursor),
    )
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await arrears.list_arrears(work, wanted, limit + 1)
    return page("arrears", rows, limit, lambda one: (run.day_number(one.oldest_due), one.account_id))


HANDLERS: list[Any] = [
    list_bill_runs,
    start_bill_run,
    read_bill_run,
    resume_bill_run,
    list_refused_accounts,
    list_bills,
    read_bill,
    recompute_bill,
    preview_correction,
    list_corrections,
    ask_for_correction,
    approve_correction,
    reject_correction,
    list_arrears,
]
