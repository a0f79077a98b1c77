# SPDX-License-Identifier: Apache-2.0
"""A day's comparison: the channel's file is read, kept, and held against the ledger and the meters (``domain/payment/compare``).

Days are the channel's (Beijing). A payment that we learnt of late stands in the file of an earlier day, so a number is looked for in the
files of
``BACK_DAYS`` before; within ``EDGE_S`` of midnight it is of the next day's comparison, for the two clocks differ.
"""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.booking import book
from openmains.app.payment.booking import US
from openmains.app.payment.channel_settings import ChannelContext, opened
from openmains.app.payment.channels.port import StatementLine, Unclear
from openmains.app.payment.compare_model import PaymentComparison, PaymentDifference
from openmains.app.payment.compare_ports import ComparisonStore, ComparisonSums
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import payment
from openmains.domain.payment.compare import MoneyKind, MoneyLine, compare
from openmains.domain.period import DAY_S, day_text, zone

BEIJING = zone("Asia/Shanghai")
BACK_DAYS = 7
EDGE_S = 900
MOST_LINES = 200_000


async def compare_channel(
    store: Store,
    tools: ChannelContext,
    actor: Actor,
    channel_id: int,
    day: int,
    now_us: int,
    *,
    by_platform: bool = False,
) -> PaymentComparison:
    """Read the provider's file of a day and compare. The same day again renews what was found.

    :raises Problem: ``day-not-over``, ``not-found``, ``statement-away`` where the provider gives no file that can be believed.
    """
    _over(day, now_us)
    _, adapter = await opened(store, tools, actor.tenant_id, channel_id)
    lines = await adapter.statement(day_text(day))
    if isinstance(lines, Unclear):
        raise Problem("statement-away", reason_code=lines.why)
    return await _compared(store, actor, channel_id, day, lines, now_us, None if by_platform else actor.user_id)


async def compare_third_parties(
    store: Store, actor: Actor, day: int, lines: Sequence[StatementLine], now_us: int
) -> PaymentComparison:
    """The same of what third parties say that they took. Raises ``day-not-over``, ``too-large``."""
    _over(day, now_us)
    return await _compared(store, actor, 0, day, lines, now_us, actor.user_id)


def _over(day: int, now_us: int) -> None:
    if BEIJING.start_of(day + 1) > now_us // US:
        raise Problem("day-not-over", day=day_text(day))


async def _compared(
    store: Store,
    actor: Actor,
    channel_id: int,
    day: int,
    lines: Sequence[StatementLine],
    now_us: int,
    user_id: UserId | None,
) -> PaymentComparison:
    if len(lines) > MOST_LINES:
        raise Problem("too-large")
    start = BEIJING.start_of(day)
    edges = (start - EDGE_S) * US, (start + DAY_S - EDGE_S) * US
    async with store.tenant(actor.tenant_id) as work:
        kept = work[ComparisonStore]
        await kept.lock_day(channel_id, day)
        await kept.put_statement(channel_id, day, lines)
        here = await kept.here(channel_id, *edges, [line.number for line in lines])
        there = await kept.there(channel_id, day - BACK_DAYS, day, [line.number for line in here])
        found = compare(here, there)
        await kept.put_differences(channel_id, day, found, now_us)
        sums = ComparisonSums(
            len(there), len(here), _sum(there, MoneyKind.PAYMENT), _sum(here, MoneyKind.PAYMENT), _sum(there, MoneyKind.REFUND),
            _sum(here, MoneyKind.REFUND),
        )  # fmt: skip
        comparison_id = await kept.add(channel_id, day, sums, len(found), user_id, now_us)
        made = await kept.comparison(comparison_id)
        assert made is not None  # noqa: S101 added above
        if user_id is not None:
            await work[AuditTrail].record(actor, "compare_payments", "payment_comparison", comparison_id, None, made)
    return made


def _sum(lines: Sequence[MoneyLine], kind: MoneyKind) -> int:
    return sum(line.fen for line in lines if line.kind is kind)


async def explain(store: Store, actor: Actor, difference_id: int, reason: str, now_us: int) -> PaymentDifference:
    """It is settled by what a person found out; no money moves. Raises ``reason-needed``, ``not-found``, ``already-done``."""
    return await _moved(store, actor, difference_id, reason, now_us, state="settled", remedy="explained")


async def ask_to_book(
    store: Store, actor: Actor, difference_id: int, account_id: int, reason: str, now_us: int
) -> PaymentDifference:
    """A payment that is in the channel's file and not here is to be booked to an account; another person agrees.

    Raises as ``explain``, and ``nothing-to-book``."""
    return await _moved(
        store,
        actor,
        difference_id,
        reason,
        now_us,
        state="asked",
        remedy="booked",
        account_id=account_id,
    )


async def _moved(
    store: Store, actor: Actor, difference_id: int, reason: str, now_us: int, **values: object
) -> PaymentDifference:
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ComparisonStore].lock(difference_id)
        if before is None:
            raise Problem("not-found")
        if before.state != "open":
            raise Problem("already-done", state=before.state)
        if values["remedy"] == "booked" and (before.what, before.kind) != ("missing-here", "payment"):
            raise Problem("nothing-to-book", what=before.what)
        await work[ComparisonStore].change(
            difference_id, reason=why, author_id=actor.user_id, changed_us=now_us, **values
        )
        after = await work[ComparisonStore].difference(difference_id)
        assert after is not None  # noqa: S101 locked above
        await work[AuditTrail].record(
            actor, "ask_to_book_difference" if values["remedy"] == "booked" else "explain_difference", "payment_difference", difference_id,
            before, after, reason=why,
        )  # fmt: skip
    return after


async def decide_booking(
    store: Store, actor: Actor, difference_id: int, reason: str, today: int, now_us: int, *, agreed: bool
) -> PaymentDifference:
    """Agreed: booked today as the account's credit, by another person than its author, once for the difference. Rejected: it is open again.

    :raises Problem: ``reason-needed``, ``not-found``, ``already-done``, ``own-booking``, ``day-closed``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ComparisonStore].lock(difference_id)
        if before is None:
            raise Problem("not-found")
        if before.state != "asked" or before.account_id is None or before.there_fen is None:
            raise Problem("already-done", state=before.state)
        values: dict[str, object] = {
            "state": "open",
            "decided_by": actor.user_id,
            "decision": why,
            "changed_us": now_us,
        }
        if agreed:
            if before.author_id == actor.user_id:
                raise Problem("own-booking")
            channel = await work[ComparisonStore].source(before.channel_id)
            entry = payment(
                f"difference:{difference_id}", today, before.account_id, before.there_fen, channel, before.number
            )
            made, _ = await book(work, entry, UserId(before.author_id or 0), actor.user_id, now_us)
            values |= {"state": "settled", "entry_id": made.entry_id}
        await work[ComparisonStore].change(difference_id, **values)
        after = await work[ComparisonStore].difference(difference_id)
        assert after is not None  # noqa: S101 locked above
        await work[AuditTrail].record(
            actor,
            "approve_booking" if agreed else "reject_booking",
            "payment_difference",
            difference_id,
            before,
            after,
            reason=why,
        )
    return after
