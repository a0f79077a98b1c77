# SPDX-License-Identifier: Apache-2.0
"""What a utility sets: rules by class, days off, and accounts that are held back. A rule that is changed is off until somebody has looked
at what would follow from it."""

from collections.abc import Sequence
from datetime import date

from openmains.app.arrears.model import ClassRule, DayOff
from openmains.app.arrears.ports import ArrearsStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.arrears.decide import ArrearsRule, faults
from openmains.domain.period import date_to_day
from openmains.domain.tariff.plan import CustomerClass

MOST_DAYS_OFF = 120
LONGEST_HOLD_DAYS = 366


async def set_rule(
    store: Store,
    actor: Actor,
    customer_class: CustomerClass,
    rule: ArrearsRule,
    most_closings: int,
    reason: str,
    now_us: int,
) -> ClassRule:
    """The rule, off. Raises ``reason-needed``, ``invalid-input``."""
    why = stated(reason)
    wrong = faults(rule)
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))
    async with store.tenant(actor.tenant_id) as work:
        before = await _rule(work, customer_class)
        await work[ArrearsStore].set_rule(customer_class, rule, most_closings, actor.user_id, now_us)
        after = await _rule(work, customer_class)
        assert after is not None  # noqa: S101 set above
        await work[AuditTrail].record(
            actor, "set_arrears_rule", "arrears_rule", customer_class.value, before, after, reason=why
        )
    return after


async def switch_rule(
    store: Store, actor: Actor, customer_class: CustomerClass, reason: str, now_us: int, *, is_on: bool
) -> ClassRule:
    """On or off. Raises ``reason-needed``, ``not-found``, and ``not-simulated`` where nobody looked at what would follow from it."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[ArrearsStore].lock_day()
        before = await _rule(work, customer_class)
        if before is None:
            raise Problem("not-found")
        if is_on and not before.is_simulated:
            raise Problem("not-simulated")
        await work[ArrearsStore].switch(customer_class, is_on, actor.user_id, now_us)
        after = await _rule(work, customer_class)
        assert after is not None  # noqa: S101 read above
        await work[AuditTrail].record(
            actor, "switch_arrears_rule", "arrears_rule", customer_class.value, before, after, reason=why
        )
    return after


async def _rule(work: Work, customer_class: CustomerClass) -> ClassRule | None:
    return next((one for one in await work[ArrearsStore].rules() if one.customer_class == customer_class), None)


async def set_days_off(
    store: Store, actor: Actor, year: int, days: Sequence[DayOff], reason: str, now_us: int
) -> list[DayOff]:
    """All of a year's, in place of what was there. Raises ``reason-needed``, ``invalid-input``."""
    why = stated(reason)
    wrong = list[tuple[str, str]]()
    seen = set[date]()
    for place, one in enumerate(days):
        when = _date(one.day)
        if when is None or when.year != year:
            wrong.append((f"/days/{place}/day", "out-of-range"))
        elif when in seen:
            wrong.append((f"/days/{place}/day", "twice"))
        elif not one.is_off and when.weekday() < 5:
            wrong.append((f"/days/{place}/is_off", "not-accepted"))
        else:
            seen.add(when)
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong[:20]))
    ordered = sorted(days, key=lambda one: one.day)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ArrearsStore].days_off(year)
        await work[ArrearsStore].set_days_off(year, ordered, actor.user_id, now_us)
        await work[AuditTrail].record(
            actor, "set_days_off", "calendar_year", year, None if before is None else {"days": before}, {"days": ordered},
            reason=why,
        )  # fmt: skip
    return ordered


async def hold_account(
    store: Store, actor: Actor, account_id: int, until: date | None, reason: str, today: int, now_us: int
) -> None:
    """Nothing follows from its arrears until after that day; None: it is held no more. Raises ``reason-needed``, ``invalid-input``,
    ``not-found``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if until is None:
            held = await work[ArrearsStore].release(account_id)
            if held is None:
                raise Problem("not-found")
            before, after = {"until_day": held[0], "reason": held[1]}, None
        else:
            day = date_to_day(until)
            if not today <= day <= today + LONGEST_HOLD_DAYS:
                raise Problem("invalid-input", fields=(("/until", "out-of-range"),))
            await work[ArrearsStore].hold(account_id, day, why, actor.user_id, now_us)
            before, after = None, {"until_day": day, "reason": why}
        await work[AuditTrail].record(actor, "hold_arrears", "account", account_id, before, after, reason=why)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
