# SPDX-License-Identifier: Apache-2.0
"""What bills are printed of, gathered for many at once; one bill as a PDF; and the utility's letterhead."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from openmains.app.billing.decide import NO_DAYS
from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper import MONTHS, PaperFacts, paper
from openmains.app.billing.paper_ports import PaperStore, PrintedBill, Typesetter
from openmains.app.billing.paper_words import Language
from openmains.app.billing.ports import BillStore, DayVolumes, OpenBill, SettlementStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.ports import LedgerStore
from openmains.app.problems import Problem
from openmains.app.tariff.plans import exact_plan, tariff_of
from openmains.app.tariff.ports import TariffStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import Zone, first_of_month
from openmains.domain.tariff.plan import Plan

PlansOf = dict[int, dict[tuple[int, int], Plan]]
"""By tariff, kept between the parts of a long job: plans are never changed."""


async def facts_of(
    store: Store, volumes: DayVolumes, tenant_id: TenantId, bill_ids: Sequence[int], today: int, known: PlansOf
) -> list[PaperFacts]:
    """What these bills are printed of, by id; one that is not there is not among them."""
    async with store.tenant(tenant_id) as work:
        bills = await work[PaperStore].bills(bill_ids)
        if not bills:
            return []
        utility, letterhead = await work[PaperStore].utility(), await work[PaperStore].letterhead()
        accounts = sorted({bill.kept.account_id for bill in bills})
        months = [bill.kept.month for bill in bills]
        past = await work[PaperStore].past(accounts, first_of_month(min(months), 1 - MONTHS), max(months))
        open_bills: dict[int, list[OpenBill]] = {}
        for one in await work[SettlementStore].open_bills(accounts):
            open_bills.setdefault(one.account_id, []).append(one)
        credit = {one.account_id: one.credit_fen for one in await work[LedgerStore].balances(accounts)}
        meters = sorted({one.meter_id for bill in bills for one in bill.kept.inputs.cited})
        numbers = await work[BillStore].numbers(meters)
        await _plans(work, {part.tariff_id for bill in bills for part in bill.kept.inputs.parts}, known)
    registers = await _registers(volumes, tenant_id, bills)
    return [
        PaperFacts(
            bill,
            utility,
            letterhead,
            {key: plan for part in bill.kept.inputs.parts for key, plan in known[part.tariff_id].items()},
            numbers,
            registers[bill.kept.bill_id],
            [
                one
                for one in past.get(bill.kept.account_id, ())
                if first_of_month(bill.kept.month, 1 - MONTHS) <= one.month <= bill.kept.month
            ],
            open_bills.get(bill.kept.account_id, []),
            credit.get(bill.kept.account_id, 0),
            today,
        )
        for bill in bills
    ]


async def _plans(work: Work, tariff_ids: set[int], known: PlansOf) -> None:
    for tariff_id in sorted(tariff_ids - known.keys()):
        tariff = await tariff_of(work, tariff_id, 0)
        known[tariff_id] = {
            (tariff_id, plan.number): exact_plan(tariff, plan) for plan in await work[TariffStore].plans(tariff_id)
        }


async def _registers(
    volumes: DayVolumes, tenant_id: TenantId, bills: Sequence[PrintedBill]
) -> Mapping[int, Mapping[int, tuple[int | None, int | None]]]:
    """By bill and meter: the registers at both ends, as they are stored now."""
    cited = [one for bill in bills for one in bill.kept.inputs.cited]
    if not cited:
        return {bill.kept.bill_id: {} for bill in bills}
    meters = [MeterId(one) for one in sorted({one.meter_id for one in cited})]
    first, end = min(one.first_day for one in cited), max(one.first_day + len(one.steps) for one in cited)
    days = await volumes.days(tenant_id, meters, first - 1, end + 1)
    return {
        bill.kept.bill_id: {
            one.meter_id: (of.midnight(one.first_day), of.midnight(one.first_day + len(one.steps)))
            for one in bill.kept.inputs.cited
            for of in (days.get(one.meter_id, NO_DAYS),)
        }
        for bill in bills
    }


async def bill_pdf(
    store: Store,
    volumes: DayVolumes,
    typeset: Typesetter,
    tenant_id: TenantId,
    bill_id: int,
    language: Language,
    zone: Zone,
    today: int,
    *,
    named: bool,
    since: int = 0,
) -> tuple[str, bytes]:
    """Its number and the file. ``since``: a day; bills of months that began before it are another's, and not compared with. Raises
    ``not-found``."""
    found = await facts_of(store, volumes, tenant_id, [bill_id], today, {})
    if not found:
        raise Problem("not-found")
    return await set_bill(typeset, since_day(found[0], since), language, zone, named=named)


def since_day(facts: PaperFacts, since: int) -> PaperFacts:
    """Compared with months only that began on that day or after it."""
    return replace(facts, past=[one for one in facts.past if one.month >= since])


async def set_bill(
    typeset: Typesetter, facts: PaperFacts, language: Language, zone: Zone, *, named: bool = True
) -> tuple[str, bytes]:
    """The bill's number and its PDF."""
    document = paper(facts, language, zone, named=named)
    text = json.dumps(document, ensure_ascii=False)
    return document["number"], await typeset(text, facts.bill.made_us // 1_000_000)


async def set_letterhead(store: Store, actor: Actor, wanted: Letterhead, reason: str, now_us: int) -> Letterhead:
    """What is printed from now on. Raises ``reason-needed``, ``invalid-input``."""
    why = stated(reason)
    link = wanted.pay_link
    if link and (not link.startswith("https://") or link.count("{code}") != 1 or not link.isascii() or " " in link):
        raise Problem("invalid-input", fields=(("/pay_link", "wrong-format"),))
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PaperStore].letterhead()
        await work[PaperStore].set_letterhead(wanted, actor.user_id, now_us)
        await work[AuditTrail].record(actor, "set_letterhead", "bill_letterhead", 0, before, wanted, reason=why)
    return wanted
