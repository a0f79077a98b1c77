# SPDX-License-Identifier: Apache-2.0
"""What rules do without a message: conditions that have held for long enough, meters that are silent, places where there are enough, rules that
are off. All of it stands in tables with its instants, so whoever is killed goes on where it was; what is taken and what it fires are one
transaction, so nothing fires twice."""

from collections.abc import Awaitable, Callable
from functools import partial

from openmains.app.rule.model import ActiveRule
from openmains.app.rule.ports import ClockTurn, RuleTimers
from openmains.domain.rule.judge import is_gathered
from openmains.domain.rule.tree import CLOCK, GatherCondition, meter_part, remembered

MEMBERS_EVERY_US = 60_000_000  # who is silent is measured in hours
FORGET_EVERY_US = 600_000_000  # meters that were removed
LATE_US = 30_000_000  # a pipeline keeps to rules that changed for a moment longer
MOST_HELD = 5_000


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
        due: list[int] = []

        async def fire(turn: ClockTurn) -> None:
            due.append(await turn.fire_held(now_us, MOST_HELD))

        known = frozenset((rule.rule_id, rule.version) for rule in rules)
        changed_us = now_us if known != self._known else self._changed_us
        forgets = now_us - changed_us <= LATE_US or now_us - self._forgot_us >= FORGET_EVERY_US
        asked = sorted({name for rule in rules for name in remembered(rule.condition)})

        async def forget(turn: ClockTurn) -> None:
            await turn.forget(now_us, asked)

        works: list[tuple[str, Callable[[ClockTurn], Awaitable[object]]]] = [("what has held", fire)]
        if forgets:
            works.append(("what is over", forget))
        looks = known != self._known or now_us - self._members_us >= MEMBERS_EVERY_US
        for rule in rules:
            if looks and isinstance(meter_part(rule.condition), CLOCK):
                works.append((f"rule {rule.rule_id}", partial(_step_members, rule=rule, now_us=now_us)))
        for rule in rules:
            if isinstance(rule.condition, GatherCondition):
                step = partial(_step_places, rule=rule, condition=rule.condition, now_us=now_us)
                works.append((f"rule {rule.rule_id}", step))
        failed: dict[str, Exception] = {}
        for what, work in works:
            try:
                async with self._timers.turn() as turn:
                    if turn is None:
                        return False
                    await work(turn)
            except Exception as error:  # said below; the others have their turn
                failed[what] = error
        # only what was committed is known; members that failed are looked at again with all others
        self._known, self._changed_us = known, changed_us
        self._forgot_us = now_us if forgets and "what is over" not in failed else self._forgot_us
        self._members_us = now_us if looks else self._members_us
        if failed:
            said = "; ".join(f"{what}: {type(error).__name__}: {error}" for what, error in failed.items())
            raise ExceptionGroup(said, list(failed.values()))
        return sum(due) >= MOST_HELD


async def _step_members(turn: ClockTurn, rule: ActiveRule, now_us: int) -> None:
    found, stood = await turn.fulfilling(rule, now_us), await turn.stood(rule)
    if over := sorted(stood - found):
        await turn.fall(rule, over, now_us)
    if fresh := sorted(found - stood):
        await turn.stand(rule, fresh, now_us)


async def _step_places(turn: ClockTurn, rule: ActiveRule, condition: GatherCondition, now_us: int) -> None:
    places = await turn.places(rule, now_us)
    enough = {place: found for place, found in places.items() if is_gathered(condition, found[0], found[1])}
    stood = await turn.stood_places(rule)
    if over := sorted(stood - set(enough)):
        await turn.fall_places(rule, over, now_us)
    if fresh := {place: found for place, found in sorted(enough.items()) if place not in stood}:
        await turn.stand_places(rule, fresh, now_us)
