# SPDX-License-Identifier: Apache-2.0
"""A meter with a valve and a prepaid account, before anybody commands it (R1.10–R1.12).

Same bargain as ``Meter``: the owner calls ``handle`` at ``next_timer()``, hands in what the radio says, and carries out
the actions. ``press`` is a person at the meter, ``cut_power`` a reset in the midst of anything. The account is settled
before anybody looks at the register, because the step that used up the credit may lie a little in the past: the valve
has been shut since then.
"""

from collections.abc import Sequence
from dataclasses import replace

from openmains.domain.period import DAY_S
from openmains.emulator.meter.authorise import Result, Verdict
from openmains.emulator.meter.flow import sustained
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.meter import Meter
from openmains.emulator.meter.prices import NONE, Settlement, Thresholds, settle
from openmains.emulator.meter.profile import Action, Profile, Supply
from openmains.emulator.meter.spreading import Period
from openmains.emulator.meter.states import State
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Cut, Position, Valve, ValvedSupply

PERMISSION_S = DAY_S
SETTLE_S = 600  # how often a prepay meter looks at its account; the deduction is exact by steps all the same
_PERIODS = (Period.DAY, Period.TEN_DAYS, Period.MONTH, Period.EVERY)


class PrepayMeter:
    """``store`` and ``valve`` outlive ``cut_power``. ``supply``: a ``ValvedSupply`` brings its earlier cuts along."""

    def __init__(
        self,
        number: int,
        profile: Profile,
        supply: Supply,
        frames: DriverFrames,
        *,
        store: Store | None = None,
        valve: Valve | None = None,
        drift_ppm: int = 0,
    ) -> None:
        self.store, self.valve = store or Store(), valve or Valve()
        self._supply = supply if isinstance(supply, ValvedSupply) else ValvedSupply(supply)
        self._factory, self._frames = profile, frames
        self._driver = frames.driver
        self._gas = self._driver.medium == "gas"
        self.meter = Meter(number, self._configured(), self._supply, frames, drift_ppm=drift_ppm)
        self._late: list[Action] = []  # said before the module was attached
        self._restart_at: int | None = None
        self._settle_at: int | None = None

    # -- the owner's side ------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        return self.meter.number

    @property
    def active(self) -> set[str]:
        """Events whose state is on."""
        return self.meter.active

    @property
    def cuts(self) -> Sequence[Cut]:
        """When the valve was shut, oldest first."""
        return self._supply.cuts

    @property
    def reachable(self) -> bool:
        """The radio listens: something was sent, or the window after a report is open (R1.9)."""
        return self.meter.state in (State.SENDING, State.WINDOW)

    def switch_on(self, now: int, *, attach_after_s: int | None = None, clock_error_s: int = 0) -> list[Action]:
        """Power on for the first time."""
        actions = self.meter.switch_on(now, attach_after_s=attach_after_s, clock_error_s=clock_error_s)
        return actions + self._boot(now)

    def next_timer(self) -> int | None:
        own = [at for at in (self._restart_at, self._settle_at) if at is not None]
        if self.valve.target is not None:
            own.append(self.valve.due)
        radio = self.meter.next_timer()
        return min(own if radio is None else [*own, radio], default=None)

    def handle(self, now: int) -> list[Action]:
        """Run what is due. The account is settled before anybody looks at the register: the valve may have shut."""
        actions: list[Action] = []
        if self._restart_at is not None and self._restart_at <= now:
            actions += self.cut_power(now)
        if self.valve.arrive(now):
            actions += self._arrived(now)
        actions += self._settle(now)
        radio = self.meter.next_timer()
        if radio is not None and radio <= now:
            actions += self._watch_flow(now)
        return actions + self.meter.handle(now)

    def on_attach(self, ok: bool, now: int) -> list[Action]:
        return self._settle(now) + self.meter.on_attach(ok, now)

    def on_answer(self, message: int, payload: bytes, now: int, *, ahead_s: int = 0) -> list[Action]:
        actions = self._settle(now) + self.meter.on_answer(message, payload, now, ahead_s=ahead_s)
        if self._late and self.reachable:
            actions += self._late
            self._late = []
        return actions

    def on_failure(self, message: int, now: int, *, busy: bool = False) -> list[Action]:
        return self._settle(now) + self.meter.on_failure(message, now, busy=busy)

    def set_event(self, event: str, on: bool, now: int) -> list[Action]:
        return self._settle(now) + self.meter.set_event(event, on, now)

    def preload(self, newest: int, registers: Sequence[int]) -> None:
        self.meter.preload(newest, registers)

    def reset_register(self, now: int) -> None:
        """Fault: the dial falls to 0; what is paid stays paid, and the billing period's total as well."""
        self._settle(now)
        held, fallen = self.store.held, self.meter.register(now)
        self.meter.reset_register(now)
        account = held.account.charged(fallen)
        self._write(
            replace(held, account=replace(account, settled=0, period_register=account.period_register - fallen))
        )

    def register(self, now: int) -> int:
        return self.meter.register(now)

    def setting(self, name: str) -> int:
        """A setting as it is now."""
        return self.store.held.settings.get(name, self._delivered(name))

    def cut_power(self, now: int) -> list[Action]:
        """Reset in the midst of anything: memory is lost, store and valve are not."""
        self._restart_at = None
        self.valve.cut_power()
        self.meter.restart(now)
        return self._boot(now)

    def press(self, now: int) -> list[Action]:
        """A person presses the button: opens the valve if that is permitted; takes the emergency credit if there is one."""
        actions = self._settle(now)
        held = self.store.held
        if held.closed_for_safety:
            self.meter.note(now, "closed for safety: the button opens nothing")
            return actions
        if held.closed_by_arrears and not held.account.emergency and self.setting("emergency_credit"):
            relieved = replace(held.account, emergency=True)
            if relieved.balance >= self._limits().floor(relieved):
                self._write(replace(held, account=relieved, closed_by_arrears=False))
                self.meter.note(now, "emergency credit")
                self.valve.move(Position.OPEN, now)
                return actions + self._set_events(now) + self._at_once(now)
        if held.permitted_until > self.meter.device_at(now) and not held.closed_by_arrears:
            self._write(replace(held, permitted_until=0, closed_by_command=False))
            self.meter.note(now, "opened at the meter")
            self.valve.move(Position.OPEN, now)
        return actions + self._at_once(now)

    def turn_key(self, now: int) -> list[Action]:
        """Somebody with the meter's key on the spot ends a safety closing; what else has closed the valve keeps it shut."""
        actions = self._settle(now)
        held = self.store.held
        if not held.closed_for_safety:
            return actions
        stays = held.closed_by_command or held.closed_by_arrears or self._in_arrears()
        self._write(replace(held, closed_for_safety=0))
        self.meter.note(now, "opened with the key" if not stays else "safety closing ended with the key")
        if not stays:
            self.valve.move(Position.OPEN, now)
            return actions + self._at_once(now)
        return actions + self._unasked(now)

    # -- valve --------------------------------------------------------------------------------------------------------------

    def _arrived(self, now: int) -> list[Action]:
        """The motor has stopped, wherever."""
        self._flow(now)
        self.meter.note(now, f"valve {self.valve.position.name.lower()}")
        actions = self.meter.set_event("valve_fault", self.valve.position == Position.FAULT, now)
        if self.store.held.pending is not None:
            return actions + self._end_pending(now)
        return actions + self._unasked(now)

    def _end_pending(self, now: int) -> list[Action]:
        held, pending = self.store.held, self.store.held.pending
        if pending is None:
            return []
        verdict = Verdict(serial=pending.serial, code=pending.code)
        if self.valve.position != pending.target:
            self._write(replace(held, pending=None))
            return self._answer(verdict, Result.REFUSED, now)
        self._write(replace(held, pending=None, done=held.remembering(pending.serial, pending.digest)))
        return self._answer(verdict, Result.DONE, now)

    def _flow(self, now: int) -> None:
        if self.valve.position == Position.CLOSED:
            self._supply.shut(now)
        elif self.valve.position == Position.OPEN:
            self._supply.open(now)

    # -- the account -----------------------------------------------------------------------------------------------

    def _limits(self) -> Thresholds:
        get = self.setting
        return Thresholds(get("balance_warning"), get("balance_arrears"), get("emergency_credit"), get("metering_step"))

    def _in_arrears(self) -> bool:
        account = self.store.held.account
        return account.kind != NONE and account.balance < self._limits().floor(account)

    def _settle(self, now: int) -> list[Action]:
        """Deduct what was used; warn, close and open as the balance asks (R1.10)."""
        self._plan_settling(now + SETTLE_S)
        if self._settle_at is None:
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
        return actions

    def _plan_settling(self, at: int) -> None:
        account = self.store.held.account
        self._settle_at = at if account.kind != NONE or account.deferred is not None else None

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
        if self.valve.target is not None or self.valve.position == Position.CLOSED:
            return []
        self.valve.move(Position.CLOSED, since)
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
            stays = self._gas or held.closed_by_command or held.closed_for_safety
            permitted = held.permitted_until
            if self._gas and not held.closed_by_command and not held.closed_for_safety:
                permitted = until
            self._write(replace(held, closed_by_arrears=False, permitted_until=permitted))
            if not stays and self.valve.target is None:
                self.valve.move(Position.OPEN, now)
                actions += self._at_once(now)
        return actions

    def _watch_flow(self, now: int) -> list[Action]:
        """Sustained low and high flow, by the settings of R4.2, over what was frozen."""
        actions: list[Action] = []
        for event, name in (("sustained_low_flow", "low_flow"), ("sustained_high_flow", "high_flow")):
            duration, threshold = self.setting(f"{name}_duration"), self.setting(f"{name}_threshold")
            if duration and threshold:
                device_at = self.meter.device_at(now)
                entries = self.meter.freezes(device_at - duration - self.meter.profile.freeze_s, device_at, now)
                actions += self.meter.set_event(event, sustained(entries, duration, threshold), now)
        return actions

    # -- writes and answers ----------------------------------------------------------------------------------------

    def _write(self, held: Held) -> None:
        self.store.write(held)

    def _answer(self, verdict: Verdict, result: Result, now: int) -> list[Action]:
        self._show(now)
        frame = self._frames.result(self.meter.snapshot(now), verdict.serial, verdict.code, result)
        actions = self.meter.say("command", frame)
        if self.meter.state in (State.OFF, State.ATTACHING, State.ATTACH_WAIT):
            self._late += actions  # goes out in the window after the next report
            return []
        return actions

    def _unasked(self, now: int) -> list[Action]:
        return self._answer(Verdict(), Result.DONE, now)

    def _at_once(self, now: int) -> list[Action]:
        return self._arrived(now) if self.valve.arrive(now) else []

    def _show(self, now: int) -> None:
        """What the frames say of valve, balance and prices."""
        held = self.store.held
        account = held.account
        permitted = held.permitted_until > self.meter.device_at(now)
        self._frames.state.update(
            valve=int(self.valve.position),
            balance_kind=account.kind,
            balance=account.shown if account.kind != NONE else 0,
            command_counter=held.signed_counter,
            open_permitted=int(permitted),
            closed_by_arrears=int(held.closed_by_arrears),
            closed_for_safety=int(held.closed_for_safety > 0),
            price_version=account.price.version if account.price else 0,
            price_deferred=account.deferred.version if account.deferred else 0,
        )

    # -- start and settings ----------------------------------------------------------------------------------------

    def _boot(self, now: int) -> list[Action]:
        """After power on: the intent that was stored is looked at, not repeated."""
        self._flow(now)
        account = self.store.held.account
        if account.at == 0:  # the first time: what was measured before is nobody's debt
            register = self.meter.register(now)
            fresh = replace(account, settled=register, period_register=register, at=self.meter.device_at(now))
            self._write(replace(self.store.held, account=fresh))
        self._plan_settling(now)
        actions = self._end_pending(now)
        self._show(now)
        return actions

    def _delivered(self, name: str) -> int:
        profile = self._factory
        given = {
            "report_period": _PERIODS.index(profile.period),
            "report_every": profile.every_s,
            "report_time": profile.report_time_s,
            "freeze_period": profile.freeze_s,
            "spread_start": profile.spread_start_s,
            "spread_interval": profile.spread_factor_s,
        }
        return given.get(name, self._driver.settings[name].default if name in self._driver.settings else 0)

    def _configured(self) -> Profile:
        get = self.setting
        return replace(
            self._factory,
            period=_PERIODS[get("report_period")],
            every_s=get("report_every"),
            report_time_s=get("report_time"),
            freeze_s=get("freeze_period"),
            spread_start_s=get("spread_start"),
            spread_factor_s=get("spread_interval"),
        )
