# SPDX-License-Identifier: Apache-2.0
"""A meter with a valve: what moves it without a command, who may open it, and what is said unasked (R1.5, R1.9, R1.11).

Same bargain as ``Meter``: the owner calls ``handle`` at ``next_timer()``, hands in what the radio says, and carries out
the actions. ``press`` is a person at the meter, ``cut_power`` a reset in the midst of anything. Which events shut the valve and
what opens it again is the table of ``protection.py``; the account's part is in ``prepay.py``.
"""

from collections.abc import Sequence
from dataclasses import replace

from openmains.domain.period import DAY_S
from openmains.drivers.model import Driver
from openmains.emulator.meter.authorise import Result, Verdict
from openmains.emulator.meter.battery import VALVE_UC
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.causes import Happening
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.diary import Diary, What
from openmains.emulator.meter.flow import sustained
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.meter import Meter
from openmains.emulator.meter.piping import Cut, Flow, Piping
from openmains.emulator.meter.prices import NONE
from openmains.emulator.meter.profile import Action, Profile, Send, Supply
from openmains.emulator.meter.protection import LATCHES, after_reset, shut_by
from openmains.emulator.meter.spreading import Period
from openmains.emulator.meter.states import State
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position, Valve

PERMISSION_S = DAY_S
_PERIODS = (Period.DAY, Period.TEN_DAYS, Period.MONTH, Period.EVERY, Period.WEEK)  # as the setting counts them


class ValvedMeter:
    """``store`` and ``valve`` outlive ``cut_power``. ``supply``: a ``Piping`` brings what happened to it along."""

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
        body: Body | None = None,
    ) -> None:
        self.store, self.valve = store or Store(), valve or Valve()
        self._piping = supply if isinstance(supply, Piping) else Piping(supply)
        self._factory, self._frames = profile, frames
        self._driver = frames.driver
        frames.state = self._state
        self._gas = self._driver.medium == "gas"
        self._defaults = _defaults_of(profile, self._driver)
        self.body = body or Body(Medium.GAS if self._gas else Medium.WATER, number)
        self.body.connect(self._piping, self.valve)
        self._set_limits()
        self.meter = Meter(number, self._configured(), self._piping, frames, drift_ppm=drift_ppm, body=self.body)
        self.meter.latched = LATCHES & frozenset(self.store.held.shut_by)
        self._late: list[Action] = []  # said before the module was attached
        self._notices: set[int] = set()  # messages said unasked that are not answered yet
        self._owes_notice = False  # one of them was lost
        self._restart_at: int | None = None

    # -- the owner's side ------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        return self.meter.number

    @property
    def active(self) -> set[str]:
        """Events whose state is on."""
        return self.meter.active

    @property
    def diary(self) -> Diary:
        """What really happened."""
        return self.meter.diary

    @property
    def cuts(self) -> Sequence[Cut]:
        """When the register stood still, oldest first."""
        return self._piping.cuts

    @property
    def flows(self) -> Sequence[Flow]:
        """What flowed beside what people use, oldest first."""
        return self._piping.flows

    @property
    def changes(self) -> int:
        """Rises when the valve moved or something in the pipe changed."""
        return self.valve.moves + self._piping.changes

    @property
    def reachable(self) -> bool:
        """The radio listens: something was sent, or the window after a report is open (R1.9)."""
        return self.meter.state in (State.SENDING, State.WINDOW)

    @property
    def wants_press(self) -> bool:
        """What shut the valve is over, and only a person at the meter can reset it."""
        reasons = self.store.held.shut_by
        return bool(reasons) and not after_reset(reasons, self.meter.active)

    def switch_on(self, now: int, *, attach_after_s: int | None = None, clock_error_s: int = 0) -> list[Action]:
        """Power on for the first time."""
        actions = self.meter.switch_on(now, attach_after_s=attach_after_s, clock_error_s=clock_error_s)
        return actions + self._boot(now)

    def next_timer(self) -> int | None:
        radio = self.meter.next_timer()
        if self.meter.dead:
            return radio
        own = self._own_timers()
        return min(own if radio is None else [*own, radio], default=None)

    def handle(self, now: int) -> list[Action]:
        """Run what is due. The account is settled before anybody looks at the register: the valve may have shut."""
        if self.meter.dead:
            actions = self.meter.handle(now)
            return actions if self.meter.dead else actions + self._boot(now)
        actions = []
        if self._restart_at is not None and self._restart_at <= now:
            actions += self.cut_power(now)
        if self.valve.arrive(now):
            actions += self._arrived(now)
        actions += self._settle(now)
        radio = self.meter.next_timer()
        if radio is not None and radio <= now:
            actions += self._watch_flow(now)
        return actions + self.meter.handle(now) + self._protect(now)

    def on_attach(self, ok: bool, now: int) -> list[Action]:
        return self._settle(now) + self.meter.on_attach(ok, now)

    def on_answer(self, message: int, payload: bytes, now: int, *, ahead_s: int = 0) -> list[Action]:
        self._notices.discard(message)
        actions = self._settle(now) + self.meter.on_answer(message, payload, now, ahead_s=ahead_s)
        if self._late and self.reachable:
            actions += self._late
            self._late = []
        if self._owes_notice and self.reachable:
            self._owes_notice = False
            actions += self._unasked(now)
        return actions

    def on_failure(self, message: int, now: int, *, busy: bool = False) -> list[Action]:
        if message in self._notices:  # nobody would ask for it: said again after the next report
            self._notices.discard(message)
            self._owes_notice = True
        return self._settle(now) + self.meter.on_failure(message, now, busy=busy)

    def set_event(self, event: str, on: bool, now: int) -> list[Action]:
        return self._settle(now) + self.meter.set_event(event, on, now) + self._protect(now)

    def strike(self, happening: Happening, now: int) -> list[Action]:
        """Something happens to the meter; what begins now is seen now."""
        self.body.strike(happening)
        return self.handle(now)

    def preload(self, newest: int, registers: Sequence[int]) -> None:
        self.meter.preload(newest, registers)

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
        """A person presses the button: resets a closing whose reason is over, opens the valve if that is permitted."""
        if self.meter.dead:
            return []
        actions = self._settle(now)
        if self.store.held.closed_for_safety:
            self.meter.note(now, "closed for safety: the button opens nothing")
            return actions
        actions += self._reset(now)
        held = self.store.held
        if held.shut_by:
            return actions
        if held.permitted_until > self.meter.device_at(now) and not held.closed_by_arrears:
            self._write(replace(held, permitted_until=0, closed_by_command=False))
            self.meter.note(now, "opened at the meter")
            self._motor(Position.OPEN, now)
        return actions + self._at_once(now)

    def turn_key(self, now: int) -> list[Action]:
        """Somebody with the meter's key on the spot ends a safety closing; what else has closed the valve keeps it shut."""
        actions = self._settle(now)
        if not self.store.held.closed_for_safety:
            return actions
        held = replace(self.store.held, closed_for_safety=0)
        self._write(held)
        stays = held.closed_by_command or held.closed_by_arrears or self._in_arrears() or bool(held.shut_by)
        self.meter.note(now, "opened with the key" if not stays else "safety closing ended with the key")
        if not stays:
            self._motor(Position.OPEN, now)
            return actions + self._at_once(now)
        return actions + self._unasked(now)

    # -- what the account adds (``prepay.py``) -------------------------------------------------------------------------

    def _settle(self, now: int) -> list[Action]:
        return []

    def _in_arrears(self) -> bool:
        return False

    def _own_timers(self) -> list[int]:
        own = [] if self._restart_at is None else [self._restart_at]
        if self.valve.target is not None:
            own.append(self.valve.due)
        return own

    # -- valve -----------------------------------------------------------------------------------------------------

    def _motor(self, target: Position, at: int) -> None:
        """Started at a true instant, which may lie a little before now."""
        if target != self.valve.position:
            self.body.battery.spend(VALVE_UC)
        self.valve.move(target, at)

    def _protect(self, now: int) -> list[Action]:
        """Shut the valve for what is dangerous, and open it again where nothing else keeps it shut (``protection.py``)."""
        held = self.store.held
        if self.meter.dead:
            return []
        before = frozenset(held.shut_by)
        why = shut_by(before, self.meter.active) if self._gas else before
        if why == before:
            return self._shut_again(now)
        began = why - before
        permitted = 0 if began else held.permitted_until
        self._write(replace(held, shut_by=tuple(sorted(why)), permitted_until=permitted))
        self.meter.latched = LATCHES & why
        for event in sorted(began):
            self._record(event, True, now)
        if began:
            if Position.CLOSED not in (self.valve.position, self.valve.target):
                self._motor(Position.CLOSED, now)
        elif not why:
            self._record("recovery", False, now)
            self._open_unless_kept_shut(now)
        return self._at_once(now)

    def _shut_again(self, now: int) -> list[Action]:
        """A valve that jammed open when it should have shut, and is free again."""
        held = self.store.held
        must = bool(held.shut_by) or held.closed_by_arrears or bool(held.closed_for_safety)
        if must and self.valve.position == Position.OPEN and self.valve.target is None:
            self._motor(Position.CLOSED, now)
        return self._at_once(now)

    def _reset(self, now: int) -> list[Action]:
        """By a person, after a protective closing."""
        held = self.store.held
        if not held.shut_by:
            return []
        left = after_reset(held.shut_by, self.meter.active)
        self._write(replace(held, shut_by=tuple(sorted(left))))
        self.meter.latched = LATCHES & left
        actions = self.meter.look(now)
        if left:
            self.meter.note(now, f"stays shut: {' '.join(sorted(left))}")
            return actions
        self._record("press", False, now)
        self._open_unless_kept_shut(now)
        return actions

    def _open_unless_kept_shut(self, now: int) -> None:
        held = self.store.held
        if not held.closed_by_command and not held.closed_by_arrears and not held.closed_for_safety:
            self._motor(Position.OPEN, now)

    def _record(self, name: str, shut: bool, now: int) -> None:
        """Into the meter's log and the diary."""
        self.meter.note(now, f"valve shut: {name}" if shut else f"valve opens: {name}")
        self.diary.add(now, self.meter.device_at(now), What.VALVE, name, shut, self.body.why(name) if shut else "")

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
            self._piping.stop(now)
        elif self.valve.position == Position.OPEN:
            self._piping.go(now)
        self.body.valve_moved(now)

    def _at_once(self, now: int) -> list[Action]:
        return self._arrived(now) if self.valve.arrive(now) else []

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
        if self.meter.dead:
            return []
        frame = self._frames.result(self.meter.snapshot(now), verdict.serial, verdict.code, result)
        actions = self.meter.say("command", frame)
        if not verdict.serial:
            self._notices |= {action.message for action in actions if isinstance(action, Send)}
        if self.meter.state in (State.OFF, State.ATTACHING, State.ATTACH_WAIT):
            self._late += actions  # goes out in the window after the next report
            return []
        return actions

    def _unasked(self, now: int) -> list[Action]:
        return self._answer(Verdict(), Result.DONE, now)

    def _state(self, device_at: int) -> dict[str, int]:
        """What the frames say of valve, balance and prices, at an instant of the meter's clock."""
        held = self.store.held
        account = held.account
        return {
            "valve": int(self.valve.position),
            "balance_kind": account.kind,
            "balance": account.shown if account.kind != NONE else 0,
            "command_counter": held.signed_counter,
            "open_permitted": int(held.permitted_until > device_at),
            "closed_by_arrears": int(held.closed_by_arrears),
            "closed_for_safety": int(held.closed_for_safety > 0),
            "price_version": account.price.version if account.price else 0,
            "price_deferred": account.deferred.version if account.deferred else 0,
        }

    # -- start and settings ----------------------------------------------------------------------------------------

    def _boot(self, now: int) -> list[Action]:
        """After power on: the intent that was stored is looked at, not repeated."""
        self._flow(now)
        actions = self._end_pending(now)
        return actions + self._protect(now)

    def _delivered(self, name: str) -> int:
        return self._defaults.get(name, 0)

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

    def _configure(self, now: int) -> None:
        """Settings have changed."""
        self.meter.configure(self._configured(), now)
        self._set_limits()

    def _set_limits(self) -> None:
        """What the sensors are told to watch for (R4.2), where the product has such settings."""
        given = {
            "low_battery_mv": "low_battery",
            "reverse_after_s": "reverse_flow_duration",
            "reverse_l_h": "reverse_flow_threshold",
            "pressure_high": "pressure_high",
            "pressure_low": "pressure_low",
        }
        for limit, name in given.items():
            if name in self._driver.settings:
                setattr(self.body.limits, limit, self.setting(name))


def _defaults_of(profile: Profile, driver: Driver) -> dict[str, int]:
    """Settings as delivered: the product's, and the habits this meter was given."""
    return {name: setting.default for name, setting in driver.settings.items()} | {
        "report_period": _PERIODS.index(profile.period),
        "report_every": profile.every_s,
        "report_time": profile.report_time_s,
        "freeze_period": profile.freeze_s,
        "spread_start": profile.spread_start_s,
        "spread_interval": profile.spread_factor_s,
    }
