# SPDX-License-Identifier: Apache-2.0
"""A meter with a valve and a prepaid account, before anybody commands it (R1.10–R1.12).

The account is settled before anybody looks at the register, because the step that used up the credit may lie a little in the
past: the valve has been shut since then. What is left to the next look, ``SETTLE_S`` ahead, is foreseen: the meter wakes at the
very step with which the balance falls to a threshold.
"""

from collections.abc import Mapping
from dataclasses import replace

from openmains.emulator.meter.diary import What
from openmains.emulator.meter.prices import NONE, Settlement, Thresholds, settle
from openmains.emulator.meter.profile import Action
from openmains.emulator.meter.valve import Position
from openmains.emulator.meter.valved_meter import PERMISSION_S, ValvedMeter

SETTLE_S = 600  # how often a prepay meter looks at its account; the deduction is exact by steps all the same


class PrepayMeter(ValvedMeter):
    """``ValvedMeter`` that counts its customer's credit."""

    _settle_at: int | None = None
    _limits_of: tuple[Mapping[str, int], Thresholds] | None = None  # thresholds, and the settings they follow from

    def _own_timers(self) -> list[int]:
        own = super()._own_timers()
        return own if self._settle_at is None else [*own, self._settle_at]

    def reset_register(self, now: int) -> None:
        """Fault: the dial falls to 0; what is paid stays paid, and the billing period's total as well."""
        self._settle(now)
        held, fallen = self.store.held, self.meter.register(now)
        self.meter.reset_register(now)
        account = held.account.charged(fallen)
        self._write(
            replace(held, account=replace(account, settled=0, period_register=account.period_register - fallen))
        )

    def press(self, now: int) -> list[Action]:
        """Besides: takes the emergency credit if there is one."""
        actions = [] if self.meter.dead else self._settle(now)
        held = self.store.held
        kept = bool(held.closed_for_safety) or bool(held.shut_by) or self.meter.dead
        if held.closed_by_arrears and not kept and not held.account.emergency and self.setting("emergency_credit"):
            relieved = replace(held.account, emergency=True)
            if relieved.balance >= self._limits().floor(relieved):
                self._write(replace(held, account=relieved, closed_by_arrears=False))
                self.meter.note(now, "emergency credit")
                self._motor(Position.OPEN, now)
                return actions + self._set_events(now) + self._at_once(now)
        return actions + super().press(now)

    # -- the account -----------------------------------------------------------------------------------------------

    def _limits(self) -> Thresholds:
        settings = self.store.held.settings
        if self._limits_of is None or self._limits_of[0] is not settings:
            get = self.setting
            found = Thresholds(
                get("balance_warning"), get("balance_arrears"), get("emergency_credit"), get("metering_step")
            )
            self._limits_of = (settings, found)
        return self._limits_of[1]

    def _in_arrears(self) -> bool:
        account = self.store.held.account
        return account.kind != NONE and account.balance < self._limits().floor(account)

    def _settle(self, now: int) -> list[Action]:
        """Deduct what was used; warn, close and open as the balance asks (R1.10)."""
        account = self.store.held.account
        if account.kind == NONE and account.deferred is None:
            self._settle_at = None
            return []
        actions: list[Action] = []
        found = self._settled(now)
        if found.exhausted_at is not None:
            actions += self._exhausted(found.exhausted_at, now)
            found = self._settled(now)
        if found.switched:
            self.meter.note(now, f"price version {found.account.newest_version} in force")
            actions += self._unasked(now)
        warned = "balance_low" in self.meter.active
        actions += self._set_events(now)
        if found.steps and warned and "balance_low" in self.meter.active:
            actions += self._unasked(now)  # again at each metering step
        self._plan_settling(now)
        return actions

    def _plan_settling(self, now: int) -> None:
        """When to look at the account again: at the next threshold, or after ``SETTLE_S``."""
        account = self.store.held.account
        if account.kind == NONE and account.deferred is None:
            self._settle_at = None
            return
        until = now + SETTLE_S
        if account.deferred is not None:
            until = min(until, max(now + 1, self.meter.true_of(account.deferred.effective_at)))
        crossing = None if account.kind == NONE else self._crossing(now, until)
        self._settle_at = until if crossing is None else crossing

    def _crossing(self, now: int, until: int) -> int | None:
        """First true instant in (now, until] at which a whole step has brought the balance below the next threshold. The price
        as it is: a change within the span is met by the look at its end."""
        account, limits, register = self.store.held.account, self._limits(), self.meter.register
        above = [b for b in (limits.warning * account.unit, limits.floor(account)) if account.balance >= b]
        if not above:
            return None
        bound = max(above)

        def is_below(at: int) -> bool:
            return account.charged(register(at) // limits.step * limits.step).balance < bound

        if not is_below(until):
            return None
        low, high = now, until
        while high - low > 1:
            middle = (low + high) // 2
            if is_below(middle):
                high = middle
            else:
                low = middle
        return high

    def _settled(self, now: int) -> Settlement:
        held, true_of = self.store.held, self.meter.true_of
        found = settle(
            held.account,
            self.meter.device_at(now),
            lambda device: self.meter.register(min(true_of(device), now)),
            self._limits(),
            self.meter.profile.utc_offset_s,
        )
        if found.account != held.account:
            self._write(replace(held, account=found.account))
        return found

    def _exhausted(self, register: int, now: int) -> list[Action]:
        """The step that used up the credit ended somewhere before now: the valve has been shut since."""
        low, high = min(self.meter.true_of(self.store.held.account.at), now), now
        while low < high:
            middle = (low + high) // 2
            if self.meter.register(middle) >= register:
                high = middle
            else:
                low = middle + 1
        return self._close_for_arrears(low, now)

    def _close_for_arrears(self, since: int, now: int) -> list[Action]:
        """The motor started at ``since``, which may be past."""
        self._write(replace(self.store.held, closed_by_arrears=True, permitted_until=0))
        self.meter.note(now, "arrears: valve closes")
        self.diary.add(since, self.meter.device_at(since), What.VALVE, "arrears", True, "own")
        if self.valve.target is not None or self.valve.position == Position.CLOSED:
            return []
        self._motor(Position.CLOSED, since)
        if not self.valve.arrive(now):
            return []
        self._flow(min(since + self.valve.travel_s, now))
        return self._arrived(now)

    def _set_events(self, now: int) -> list[Action]:
        """Warning and arrears follow from the balance; what arrears have closed, credit opens again."""
        account, limits = self.store.held.account, self._limits()
        if account.kind == NONE:
            return []
        low = account.balance < limits.warning * account.unit
        actions = self.meter.set_event("balance_low", low, now)
        actions += self.meter.set_event("arrears", self._in_arrears(), now)
        held = self.store.held
        if self._in_arrears() and not held.closed_by_arrears:  # by a threshold or a price, not by a step
            return actions + self._close_for_arrears(now, now)
        if held.closed_by_arrears and not low:
            self.meter.note(now, "arrears are paid")
            until = self.meter.device_at(now) + PERMISSION_S
            stays = self._gas or held.closed_by_command or bool(held.shut_by) or bool(held.closed_for_safety)
            permitted = held.permitted_until
            if self._gas and not held.closed_by_command and not held.closed_for_safety:
                permitted = until
            self._write(replace(held, closed_by_arrears=False, permitted_until=permitted))
            if not stays and self.valve.target is None:
                self._motor(Position.OPEN, now)
                actions += self._at_once(now)
        return actions

    def _boot(self, now: int) -> list[Action]:
        account = self.store.held.account
        if account.at == 0:  # the first time: what was measured before is nobody's debt
            register = self.meter.register(now)
            fresh = replace(account, settled=register, period_register=register, at=self.meter.device_at(now))
            self._write(replace(self.store.held, account=fresh))
        self._plan_settling(now)
        return super()._boot(now)
