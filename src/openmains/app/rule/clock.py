# SPDX-License-Identifier: Apache-2.0
"""What rules do without a message: conditions that have held for long enough, meters that are silent, places where there are enough, rules that
are off. All of it stands in tables with its instants, so whoever is killed goes on where it was; each turn is one transaction, so nothing fires
twice."""

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
        """Whether more is due at once."""
        rules = await self._timers.active(now_us)
        known = frozenset((rule.rule_id, rule.version) for rule in rules)
        async with self._timers.turn() as turn:
            if turn is None:
                return False
            changed_us = now_us if known != self._known else self._changed_us
            forgets = now_us - changed_us <= LATE_US or now_us - self._forgot_us >= FORGET_EVERY_US
            if forgets:
                asked = sorted({name for rule in rules for name in remembered(rule.condition)})
                await turn.forget(now_us, asked)
            looks = known != self._known or now_us - self._members_us >= MEMBERS_EVERY_US
            for rule in rules:
                if looks and isinstance(meter_part(rule.condition), CLOCK):
                    await _step_members(turn, rule, now_us)
            for rule in rules:
                if isinstance(rule.condition, GatherCondition):
                    await _step_places(turn, rule, rule.condition, now_us)
            due = await turn.fire_held(now_us, MOST_HELD)
        # only what was committed is known
        self._known, self._changed_us = known, changed_us
        self._forgot_us = now_us if forgets else self._forgot_us
        self._members_us = now_us if looks else self._members_us
        return due >= MOST_HELD


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
