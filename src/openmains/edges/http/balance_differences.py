# SPDX-License-Identifier: Apache-2.0
"""Meters that deduct by themselves: days on which a balance is not what it should be, what explains it, and what people made of it."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from openmains.app.billing.mirror_model import MirroredDay, MirroredMeter, ReviewVerdict
from openmains.app.billing.mirror_ports import MirrorStore
from openmains.app.billing.review_difference import review_difference
from openmains.domain.identity.permission import Permission
from openmains.domain.period import date_to_day
from openmains.domain.tariff.mirror import Cause
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    ReasonText,
    after_id,
    after_pair,
    page,
)
from openmains.edges.http.permissions import may

Amount = Annotated[
    int | None, QueryParameter(ge=0, le=10**12, description="Least difference, whatever its sign: fen or litres.")
]


class DifferenceReview(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person made of it: ``accepted`` (nothing is to be done), ``settled`` (put right by the ledger or a top-up), ``meter`` (it is
    seen to)."""

    verdict: ReviewVerdict
    reason: ReasonText = ""


@get("/balance-differences", operation_id="list_balance_differences", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_balance_differences(
    request: Request[Any, Any, Any],
    cause: Annotated[
        Cause | None, QueryParameter(description="Only those of which an explanation names this cause.")
    ] = None,
    area_id: OptionalId32 = None,
    least: Amount = None,
    age_days: Annotated[
        int | None, QueryParameter(ge=0, le=36_500, description="Only days so long ago, or longer.")
    ] = None,
    is_open: Annotated[
        bool | None,
        QueryParameter(name="open", description="Reviewed by nobody; false: by somebody."),
    ] = None,
    meter_id: OptionalId = None,
    account_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MirroredDay]:
    """Days on which a meter's own balance is not what it should be, by their newest version, those found last first. An area is meant with
    those below it. Nothing of this is booked."""
    until_day = None if age_days is None else today_number(request) - age_days
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[MirrorStore].differences(
            limit + 1, after_id("balance-differences", cursor), cause=cause, area_id=area_id, least=least, until_day=until_day,
            is_open=is_open, meter_id=meter_id, account_id=account_id,
        )  # fmt: skip
    return page("balance-differences", rows, limit, lambda one: one.mirrored_id)


@post(
    "/balance-differences/{mirrored_id:int}/review",
    operation_id="review_difference",
    status_code=204,
    tags=["billing"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def review_balance_difference(
    request: Request[Any, Any, Any], mirrored_id: Id, data: JSONBody[DifferenceReview]
) -> None:
    """Notes what a person made of a difference; no money moves. Of a version: where a late report makes another one, that is open again."""
    deps = deps_of(request)
    await review_difference(deps.store, actor_of(request), mirrored_id, data.verdict, data.reason, deps.now_us())


@get("/mirrored-meters", operation_id="list_mirrored_meters", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_mirrored_meters(
    request: Request[Any, Any, Any],
    in_doubt: Annotated[
        bool, QueryParameter(description="Only those whose balance cannot be worked out, for a doubt.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MirroredMeter]:
    """Meters that say a balance of their own, by meter, with what keeps it from being worked out."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[MirrorStore].meters(limit + 1, after_id("mirrored-meters", cursor), in_doubt=in_doubt)
    return page("mirrored-meters", rows, limit, lambda one: one.meter_id)


def _place(one: MirroredDay) -> tuple[int, int]:
    return date_to_day(date.fromisoformat(one.day)), one.version


@get(
    "/meters/{meter_id:int}/mirrored-days",
    operation_id="list_mirrored_days",
    tags=["billing"],
    opt=may(Permission.SEE_MONEY),
)
async def list_mirrored_days(
    request: Request[Any, Any, Any], meter_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[MirroredDay]:
    """A meter's balance day by day, as it was and as it should have been, newest days first. What came late made a day's next version."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[MirrorStore].days(meter_id, limit + 1, after_pair("mirrored-days", cursor))
    return page("mirrored-days", rows, limit, _place)


HANDLERS: list[Any] = [
    list_balance_differences,
    review_balance_difference,
    list_mirrored_meters,
    list_mirrored_days,
]
