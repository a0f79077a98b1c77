# SPDX-License-Identifier: Apache-2.0
"""A bill told line by line, and worked out again of what it rests on."""

from collections.abc import Mapping
from fractions import Fraction

from openmains.app.billing.decide import bill_part, components_of
from openmains.app.billing.model import BillDetail, CitedMeter, RecomputedBill
from openmains.app.billing.ports import BillStore, DayVolumes, KeptBill
from openmains.app.billing.rows import CountRow, LineRow
from openmains.app.problems import Problem
from openmains.app.tariff.calculate import CalculatedLine, decimal_of
from openmains.app.tariff.document import M3_DECIMALS, MJ_DECIMALS, PRICE_DECIMALS
from openmains.app.tariff.plans import exact_plan, tariff_of
from openmains.app.tariff.ports import TariffStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_text
from openmains.domain.tariff.exact import MICRO_ML_OF_FEN, written
from openmains.domain.tariff.plan import Plan

Plans = Mapping[tuple[int, int], Plan]
"""By tariff and number."""


async def read_bill(store: Store, tenant_id: TenantId, bill_id: int) -> BillDetail:
    """The bill with its sum. Raises ``not-found``."""
    async with store.tenant(tenant_id) as work:
        kept, plans = await _kept(work, bill_id)
        head = (await work[BillStore].heads(1, None, bill_id=bill_id))[0]
        numbers = await work[BillStore].numbers([one.meter_id for one in kept.inputs.cited])
    return BillDetail(
        head=head,
        lines=[_line(row, plans[kept.inputs.parts[row.part].tariff_id, row.plan]) for row in kept.lines],
        components=components_of(kept.lines),
        remainder_before_fen=decimal_of(kept.inputs.before.count().remainder),
        remainder_fen=decimal_of(kept.counted.count().remainder),
        counted_before_m3=written(kept.inputs.before.cycle_ml, M3_DECIMALS),
        counted_m3=written(kept.counted.cycle_ml, M3_DECIMALS),
        by_days=kept.by_days,
        cited=[
            CitedMeter(one.meter_id, numbers.get(one.meter_id), day_text(one.first_day), one.versions())
            for one in kept.inputs.cited
        ],
        entry_id=kept.entry_id,
        reason=kept.reason,
    )


async def recompute(store: Store, volumes: DayVolumes, tenant_id: TenantId, bill_id: int) -> RecomputedBill:
    """Whether the bill comes out the same of what it rests on, and which of its days have a newer version now. Raises ``not-found``."""
    async with store.tenant(tenant_id) as work:
        kept, plans = await _kept(work, bill_id)
    lines, total, counted = worked_out(kept, plans)
    newer: list[tuple[int, str]] = []
    for one in kept.inputs.cited:
        versions = one.versions()
        end = one.first_day + len(versions)
        found = await volumes.days(tenant_id, [MeterId(one.meter_id)], one.first_day, end)
        now = found.get(one.meter_id)
        stored = {} if now is None else dict(zip(now.days, now.versions, strict=True))
        newer += (
            (one.meter_id, day_text(one.first_day + place))
            for place, version in enumerate(versions)
            if stored.get(one.first_day + place, version) != version
        )
    same = (lines, total, counted) == (kept.lines, kept.total_fen, kept.counted)
    return RecomputedBill(bill_id, same, kept.total_fen, total, newer)


def worked_out(kept: KeptBill, plans: Plans) -> tuple[list[LineRow], int, CountRow]:
    """Lines, sum and what is counted, of a bill's inputs alone."""
    count, lines, total = kept.inputs.before.count(), list[LineRow](), 0
    for index, part in enumerate(kept.inputs.parts):
        made = bill_part(part, [plans[part.tariff_id, number] for number in part.plans], count)
        lines += (LineRow.of(index, line) for line in made.lines)
        count, total = made.after, total + made.total_fen
    return lines, total, CountRow.of(count)


async def _kept(work: Work, bill_id: int) -> tuple[KeptBill, Plans]:
    kept = await work[BillStore].kept(bill_id)
    if kept is None:
        raise Problem("not-found")
    plans: dict[tuple[int, int], Plan] = {}
    for tariff_id in {part.tariff_id for part in kept.inputs.parts}:
        tariff = await tariff_of(work, tariff_id, 0)
        for plan in await work[TariffStore].plans(tariff_id):  # withdrawn ones too: a bill rests on them
            plans[tariff_id, plan.number] = exact_plan(tariff, plan)
    return kept, plans


def _line(row: LineRow, plan: Plan) -> CalculatedLine:
    exact = Fraction(row.fen)
    if row.tier:
        exact = Fraction(row.price * row.volume_ml, MICRO_ML_OF_FEN)
        exact = exact * row.heat / plan.heat_reference if row.heat else exact
    return CalculatedLine(
        row.plan, day_text(row.first_day), day_text(row.end_day), row.season, row.tier, row.component,
        written(row.price, PRICE_DECIMALS, 2), written(row.heat, MJ_DECIMALS) if row.heat else "",
        written(row.volume_ml, M3_DECIMALS), decimal_of(exact), row.fen,
    )  # fmt: skip
