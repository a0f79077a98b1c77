# SPDX-License-Identifier: Apache-2.0
"""What rules do without a message: conditions that have held for long enough, meters that are silent, places where there are enough, rules that
are off. All of it stands in tables with its instants, so whoever is killed goes on where it was; what is taken and what it fires are one
transaction, so nothing fires twice."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from openmains.app.rule.model import ActiveRule, HeardMeter
from openmains.app.rule.ports import ClockTurn, RuleTimers
from openmains.domain.ids import MeterId, RuleId, TenantId
from openmains.domain.rule.judge import is_gathered
from openmains.domain.rule.tree import CLOCK, GatherCondition, SilenceCondition, meter_part, remembered

MEMBERS_EVERY_US = 60_000_000  # who is silent is measured in hours
FORGET_EVERY_US = 600_000_000  # meters that were removed
LATE_US = 30_000_000  # a pipeline keeps to rules that changed for a moment longer
MOST_HELD = 5_000
MOST_LOOKS = 20_000  # meters of one turn whose silence may be due
HOUR_US = 3_600_000_000
_Work = tuple[str, Callable[[ClockTurn], Awaitable[object]]]


class RuleClock:
    """One for the worker; call ``turn`` every few seconds."""

    def __init__(self, timers: RuleTimers) -> None:
        self._timers = timers
        self._members_us = self._forgot_us = self._changed_us = 0
        self._known: frozenset[tuple[int, int]] | None = None

    async def turn(self, now_us: int) -> bool:
        """Whether more is due at once. What has held fires first and alone, then each rule has its transaction: one that fails, or takes too
        long, keeps no other and no other utility from its own. Raises an ``ExceptionGroup`` that names those that failed."""
        rules = await self._timers.active(now_us)
        silence = [rule for rule in rules if isinstance(meter_part(rule.condition), SilenceCondition)]
        known = frozenset((rule.rule_id, rule.number) for rule in rules)
        changed_us = now_us if known != self._known else self._changed_us
        forgets = now_us - changed_us <= LATE_US or now_us - self._forgot_us >= FORGET_EVERY_US
        looks = known != self._known or now_us - self._members_us >= MEMBERS_EVERY_US
        asked = sorted({name for rule in rules for name in remembered(rule.condition)})
        watched = sorted({rule.tenant_id for rule in silence})
        due: list[int] = []

        async def fire(turn: ClockTurn) -> None:
            due.append(await turn.fire_held(now_us, MOST_HELD))

        async def forget(turn: ClockTurn) -> None:
            await turn.forget(now_us, asked, watched)

        failed: dict[str, Exception] = {}
        works: list[_Work] = [("what has held", fire)]
        if forgets:
            works.append(("what is over", forget))
        if silence:
            works.append(("what begins", partial(_begin, rules=silence, now_us=now_us)))
        for rule in rules:
            if looks and isinstance(meter_part(rule.condition), CLOCK):
                step = _step_heard if rule in silence else _step_members
                works.append((_name(rule), partial(step, rule=rule, now_us=now_us)))
        looked = 0
        if not await self._do(works, failed):
            return False
        if silence:
            looked = await self._look(silence, now_us, failed)
        gathering = [(rule, rule.condition) for rule in rules if isinstance(rule.condition, GatherCondition)]
        standing: set[RuleId] = set()
        asks = (
            [("who stands", partial(_ask, rules=[rule for rule, _ in gathering], into=standing))] if gathering else []
        )
        if not await self._do(asks, failed):
            return False
        places: list[_Work] = [
            (_name(rule), partial(_step_places, rule=rule, condition=condition, now_us=now_us))
            for rule, condition in gathering  # most stand nowhere, each time
            if rule.rule_id in standing or "who stands" in failed
        ]
        if not await self._do(places, failed):
            return False
        # only what was committed is known; members that failed are looked at again with all others
        self._known, self._changed_us = known, changed_us
        self._forgot_us = now_us if forgets and "what is over" not in failed else self._forgot_us
        self._members_us = now_us if looks else self._members_us
        if failed:
            said = "; ".join(f"{what}: {type(error).__name__}: {error}" for what, error in failed.items())
            raise ExceptionGroup(said, list(failed.values()))
        return sum(due) >= MOST_HELD or looked >= MOST_LOOKS

    async def _do(self, works: Sequence[_Work], failed: dict[str, Exception]) -> bool:
        """Each in a transaction of its own; False: another process turns the clock."""
        for what, work in works:
            try:
                async with self._timers.turn() as turn:
                    if turn is None:
                        return False
                    await work(turn)
            except Exception as error:  # said by the turn; the others have theirs
                failed[what] = error
        return True

    async def _look(self, rules: Sequence[ActiveRule], now_us: int, failed: dict[str, Exception]) -> int:
        """Meters whose silence may be due, each once between two such instants: no rule reads them all. Those of a utility of which a rule
        failed are looked at again. How many there were."""
        meters: list[HeardMeter] = []

        async def find(turn: ClockTurn) -> None:
            meters.extend(await turn.looked(now_us, MOST_LOOKS))

        await self._do([("who is silent", find)], failed)
        by_tenant: dict[TenantId, list[HeardMeter]] = defaultdict(list)
        for meter in meters:
            by_tenant[meter.tenant_id].append(meter)
        hours: dict[TenantId, set[int]] = defaultdict(set)
        works: list[_Work] = []
        for rule in rules:
            hours[rule.tenant_id].add(_hours(rule))
            if silent := silent_of(rule, by_tenant.get(rule.tenant_id, ()), now_us):
                works.append((_name(rule), partial(_stand, rule=rule, silent=silent, now_us=now_us)))
        await self._do(works, failed)
        again = {rule.tenant_id for rule in rules if _name(rule) in failed}
        done = [meter.meter_id for meter in meters if meter.tenant_id not in again]
        asked = {tenant: sorted(found) for tenant, found in hours.items()}
        await self._do([("who was looked at", partial(_again, done=done, hours=asked, now_us=now_us))], failed)
        return len(done)


def _name(rule: ActiveRule) -> str:
    return f"rule {rule.rule_id}"


async def _begin(turn: ClockTurn, rules: Sequence[ActiveRule], now_us: int) -> None:
    await turn.begin(rules, now_us)


async def _ask(turn: ClockTurn, rules: Sequence[ActiveRule], into: set[RuleId]) -> None:
    into |= await turn.standing(rules)


async def _stand(turn: ClockTurn, rule: ActiveRule, silent: Sequence[MeterId], now_us: int) -> None:
    await turn.stand(rule, silent, now_us)


async def _again(
    turn: ClockTurn, done: Sequence[MeterId], hours: Mapping[TenantId, Sequence[int]], now_us: int
) -> None:
    if done:
        await turn.look_again(done, hours, now_us)


async def _step_heard(turn: ClockTurn, rule: ActiveRule, now_us: int) -> None:
    """Only where it stands; who is silent anew is found by ``RuleClock._look``."""
    if heard := sorted(await turn.heard_again(rule, now_us)):
        await turn.fall(rule, heard, now_us)


def silent_of(rule: ActiveRule, meters: Sequence[HeardMeter], now_us: int) -> list[MeterId]:
    """Those that a rule is for and that it finds silent; one that was never heard is not. Whoever spoke since was not looked at too late: it
    is judged by what it said last."""
    before_us = now_us - _hours(rule) * HOUR_US
    return sorted(
        one.meter_id
        for one in meters
        if one.last_seen_us is not None
        and one.last_seen_us < before_us
        and rule.product_id in (None, one.product_id)
        and rule.is_for(one.area_id, one.dn, one.customer_class)
    )


def _hours(rule: ActiveRule) -> int:
    condition = meter_part(rule.condition)
    assert isinstance(condition, SilenceCondition)  # noqa: S101 the caller's choice
    return condition.hours


async def _step_members(turn: ClockTurn, rule: ActiveRule, now_us: int) -> None:
    found, stood = await turn.fulfilling(rule, now_us), await turn.stood(rule)
    if over := sorted(stood - found):
        await turn.fall(rule, over, now_us)
    if found:  # where this version stands already nothing changes
        await turn.stand(rule, sorted(found), now_us)


async def _step_places(turn: ClockTurn, rule: ActiveRule, condition: GatherCondition, now_us: int) -> None:
    places = await turn.places(rule, now_us)
    enough = {place: found for place, found in places.items() if is_gathered(condition, found[0], found[1])}
    stood = await turn.stood_places(rule)
    if over := sorted(stood - set(enough)):
        await turn.fall_places(rule, over, now_us)
    if fresh := {place: found for place, found in sorted(enough.items()) if place not in stood}:
        await turn.stand_places(rule, fresh, now_us)
