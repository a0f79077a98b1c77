# SPDX-License-Identifier: Apache-2.0
"""The day's work on arrears, and its simulation: the same walk over the same accounts by the same table (``domain/arrears/decide.py``),
which only the first writes down. Running it again on the same day makes nothing: a warning is made once for its number and one a day at
the most, and a closing that waits is not proposed anew.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from openmains.app.arrears.model import ArrearsSimulation, ClassRule, SimulatedAccount, SimulatedCount
from openmains.app.arrears.ports import ArrearsStore, KnownAccount, NewStep
from openmains.app.arrears.warn import tell_warnings
from openmains.app.billing.ports import Arrears, ArrearsWanted, SettlementStore
from openmains.app.command.driver import CommandDrivers
from openmains.app.unit_of_work import Store, Work
from openmains.domain.arrears.decide import (
    ArrearsRule,
    Calendar,
    Consequence,
    Debt,
    Outcome,
    decide,
    within,
)
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import TenantId
from openmains.domain.period import day_text
from openmains.domain.tariff.plan import CustomerClass

PART = 5_000  # each part reads the bills past their due day anew
MOST_LOOKED_AT = 20_000
MOST_TOLD = 500
CLOSED = 1  # of a valve


class Decided(NamedTuple):
    """An account with what follows."""

    owing: Arrears
    known: KnownAccount
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class DayMade:
    """What a day's work made."""

    warnings: int
    closings: int


def exact(rule: ClassRule) -> ArrearsRule:
    """As the table takes it."""
    return ArrearsRule(tuple(rule.warn_days), rule.close_days, rule.grace_days, rule.least_fen)


def debt_of(owing: Arrears, known: KnownAccount, drivers: CommandDrivers) -> Debt:
    """As the table takes it."""
    driver = drivers.command_driver(known.driver) if known.driver else None
    return Debt(
        owing.account_id,
        owing.oldest_due,
        owing.open_fen,
        known.warned,
        known.held_until,
        known.is_protected,
        known.meter_id is not None and driver is not None and Kind.VALVE_CLOSE in driver.command_kinds,
        known.valve == CLOSED,
        known.is_asked,
    )


async def decided(
    work: Work, drivers: CommandDrivers, rules: Mapping[CustomerClass, ClassRule], calendar: Calendar, today: int
) -> AsyncIterator[list[Decided]]:
    """All accounts in arrears, the longest first, in parts; no more closings of a class than its rule allows in a day."""
    left = {name: rule.most_closings for name, rule in rules.items()}
    for name, made in (await work[ArrearsStore].closings_of_day(today)).items():
        left[name] = max(0, left.get(name, 0) - made)
    after: tuple[int, int] | None = None
    while rows := await work[SettlementStore].in_arrears(ArrearsWanted(today, after=after), PART):
        after = rows[-1].oldest_due, rows[-1].account_id
        known = await work[ArrearsStore].known(
            [row.account_id for row in rows], [row.oldest_due for row in rows], today
        )
        found = list[Decided]()
        for row in rows:
            name, of = row.label.customer_class, known[row.account_id]
            rule = rules.get(name)
            outcome = decide(debt_of(row, of, drivers), None if rule is None else exact(rule), calendar, today)
            (outcome,) = within([outcome], left.get(name, 0))
            if outcome.consequence is Consequence.CLOSE:
                left[name] -= 1
            found.append(Decided(row, of, outcome))
        yield found


async def run_day(store: Store, drivers: CommandDrivers, tenant_id: TenantId, today: int, now_us: int) -> DayMade:
    """Warnings and proposals of the day, of the classes whose rule is on."""
    warnings = closings = 0
    async with store.tenant(tenant_id) as work:
        await work[ArrearsStore].lock_day()
        rules = {one.customer_class: one for one in await work[ArrearsStore].rules() if one.is_on}
        if not rules:
            return DayMade(0, 0)
        calendar = await work[ArrearsStore].calendar()
        async for part in decided(work, drivers, rules, calendar, today):
            told, asked = list[NewStep](), list[NewStep]()
            for owing, known, outcome in part:
                if outcome.consequence is Consequence.WARN:
                    told.append(NewStep(owing.account_id, owing.oldest_due, "warning", outcome.number, owing.open_fen))
                elif outcome.consequence is Consequence.CLOSE:
                    asked.append(
                        NewStep(
                            owing.account_id, owing.oldest_due, "closing", known.closings + 1, owing.open_fen, known.meter_id
                        )
                    )  # fmt: skip
            warnings += await work[ArrearsStore].add_steps(today, told, now_us)
            await tell_warnings(work, today, now_us)
            closings += await work[ArrearsStore].add_steps(today, asked, now_us)
    return DayMade(warnings, closings)


async def simulate(
    store: Store, drivers: CommandDrivers, tenant_id: TenantId, today: int, *, counts: bool
) -> ArrearsSimulation:
    """The same walk with all rules as if each were on. ``counts``: the rules are looked at by somebody who may switch them on."""
    seen, whole = list[Decided](), True
    async with store.tenant(tenant_id) as work:
        rules = {one.customer_class: one for one in await work[ArrearsStore].rules()}
        calendar = await work[ArrearsStore].calendar()
        async for part in decided(work, drivers, rules, calendar, today):
            seen += part
            if len(seen) >= MOST_LOOKED_AT:
                whole = False
                break
        if whole and counts:
            await work[ArrearsStore].note_simulated({name: rule.revision for name, rule in rules.items()})
    counted = Counter((one.owing.label.customer_class, one.outcome.consequence, one.outcome.reason) for one in seen)
    owed: Counter[tuple[CustomerClass, Consequence, str]] = Counter()
    for one in seen:
        owed[one.owing.label.customer_class, one.outcome.consequence, one.outcome.reason] += one.owing.open_fen
    order = [Consequence.CLOSE, Consequence.WARN, Consequence.WAIT, Consequence.SPARE]
    first = sorted(seen, key=lambda one: order.index(one.outcome.consequence))[:MOST_TOLD]
    return ArrearsSimulation(
        day_text(today),
        [
            SimulatedCount(*key, count, owed[key])
            for key, count in sorted(counted.items(), key=lambda item: (order.index(item[0][1]), item[0]))
        ],
        [_told(one, rules) for one in first],
        whole,
    )


def _told(one: Decided, rules: Mapping[CustomerClass, ClassRule]) -> SimulatedAccount:
    owing, known, outcome = one
    rule = rules.get(owing.label.customer_class)
    return SimulatedAccount(
        owing.account_id,
        known.number,
        owing.label.customer_class,
        day_text(owing.oldest_due),
        owing.open_fen,
        outcome.consequence,
        outcome.reason,
        None if outcome.day is None else day_text(outcome.day),
        outcome.number,
        known.meter_id,
        known.meter,
        known.held_for,
        rule is not None and rule.is_on,
    )
