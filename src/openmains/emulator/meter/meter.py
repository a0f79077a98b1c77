# SPDX-License-Identifier: Apache-2.0
"""One NB-IoT meter, sans-IO, under virtual time (R1.3–R1.9, R1.13–R1.15, R2.1).

The owner of a meter calls ``handle(now)`` when ``next_timer()`` is reached and the ``on_…`` methods when the radio has
something to say, and carries out the actions that come back. All instants are whole seconds since 1970 UTC of the
*true* (virtual) time; the meter itself only knows its own clock, ``device_at``, which drifts and is set by the
platform's answer. What happens when is the table in ``states.py``, what its words do is in ``life.py``; why there is something
to report is the body's matter (``body.py``), and what really happened stands in ``diary``.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from openmains.domain.period import DAY_S, HOUR_S
from openmains.emulator.meter.battery import response_uc
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.causes import Happening
from openmains.emulator.meter.clock import MeterClock
from openmains.emulator.meter.diary import Diary, What
from openmains.emulator.meter.flow import drips
from openmains.emulator.meter.freeze_log import FreezeLog
from openmains.emulator.meter.life import ACTIONS, GUARDS, Alarm, Life
from openmains.emulator.meter.piping import Piping
from openmains.emulator.meter.profile import (
    HISTORY_DAYS,
    UNKNOWN,
    Action,
    Attach,
    Frames,
    Profile,
    Send,
    Sleep,
    Snapshot,
    Supply,
)
from openmains.emulator.meter.span import Span, span_of
from openmains.emulator.meter.states import Input, State

__all__ = [
    "ACTIONS", "GUARDS", "HISTORY_DAYS", "UNKNOWN", "Action", "Attach", "Frames", "Meter", "Profile", "Send", "Sleep",
    "Snapshot", "Supply",
]  # fmt: skip

DEAD = "dead"  # the reason why the register of a dead meter stands


class Meter(Life):
    """State of one meter. ``number`` decides its spreading; ``supply`` is its register as a function of true time."""

    def __init__(
        self,
        number: int,
        profile: Profile,
        supply: Supply,
        frames: Frames,
        *,
        drift_ppm: int = 0,
        body: Body | None = None,
    ) -> None:
        super().__init__(number, profile, frames, MeterClock(drift_ppm), body or Body(number=number))
        self.active: set[str] = set()  # events whose state is on
        self.log: deque[tuple[int, str]] = deque(maxlen=2000)  # (device time, what); kept ``log_days`` (R1.14)
        self.diary = Diary()
        self.clock_known = False  # nobody has told the time yet
        self.dead = False  # the battery is empty
        self.latched: frozenset[str] = frozenset()  # events whose closing took the flow away that showed them
        self.piping = supply if isinstance(supply, Piping) else Piping(supply)
        self.body.connect(self.piping)
        self._freezes = FreezeLog(profile, self.piping, self._clock)
        self._seq = 0
        self._sensed: set[str] = set()  # events that the sensors turned on
        self._why: dict[str, str] = {}
        self._sent_on: dict[str, int] = {}  # once-a-day events → local device day
        self._dry_mark = 0  # newest freezing that micro-leaks were looked for at

    # -- the owner's side ------------------------------------------------------------------------------------------

    def switch_on(self, now: int, *, attach_after_s: int | None = None, clock_error_s: int = 0) -> list[Action]:
        """Power on. The first attach is spread like the reports (R1.8) unless a delay is given."""
        self._clock.start(now, clock_error_s)
        self.body.battery.start(now)
        wait = self._schedule.delay_s if attach_after_s is None else attach_after_s
        self._timers[Input.ATTACH_DUE] = now + wait
        self._arm_report(now)
        self._report_pending = True  # the first thing the platform hears of a new meter
        return self.handle(now)

    def next_timer(self) -> int | None:
        """True instant at which ``handle`` wants to be called; None while the meter is off."""
        own = min(self._timers.values(), default=None)
        change = self.body.next_change()
        return own if change is None else change if own is None else min(own, change)

    def handle(self, now: int) -> list[Action]:
        """Run every timer that is due, in order of its instant; sensors are looked at before anything is said."""
        change, report = self.body.next_change(), self._timers.get(Input.REPORT_DUE)
        if (change is not None and change <= now) or (
            report is not None and report <= now and self._may_have_changed(now)
        ):
            self._look(now)
        while due := [(at, name) for name, at in self._timers.items() if at <= now]:
            name = min(due)[1]
            del self._timers[name]
            if name is Input.REPORT_DUE:
                self._report_pending, self._report_frame = True, b""
                self._done_due = self._due
                self._arm_report(now)
            elif name is Input.HEARTBEAT_DUE:
                self._arm_heartbeat()
            elif name is Input.WINDOW_ENDS:
                self._window_closed(now)
            self._input(name, now)
        return self._take()

    def on_attach(self, ok: bool, now: int) -> list[Action]:
        """Outcome of an ``Attach``."""
        if self.state is State.ATTACHING:
            if ok:
                self._attached, self._attach_failures = True, 0
            else:
                self._attach_failures += 1
            self._input(Input.ATTACHED if ok else Input.ATTACH_FAILED, now)
        return self._take()

    def on_answer(self, message: int, payload: bytes, now: int, *, ahead_s: int = 0) -> list[Action]:
        """The platform acknowledged; its payload may carry the time (R1.13), to which ``ahead_s`` is added: how far
        virtual time is ahead of the platform's."""
        time_s = self._frames.time_of(payload)
        if time_s is not None:
            self.on_time(time_s + ahead_s, now)
        if self._current is not None and message == self._current.message:
            self._input(Input.ANSWERED, now)
        return self._take()

    def on_time(self, time_s: int, now: int) -> None:
        """The platform's time, in an answer or written (R1.13); a dead meter hears nothing."""
        if not self.dead:
            self.clock_known = True
            self.set_clock(time_s, now)

    def on_failure(self, message: int, now: int, *, busy: bool = False) -> list[Action]:
        """No acknowledgement, or an error; ``busy`` = the module said +CME ERROR 513 (T4.2.2)."""
        if self._current is not None and message == self._current.message:
            self._input(Input.BUSY if busy else Input.FAILED, now)
        return self._take()

    def on_downlink(self, now: int) -> None:
        """The platform asked for something: it is answered, and a window that listens for commands stays open (C4.2.4)."""
        self.body.battery.spend(response_uc(self.body.ecl, self.profile.early_release))
        self._input(Input.COMMAND, now)

    def strike(self, happening: Happening, now: int) -> list[Action]:
        """Something happens to the meter; what begins now is seen now."""
        self.body.strike(happening)
        return self.handle(now)

    def look(self, now: int) -> list[Action]:
        """Its sensors, once more: a person has reset what they had latched."""
        self._look(now)
        return self._take()

    def set_event(self, event: str, on: bool, now: int) -> list[Action]:
        """An event begins or ends. Recovery is an event as well (R1.5)."""
        self._event(event, on, now, now)
        return self._take()

    def say(self, kind: str, payload: bytes) -> list[Action]:
        """Send something of one's own; how it ends changes no state (a lost answer is asked for again)."""
        return [self._message_of(kind, payload, 1)]

    def snapshot(self, now: int) -> Snapshot:
        """Clock, register, events and battery now, under a new sequence number."""
        self._seq += 1
        device = self.device_at(now)
        local = device + self.profile.utc_offset_s
        return Snapshot(
            device,
            self._seq,
            self.register(now),
            frozenset(self.active | self._untold),
            battery_mv=max(0, self.body.voltage_mv(now, local)),
            battery_pct=self.body.battery.permille(now) // 10,
        )

    def configure(self, profile: Profile, now: int) -> None:
        """Other habits from now on: report and freezing period, report time, spreading (R4.2)."""
        self._freezes.configure(profile)
        self.profile = profile
        self._schedule = self._schedule_of(profile)
        self._due = self._done_due
        self._arm_report(now)

    def restart(self, now: int, after_s: int = 10) -> None:
        """Reset of meter and module: what is under way is lost, the log and the clock are kept; attach and report."""
        self.note(now, "restart")
        self._forget()
        self._report_pending = True
        if self.dead:
            return
        self._timers[Input.ATTACH_DUE] = now + after_s
        self._arm_report(now)

    def set_clock(self, time_s: int, now: int) -> None:
        """The platform's time (R1.13)."""
        before = self.device_at(now)
        if abs(time_s - before) > self.profile.freeze_s:
            self.note(now, f"clock set by {time_s - before} s")
        self._freezes.bring_up_to(now)
        self._clock.set(time_s, now)
        self._freezes.clock_was_set(before, time_s, now)
        self._arm_report(now)

    def freezes(self, since: int, until: int, now: int) -> list[tuple[int, int]]:
        """(instant, register) frozen in a span of the meter's clock, oldest first; what is unknown is left out."""
        return self._freezes.freezes(since, until, now)

    def note(self, now: int, what: str) -> None:
        """One line in the log, which keeps ``log_days`` (R1.14)."""
        device = self.device_at(now)
        while self.log and self.log[0][0] < device - self.profile.log_days * DAY_S:
            self.log.popleft()
        self.log.append((device, what))

    def true_of(self, device: int) -> int:
        """First true second at which the meter's clock shows at least this."""
        return self._clock.true_of(device)

    def preload(self, newest: int, registers: Sequence[int]) -> None:
        """Fill the log at once instead of at the first look: registers frozen at device times … ``newest``, one a
        freezing interval, oldest first. Only before ``switch_on``."""
        self._freezes.preload(newest, registers)

    def reset_register(self, now: int) -> None:
        """Fault: the register starts anew at 0 (a meter that lost its memory)."""
        self._freezes.reset_register(now)
        self.note(now, "register reset")

    def register(self, now: int) -> int:
        """Register at a true instant, as the dial shows it since the last reset."""
        return self._freezes.register(now)

    def device_at(self, now: int) -> int:
        """What the meter's clock shows."""
        return self._clock.device_at(now)

    def pull_log(self, since: int) -> list[tuple[int, str]]:
        """Log entries not older than ``since`` (device time), oldest first (R1.14)."""
        return [entry for entry in self.log if entry[0] >= since]

    def frozen(self, at: int) -> int:
        """Register frozen at a device time on the grid; ``UNKNOWN`` if the ring does not hold it."""
        return self._freezes.frozen(at)

    # -- events ----------------------------------------------------------------------------------------------------

    def _look(self, now: int) -> None:
        """What the sensors see: events that are new, and those that are over."""
        for at, happening, began in self.body.advance(now):
            self.diary.add(at, self.device_at(at), What.CAUSE, happening.cause.value, began)
        local = self.device_at(now) + self.profile.utc_offset_s
        if self.body.is_dead(now, local) is not self.dead:
            self._wake(now) if self.dead else self._die(now)
        if self.dead:
            return
        seen = self.body.senses(now, local, self.active) | (self.latched & self._sensed)
        self._look_for_leaks(now, seen)
        for event in sorted(seen - self._sensed):
            self._event(event, True, now, now)
        for event in sorted(self._sensed - seen):
            self._event(event, False, now, now)
        self._sensed = seen

    def _may_have_changed(self, now: int) -> bool:
        """Since the last look: with no cause at work only what people used, which is frozen, and the battery, slowly."""
        return bool(self.body.active) or self.device_at(now) // self.profile.freeze_s != self._dry_mark

    def _look_for_leaks(self, now: int, seen: set[str]) -> None:
        """Micro-leak (微漏): for a day no freezing interval without flow. Looked for once a freezing."""
        mark = self.device_at(now) // self.profile.freeze_s
        if mark != self._dry_mark:
            self._dry_mark = mark
            device = self.device_at(now)
            found = self.freezes(device - DAY_S - self.profile.freeze_s, device, now)
            if drips(found, DAY_S):
                seen.add("micro_leak")
        elif "micro_leak" in self._sensed:
            seen.add("micro_leak")

    def _event(self, event: str, on: bool, now: int, at: int) -> None:
        """``at``: true instant at which it was so, which may lie a little before ``now``."""
        if (event in self.active) == on:
            return
        (self.active.add if on else self.active.discard)(event)
        device = self.device_at(at)
        self.note(now, f"{event} {'on' if on else 'off'}")
        if on:
            self._why[event] = self.body.why(event)
        self.diary.add(at, device, What.EVENT, event, on, self._why.get(event, ""))
        if event not in self.profile.immediate:
            if on:
                self._untold.add(event)  # rides on the next report, even if it is over by then
            return
        if event in self.profile.once_a_day and on:
            day = (device + self.profile.utc_offset_s) // DAY_S
            if self._sent_on.get(event) == day:
                return
            self._sent_on[event] = day
        self._alarms.append(Alarm(event, on, device))
        self._input(Input.EVENT, now)

    # -- power -----------------------------------------------------------------------------------------------------

    def _die(self, now: int) -> None:
        """The battery is empty: nothing is said, counted or kept until somebody brings a new one."""
        self.dead = True
        self.note(now, "battery empty")
        self.diary.add(now, self.device_at(now), What.POWER, DEAD, False, self.body.why("low_battery"))
        self.piping.stop(now, DEAD)
        self._forget()

    def _wake(self, now: int) -> None:
        self.dead = False
        self.piping.go(now, DEAD)
        self.diary.add(now, self.device_at(now), What.POWER, DEAD, True)
        self.restart(now)

    def _forget(self) -> None:
        self._timers.clear()
        self._alarms.clear()
        self.state, self._current, self._report_frame = State.OFF, None, b""
        self._attached, self._attach_failures = False, 0

    # -- readings --------------------------------------------------------------------------------------------------

    def _report_snapshot(self, now: int) -> Snapshot:
        self._freezes.bring_up_to(now)
        snapshot = self.snapshot(now)
        offset = self.profile.utc_offset_s
        local = snapshot.device_at + offset
        span = span_of(self.profile, self._schedule, local)
        snapshot.start_at, snapshot.interval_s = span.start - offset, span.step
        snapshot.freezes = [self.frozen(mark - offset) for mark in span.marks]
        snapshot.history_at = span.midnight - offset
        snapshot.history = [self.frozen(mark - offset) for mark in span.history]
        if self._frames.enhanced and span.step < DAY_S:
            self._feel(snapshot, span, local, now)
        return snapshot

    def _feel(self, snapshot: Snapshot, span: Span, local: int, now: int) -> None:
        """What the sensors say beside the register; the series is by the flow of each hour."""
        body, offset = self.body, self.profile.utc_offset_s
        snapshot.flow = body.flow(now)
        snapshot.temperature, snapshot.vibration = body.temperature(local), body.vibration()
        felt = body.pressure(now, local, snapshot.flow)
        snapshot.pressure = UNKNOWN if felt is None else felt
        snapshot.reverse = body.reverse(now) - body.reverse(self.true_of(span.start - offset))
        for place, (before, after) in enumerate(pairwise(snapshot.freezes)):
            used = max(0, after - before) if UNKNOWN not in (before, after) else 0
            mark = span.start + place * span.step
            pushed, warmth, shaking = body.felt(self.true_of(mark - offset), mark, used * HOUR_S // span.step)
            snapshot.felt.append((UNKNOWN if pushed is None else pushed, warmth, shaking))
        an_hour = max(1, HOUR_S // span.step)
        for place in range(an_hour, len(snapshot.freezes), an_hour):
            before, after = snapshot.freezes[place - an_hour], snapshot.freezes[place]
            used = after - before if UNKNOWN not in (before, after) else 0
            mark = span.start + place * span.step
            felt = body.pressure(self.true_of(mark - offset), mark, max(0, used))
            snapshot.pressures.append(UNKNOWN if felt is None else felt)
