# SPDX-License-Identifier: Apache-2.0
"""One NB-IoT meter, sans-IO, under virtual time (R1.3–R1.9, R1.13, R1.14, R2.1).

The owner of a meter calls ``handle(now)`` when ``next_timer()`` is reached and the ``on_…`` methods when the radio has
something to say, and carries out the actions that come back. All instants are whole seconds since 1970 UTC of the
*true* (virtual) time; the meter itself only knows its own clock, ``device_at``, which drifts and is set by the
platform's answer. What happens when is the table in ``states.py``; here are only its guards (``bool``) and actions.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.emulator.meter.clock import MeterClock
from openmains.emulator.meter.freeze_log import FreezeLog
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
from openmains.emulator.meter.span import span_of
from openmains.emulator.meter.spreading import Schedule, spread_s
from openmains.emulator.meter.states import BY_PAIR, Input, State

__all__ = [
    "HISTORY_DAYS", "UNKNOWN", "Action", "Attach", "Frames", "Meter", "Profile", "Send", "Sleep", "Snapshot", "Supply",
]  # fmt: skip


@dataclass(slots=True)
class _Alarm:
    event: str
    raised: bool
    raised_at: int
    tries: int = 0


class Meter:
    """State of one meter. ``number`` decides its spreading; ``supply`` is its register as a function of true time."""

    def __init__(self, number: int, profile: Profile, supply: Supply, frames: Frames, *, drift_ppm: int = 0) -> None:
        self.number, self.profile, self.state = number, profile, State.OFF
        self.active: set[str] = set()  # events whose state is on
        self.log: deque[tuple[int, str]] = deque(maxlen=2000)  # (device time, what); kept ``log_days`` (R1.14)
        self.attempts = 0  # of the report under way
        self.clock_known = False  # nobody has told the time yet
        self._frames = frames
        self._clock = MeterClock(drift_ppm)
        self._freezes = FreezeLog(profile, supply, self._clock)
        delay = profile.spread_start_s + spread_s(profile.scheme, number, profile.spread_factor_s)
        self._schedule = Schedule(profile.period, profile.every_s, profile.report_time_s, delay)
        self._due = self._done_due = 0  # report times, local device time: the next one and the newest that came
        self._timers: dict[Input, int] = {}
        self._window_from = self._heartbeats_sent = 0
        self._attached = self._clear_frequency = self._report_pending = False
        self._attach_failures = self._busy = self._seq = self._message = 0
        self._alarms: deque[_Alarm] = deque()
        self._sent_on: dict[str, int] = {}  # once-a-day events → local device day
        self._current: Send | None = None  # what SENDING waits for
        self._report_frame = b""  # of the report under way; empty = a new period began: build anew
        self._actions: list[Action] = []

    # -- the owner's side ------------------------------------------------------------------------------------------

    def switch_on(self, now: int, *, attach_after_s: int | None = None, clock_error_s: int = 0) -> list[Action]:
        """Power on. The first attach is spread like the reports (R1.8) unless a delay is given."""
        self._clock.start(now, clock_error_s)
        wait = self._schedule.delay_s if attach_after_s is None else attach_after_s
        self._timers[Input.ATTACH_DUE] = now + wait
        self._arm_report(now)
        self._report_pending = True  # the first thing the platform hears of a new meter
        return self.handle(now)

    def next_timer(self) -> int | None:
        """True instant at which ``handle`` wants to be called; None while the meter is off."""
        return min(self._timers.values(), default=None)

    def handle(self, now: int) -> list[Action]:
        """Run every timer that is due, in order of its instant."""
        while due := [(at, name) for name, at in self._timers.items() if at <= now]:
            name = min(due)[1]
            del self._timers[name]
            if name is Input.REPORT_DUE:
                self._report_pending, self._report_frame = True, b""
                self._done_due = self._due
                self._arm_report(now)
            elif name is Input.HEARTBEAT_DUE:
                self._arm_heartbeat()
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
            self.clock_known = True
            self.set_clock(time_s + ahead_s, now)
        if self._current is not None and message == self._current.message:
            self._input(Input.ANSWERED, now)
        return self._take()

    def on_failure(self, message: int, now: int, *, busy: bool = False) -> list[Action]:
        """No acknowledgement, or an error; ``busy`` = the module said +CME ERROR 513."""
        if self._current is not None and message == self._current.message:
            self._input(Input.BUSY if busy and self._current.kind == "report" else Input.FAILED, now)
        return self._take()

    def set_event(self, event: str, on: bool, now: int) -> list[Action]:
        """An event begins or ends. Recovery is an event as well (R1.5)."""
        if (event in self.active) == on:
            return []
        (self.active.add if on else self.active.discard)(event)
        device = self.device_at(now)
        self.note(now, f"{event} {'on' if on else 'off'}")
        if event not in self.profile.immediate:
            return []  # its state rides on the next report
        if event in self.profile.once_a_day and on:
            day = (device + self.profile.utc_offset_s) // DAY_S
            if self._sent_on.get(event) == day:
                return []
            self._sent_on[event] = day
        self._alarms.append(_Alarm(event, on, device))
        self._input(Input.EVENT, now)
        return self._take()

    def say(self, kind: str, payload: bytes) -> list[Action]:
        """Send something of one's own; how it ends changes no state (a lost answer is asked for again)."""
        self._message += 1
        return [Send(self._message, kind, payload, 1)]

    def snapshot(self, now: int) -> Snapshot:
        """Clock, register and events now, under a new sequence number."""
        self._seq += 1
        return Snapshot(self.device_at(now), self._seq, self.register(now), frozenset(self.active))

    def configure(self, profile: Profile, now: int) -> None:
        """Other habits from now on: report and freezing period, report time, spreading (R4.2)."""
        self._freezes.configure(profile)
        self.profile = profile
        delay = profile.spread_start_s + spread_s(profile.scheme, self.number, profile.spread_factor_s)
        self._schedule = Schedule(profile.period, profile.every_s, profile.report_time_s, delay)
        self._due = self._done_due
        self._arm_report(now)

    def restart(self, now: int, after_s: int = 10) -> None:
        """Reset of meter and module: what is under way is lost, the log and the clock are kept; attach and report."""
        self.note(now, "restart")
        self._timers.clear()
        self._alarms.clear()
        self.state, self._current, self._report_frame = State.OFF, None, b""
        self._attached, self._attach_failures, self._report_pending = False, 0, True
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

    # -- states ----------------------------------------------------------------------------------------------------

    def _input(self, name: Input, now: int) -> None:
        for row in BY_PAIR[(self.state, name)]:
            if row.guard and not GUARDS[row.guard](self):
                continue
            if row.next is not State.REST:
                self.state = row.next
            ACTIONS[row.action](self, now)
            if row.next is State.REST:
                self._rest()
            return

    def _rest(self) -> None:
        if Input.WINDOW_ENDS in self._timers:
            self.state = State.WINDOW
            return
        self.state = State.ASLEEP
        if Input.RETRY_DUE in self._timers:
            self.state = State.RETRY_WAIT
        elif Input.RESET_DUE in self._timers:
            self.state = State.RESET_WAIT
        self._actions.append(Sleep())

    def _take(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions

    # -- guards ----------------------------------------------------------------------------------------------------

    def _if_is_attached(self) -> bool:
        return self._attached

    def _if_something_to_send(self) -> bool:
        return self._report_pending or bool(self._alarms)

    def _if_attach_tries_left(self) -> bool:
        return self._attach_failures < self.profile.attach_tries

    def _if_is_alarm(self) -> bool:
        return self._current is not None and self._current.kind == "alarm"

    def _report_can_go(self) -> bool:
        return self._report_pending and Input.RETRY_DUE not in self._timers and Input.RESET_DUE not in self._timers

    def _if_more_after_answer(self) -> bool:
        if self._if_is_alarm():
            return len(self._alarms) > 1 or self._report_can_go()
        return bool(self._alarms) or not self._report_frame

    def _if_alarm_tries_left(self) -> bool:
        return self._if_is_alarm() and self._alarms[0].tries < self.profile.alarm_tries

    def _if_alarm_was_last(self) -> bool:
        return self._if_is_alarm() and len(self._alarms) == 1 and not self._report_can_go()

    def _if_report_tries_left(self) -> bool:
        return self.attempts <= len(self.profile.retries_s)

    def _if_busy_tries_left(self) -> bool:
        return self._busy < len(self.profile.busy_retries_s)

    # -- actions ---------------------------------------------------------------------------------------------------

    def _do_attach(self, now: int) -> None:
        self._actions.append(Attach(self._clear_frequency))
        self._clear_frequency = False

    def _do_attach_anew(self, now: int) -> None:
        self._attached, self._attach_failures, self._report_frame = False, 0, b""
        self._do_attach(now)

    def _do_wait_for_attach(self, now: int) -> None:
        self._clear_frequency = True
        self._timers[Input.ATTACH_DUE] = now + self.profile.attach_wait_s

    def _do_give_up_attach(self, now: int) -> None:
        self.note(now, "attach failed")
        self._alarms.clear()  # their state rides on the next report (R1.6)
        self._actions.append(Sleep())

    def _do_stay(self, now: int) -> None:
        """Nothing to do on the way."""

    def _do_send_next(self, now: int) -> None:
        if self._alarms:
            alarm = self._alarms[0]
            alarm.tries += 1
            snapshot = self.snapshot(now)
            snapshot.event, snapshot.raised, snapshot.raised_at = alarm.event, alarm.raised, alarm.raised_at
            self._send("alarm", self._frames.alarm(snapshot), alarm.tries)
            return
        self._timers.pop(Input.RETRY_DUE, None)
        self._timers.pop(Input.RESET_DUE, None)
        if not self._report_frame:
            self._report_frame = self._frames.report(self._report_snapshot(now))
            self.attempts = self._busy = 0
        self.attempts += 1
        self._send("report", self._report_frame, self.attempts)

    def _do_send_again(self, now: int) -> None:
        assert self._current is not None, "only in SENDING"  # noqa: S101 - the table allows no other way here
        self._alarms[0].tries += 1
        self._send("alarm", self._current.payload, self._alarms[0].tries)

    def _do_answered(self, now: int) -> None:
        assert self._current is not None, "only in SENDING"  # noqa: S101 - the table allows no other way here
        if self._if_is_alarm():
            self._alarms.popleft()
        elif self._report_frame:
            self._report_pending, self._report_frame = False, b""
            self._window_from, self._heartbeats_sent = now, 0
            self._timers[Input.WINDOW_ENDS] = now + self.profile.window_s
            self._arm_heartbeat()
        self._current = None

    def _do_answered_send_next(self, now: int) -> None:
        self._do_answered(now)
        self._do_send_next(now)

    def _do_drop_alarm(self, now: int) -> None:
        self.note(now, f"{self._alarms.popleft().event} not delivered")
        self._current = None

    def _do_drop_alarm_send_next(self, now: int) -> None:
        self._do_drop_alarm(now)
        self._do_send_next(now)

    def _do_wait_for_retry(self, now: int) -> None:
        self._timers[Input.RETRY_DUE] = now + self.profile.retries_s[self.attempts - 1]
        self._give_up_message()

    def _do_wait_for_reset(self, now: int) -> None:
        self.note(now, "report not delivered")
        self._timers[Input.RESET_DUE] = now + self.profile.reset_s
        self._give_up_message()

    def _do_wait_for_busy_retry(self, now: int) -> None:
        self._timers[Input.RETRY_DUE] = now + self.profile.busy_retries_s[self._busy]
        self._busy += 1
        self._give_up_message()

    def _do_give_up_busy(self, now: int) -> None:
        # T4.2.2: reset the module and clear the prior frequency; the next report time attaches anew
        self.note(now, "module busy")
        self._attached, self._clear_frequency = False, True
        self._give_up_message()

    def _do_send_heartbeat(self, now: int) -> None:
        self._message += 1
        self._actions.append(Send(self._message, "heartbeat", self._frames.heartbeat(self.snapshot(now)), 1))

    def _give_up_message(self) -> None:
        self._current = None
        self._actions.append(Sleep())

    def _send(self, kind: str, payload: bytes, attempt: int) -> None:
        self._message += 1
        self._current = Send(self._message, kind, payload, attempt)
        self._actions.append(self._current)

    # -- timers and clock ------------------------------------------------------------------------------------------

    def _arm_heartbeat(self) -> None:
        if self._heartbeats_sent < len(self.profile.heartbeats_s) and Input.WINDOW_ENDS in self._timers:
            self._timers[Input.HEARTBEAT_DUE] = self._window_from + self.profile.heartbeats_s[self._heartbeats_sent]
            self._heartbeats_sent += 1

    def _arm_report(self, now: int) -> None:
        local = self.device_at(now) + self.profile.utc_offset_s
        if self._done_due < self._due <= local:  # the clock was set ahead over a report time: it comes now
            self._timers[Input.REPORT_DUE] = now
            return
        after = max(local, self._done_due) if self._done_due - local < DAY_S else local  # set back: none comes twice
        self._due = self._schedule.next_due(after)
        self._timers[Input.REPORT_DUE] = max(self.true_of(self._due - self.profile.utc_offset_s), now)

    # -- readings --------------------------------------------------------------------------------------------------

    def _report_snapshot(self, now: int) -> Snapshot:
        self._freezes.bring_up_to(now)
        snapshot = self.snapshot(now)
        offset = self.profile.utc_offset_s
        span = span_of(self.profile, self._schedule, snapshot.device_at + offset)
        snapshot.start_at, snapshot.interval_s = span.start - offset, span.step
        snapshot.freezes = [self.frozen(mark - offset) for mark in span.marks]
        snapshot.history_at = span.midnight - offset
        snapshot.history = [self.frozen(mark - offset) for mark in span.history]
        return snapshot


GUARDS: Mapping[str, Callable[[Meter], bool]] = {
    "is_attached": Meter._if_is_attached,
    "something_to_send": Meter._if_something_to_send,
    "attach_tries_left": Meter._if_attach_tries_left,
    "is_alarm": Meter._if_is_alarm,
    "more_after_answer": Meter._if_more_after_answer,
    "alarm_tries_left": Meter._if_alarm_tries_left,
    "alarm_was_last": Meter._if_alarm_was_last,
    "report_tries_left": Meter._if_report_tries_left,
    "busy_tries_left": Meter._if_busy_tries_left,
}
ACTIONS: Mapping[str, Callable[[Meter, int], None]] = {
    "attach": Meter._do_attach,
    "attach_anew": Meter._do_attach_anew,
    "wait_for_attach": Meter._do_wait_for_attach,
    "give_up_attach": Meter._do_give_up_attach,
    "stay": Meter._do_stay,
    "send_next": Meter._do_send_next,
    "send_again": Meter._do_send_again,
    "answered": Meter._do_answered,
    "answered_send_next": Meter._do_answered_send_next,
    "drop_alarm": Meter._do_drop_alarm,
    "drop_alarm_send_next": Meter._do_drop_alarm_send_next,
    "wait_for_retry": Meter._do_wait_for_retry,
    "wait_for_reset": Meter._do_wait_for_reset,
    "wait_for_busy_retry": Meter._do_wait_for_busy_retry,
    "give_up_busy": Meter._do_give_up_busy,
    "send_heartbeat": Meter._do_send_heartbeat,
}
"""What the words of the table in ``states.py`` mean."""
