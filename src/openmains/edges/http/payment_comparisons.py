# SPDX-License-Identifier: Apache-2.0
"""A day's comparison of channel, ledger and meters, and what is made of its differences."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.payment import comparing
from openmains.app.payment.channels.port import StatementLine
from openmains.app.payment.compare_model import (
    DifferenceName,
    DifferenceState,
    MoneyKindName,
    PaymentComparison,
    PaymentDifference,
)
from openmains.app.payment.compare_ports import ComparisonStore
from openmains.domain.identity.permission import Permission
from openmains.domain.payment.compare import MoneyKind
from openmains.domain.period import date_to_day
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.payment import Key
from openmains.edges.http.payment_orders import Money, Row, tools_of
from openmains.edges.http.permissions import may


class NewComparison(Struct, frozen=True, forbid_unknown_fields=True):
    """A channel, and a day of it (Beijing) that is over."""

    channel_id: Row
    day: date


class ThirdPartyLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of what a third party says. ``number``: the key of the payment, or the number of the refund."""

    kind: MoneyKindName
    number: Key
    fen: Money


class ThirdPartyDay(Struct, frozen=True, forbid_unknown_fields=True):
    """All that third parties took and gave back on a day (Beijing)."""

    day: date
    lines: Annotated[list[ThirdPartyLine], Meta(max_length=20_000)]


class DifferenceBooking(Struct, frozen=True, forbid_unknown_fields=True):
    """The account whose credit it becomes, and why."""

    account_id: Row
    reason: ReasonText = ""


@get(
    "/payment-comparisons",
    operation_id="list_payment_comparisons",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def list_payment_comparisons(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[PaymentComparison]:
    """Comparisons that were made, newest first. The platform makes one of each channel every day."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ComparisonStore].comparisons(limit + 1, after_id("payment-comparisons", cursor))
    return page("payment-comparisons", rows, limit, lambda one: one.comparison_id)


@post("/payment-comparisons", operation_id="compare_payments", tags=["payments"], opt=may(Permission.ASK_FOR_MONEY))
async def compare_payments(request: Request[Any, Any, Any], data: JSONBody[NewComparison]) -> PaymentComparison:
    """Read the channel's file of a day and compare it with ledger and meters. The same day again renews what was found."""
    deps = deps_of(request)
    return await comparing.compare_channel(
        deps.store, tools_of(request), actor_of(request), data.channel_id, date_to_day(data.day), deps.now_us()
    )


@post(
    "/payment-comparisons/third-parties", operation_id="compare_third_parties", tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)  # fmt: skip
async def compare_third_parties(request: Request[Any, Any, Any], data: JSONBody[ThirdPartyDay]) -> PaymentComparison:
    """The same with what third parties say that they took."""
    deps = deps_of(request)
    lines = [StatementLine(MoneyKind(line.kind), line.number, line.number, line.fen) for line in data.lines]
    return await comparing.compare_third_parties(
        deps.store, actor_of(request), date_to_day(data.day), lines, deps.now_us()
    )


@get(
    "/payment-differences",
    operation_id="list_payment_differences",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def list_payment_differences(
    request: Request[Any, Any, Any],
    of_state: Annotated[DifferenceState | None, QueryParameter(name="state")] = None,
    what: Annotated[DifferenceName | None, QueryParameter(description="What is not as it should be.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PaymentDifference]:
    """Differences, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        after = after_id("payment-differences", cursor)
        rows = await work[ComparisonStore].differences(limit + 1, after, state=of_state, what=what)
    return page("payment-differences", rows, limit, lambda one: one.difference_id)


@post(
    "/payment-differences/{difference_id:int}/explain", operation_id="explain_difference", status_code=200, tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)  # fmt: skip
async def explain_difference(
    request: Request[Any, Any, Any], difference_id: Id, data: JSONBody[Reason]
) -> PaymentDifference:
    """Settled by what was found out; no money moves."""
    deps = deps_of(request)
    return await comparing.explain(deps.store, actor_of(request), difference_id, data.reason, deps.now_us())


@post(
    "/payment-differences/{difference_id:int}/book", operation_id="ask_to_book_difference", status_code=200, tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)  # fmt: skip
async def ask_to_book_difference(
    request: Request[Any, Any, Any], difference_id: Id, data: JSONBody[DifferenceBooking]
) -> PaymentDifference:
    """A payment in the channel's file that is not here is to be an account's credit; another person agrees."""
    deps = deps_of(request)
    return await comparing.ask_to_book(
        deps.store, actor_of(request), difference_id, data.account_id, data.reason, deps.now_us()
    )


@post(
    "/payment-differences/{difference_id:int}/approve", operation_id="approve_booking", status_code=200, tags=["payments"],
    opt=may(Permission.APPROVE_MONEY),
)  # fmt: skip
async def approve_booking(
    request: Request[Any, Any, Any], difference_id: Id, data: JSONBody[Reason]
) -> PaymentDifference:
    """Another person than its author agrees: it is booked today."""
    deps = deps_of(request)
    return await comparing.decide_booking(
        deps.store, actor_of(request), difference_id, data.reason, today_number(request), deps.now_us(), agreed=True
    )


@post(
    "/payment-differences/{difference_id:int}/reject", operation_id="reject_booking", status_code=200, tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)  # fmt: skip
async def reject_booking(
    request: Request[Any, Any, Any], difference_id: Id, data: JSONBody[Reason]
) -> PaymentDifference:
    """Nothing is booked; the difference is open again."""
    deps = deps_of(request)
    return await comparing.decide_booking(
        deps.store, actor_of(request), difference_id, data.reason, today_number(request), deps.now_us(), agreed=False
    )


HANDLERS: list[Any] = [
    list_payment_comparisons,
    compare_payments,
    compare_third_parties,
    list_payment_differences,
    explain_difference,
    ask_to_book_difference,
    approve_booking,
    reject_booking,
]
