# SPDX-License-Identifier: Apache-2.0
"""Bills made anew where what they rest on has changed: an estimated day was read after all, a person edited one. Nothing is changed in
place: a bill that comes out otherwise is reversed in the ledger, and its next version booked; the later months follow, for they count on
from it. One person asks, another agrees, and the days are looked at as they are then. What had paid a bill pays it again, oldest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openmains.app.billing.decide import AccountMonth, Decided, Refused, decide
from openmains.app.billing.decide_many import row_of
from openmains.app.billing.model import BillCorrection, CorrectedBill
from openmains.app.billing.ports import BillsOf, BillStore, CorrectionStore, DayVolumes, KeptBill, RunStore
from openmains.app.billing.run import known_plans, links_in_units, with_days, write_bills
from openmains.app.billing.settling import reverse, settle, unsettle
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.ports import LedgerStore
from openmains.app.problems import Problem
from openmains.app.tariff.simulate import UnitOf
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_text, first_of_month, month_span, month_text
from openmains.domain.tariff.plan import Plan


@dataclass(frozen=True, slots=True)
class _Anew:
    """A bill and what it comes out as now."""

    kept: KeptBill
    decided: Decided


async def preview(
    store: Store, volumes: DayVolumes, unit_of: UnitOf, tenant_id: TenantId, account_id: int, month: str
) -> list[CorrectedBill]:
    """What a correction from ``month`` on would change; nothing is written. Raises ``not-found``, ``not-billable``."""
    async with store.tenant(tenant_id) as work:
        return _told(await _anew(work, volumes, unit_of, tenant_id, account_id, month_span(month)[0]))


async def ask_for_correction(
    store: Store,
    volumes: DayVolumes,
    unit_of: UnitOf,
    actor: Actor,
    account_id: int,
    month: str,
    reason: str,
    now_us: int,
) -> BillCorrection:
    """The correction, which waits for another person.

    :raises Problem: ``reason-needed``, ``not-found``, ``not-billable``, ``nothing-to-correct``, ``correction-waits``.
    """
    why = stated(reason)
    first = month_span(month)[0]
    async with store.tenant(actor.tenant_id) as work:
        changed = _told(await _anew(work, volumes, unit_of, actor.tenant_id, account_id, first))
        if not changed:
            raise Problem("nothing-to-correct", month=month)
        correction_id = await work[CorrectionStore].add(account_id, first, why, actor.user_id, now_us)
        if correction_id is None:
            raise Problem("correction-waits", account_id=account_id)
        made = await work[CorrectionStore].get(correction_id)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(
            actor, "ask_for_correction", "bill_correction", correction_id, None, made, reason=why
        )
    return _with(made, changed)


async def decide_correction(
    store: Store,
    volumes: DayVolumes,
    unit_of: UnitOf,
    actor: Actor,
    correction_id: int,
    reason: str,
    today: int,
    now_us: int,
    *,
    agreed: bool,
) -> BillCorrection:
    """Agreed: bills are reversed and made anew today, by another person than its author. Rejected: nothing is booked.

    :raises Problem: ``reason-needed``, ``not-found``, ``already-done``, ``own-correction``, ``run-in-progress``, ``not-billable``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[CorrectionStore].hold()
        asked = await work[CorrectionStore].lock(correction_id)
        if asked is None:
            raise Problem("not-found")
        if asked.state != "pending":
            raise Problem("already-done", state=asked.state)
        changed: list[CorrectedBill] = []
        if agreed:
            if asked.author_id == actor.user_id:
                raise Problem("own-correction")
            if await work[RunStore].running() is not None:
                raise Problem("run-in-progress")
            month = month_span(asked.month)[0]
            anew = await _anew(work, volumes, unit_of, actor.tenant_id, asked.account_id, month)
            changed = _told(anew)
            await _make(work, asked, anew, UserId(asked.author_id), actor.user_id, today, now_us)
        await work[CorrectionStore].decide(
            correction_id, "approved" if agreed else "rejected", actor.user_id, why, now_us
        )
        after = await work[CorrectionStore].get(correction_id)
        assert after is not None  # noqa: S101 locked above
        told = _with(after, changed)
        await work[AuditTrail].record(
            actor,
            "approve_correction" if agreed else "reject_correction",
            "bill_correction",
            correction_id,
            asked,
            told,
            reason=why,
        )
    return after


async def _anew(
    work: Work, volumes: DayVolumes, unit_of: UnitOf, tenant_id: TenantId, account_id: int, month: int
) -> list[_Anew]:
    """Bills from this month on that come out otherwise now."""
    chain = await work[BillStore].newest(account_id, month)
    if not chain:
        raise Problem("not-found")
    links = await links_in_units(work, unit_of, 0, 1, [account_id])
    plans: dict[int, Sequence[Plan]] = {}
    await known_plans(work, {link.tariff_id for link in links}, plans)
    before, found = chain[0].inputs.before, list[_Anew]()
    months = await with_days(volumes, tenant_id, links, {account_id: before}, month, chain[-1].end_day)
    known = months[0] if months else AccountMonth(account_id, (), before, {})
    for kept in chain:
        end_day = first_of_month(kept.month, 1)
        made = decide(known._replace(before=before), plans, kept.month, end_day)
        if not isinstance(made, Decided):
            day = made.day if isinstance(made, Refused) else kept.month
            code = made.code if isinstance(made, Refused) else "no-meter"
            raise Problem("not-billable", why=code, day=day_text(day))
        if (made.total_fen, made.lines, made.counted) != (kept.total_fen, kept.lines, kept.counted):
            found.append(_Anew(kept, made))
        before = made.counted
    return found


async def _make(
    work: Work, asked: BillCorrection, anew: Sequence[_Anew], author: UserId, agreed: UserId, today: int, now_us: int
) -> None:
    """Newest first taken back, oldest first made anew."""
    await work[LedgerStore].lock_customer(asked.account_id)
    why = asked.reason
    for one in reversed(anew):
        await unsettle(work, asked.account_id, one.kept.bill_id, why, author, agreed, today, now_us)
        if one.kept.entry_id is not None:
            await reverse(work, one.kept.entry_id, why, author, agreed, today, now_us)
    for one in anew:
        of = BillsOf(one.kept.month, one.kept.due_day, correction_id=asked.correction_id)
        await write_bills(work, of, [row_of(one.decided)], [one.kept.version + 1], author, agreed, today, now_us)
    await settle(work, [asked.account_id], f"correction:{asked.correction_id}", author, today, now_us)


def _told(anew: Sequence[_Anew]) -> list[CorrectedBill]:
    return [
        CorrectedBill(month_text(one.kept.month), one.kept.version + 1, one.kept.total_fen, one.decided.total_fen)
        for one in anew
    ]


def _with(made: BillCorrection, bills: list[CorrectedBill]) -> BillCorrection:
    values = {name: getattr(made, name) for name in made.__struct_fields__}
    return BillCorrection(**{**values, "bills": bills})
