# SPDX-License-Identifier: Apache-2.0
"""The life of a meter's radio: the guards (``bool``) and actions behind the words of ``states.py`` (R1.5–R1.9).

What the meter is besides – register, sensors, events, clock set from outside – is in ``meter.py``. Each act of the radio takes its
charge from the battery here (R1.15).
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.emulator.meter.battery import attach_uc, exchange_uc, window_uc
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.clock import MeterClock
from openmains.emulator.meter.profile import Action, Attach, Frames, Profile, Send, Sleep, Snapshot
from openmains.emulator.meter.spreading import Schedule, spread_s
from openmains.emulator.meter.states import BY_PAIR, Input, State


@dataclass(slots=True)
class Alarm:
    """An event that waits to be told. ``busy``: tries that met error 513."""

    event: str
    raised: bool
    raised_at: int
    tries: int = 0
    busy: int = 0


class Life(ABC):
    """State, timers and messages under way of one meter."""

    def __init__(self, number: int, profile: Profile, frames: Frames, clock: MeterClock, body: Body) -> None:
        self.number, self.profile, self.state, self.body = number, profile, State.OFF, body
        self.attempts = 0  # of the report under way
        self._frames, self._clock = frames, clock
        self._schedule = self._schedule_of(profile)
        self._due = self._done_due = 0  # report times, local device time: the next one and the newest that came
        self._timers: dict[Input, int] = {}
        self._window_from = self._woken_at = self._heartbeats_sent = 0
        self._attached = self._clear_frequency = self._report_pending = False
        self._attach_failures = self._busy = self._message = 0
        self._alarms: deque[Alarm] = deque()
        self._current: Send | None = None  # what SENDING waits for
        self._report_frame = b""  # of the report under way; empty = a new period began: build anew
        self._untold: set[str] = set()  # riders on the next report that no answered message has carried yet
        self._telling: set[str] = set()  # those in the message under way
        self._actions: list[Action] = []

    @abstractmethod
    def note(self, now: int, what: str) -> None:
        """One line in the log."""

    @abstractmethod
    def snapshot(self, now: int) -> Snapshot:
        """What a message says."""

    @abstractmethod
    def _report_snapshot(self, now: int) -> Snapshot: ...

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
        busy = self._alarms[0].busy if self._if_is_alarm() else self._busy
        return busy < len(self.profile.busy_retries_s)

    # -- actions ---------------------------------------------------------------------------------------------------

    def _do_attach(self, now: int) -> None:
        self.body.battery.spend(attach_uc(self.body.ecl))
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

    def _do_stay(self, now: int) -> None:  # noqa: B027 - nothing to do on the way, for every meter
        """Nothing to do on the way."""

    def _do_send_next(self, now: int) -> None:
        if self._alarms:
            alarm = self._alarms[0]
            alarm.tries += 1
            snapshot = self.snapshot(now)
            snapshot.event, snapshot.raised, snapshot.raised_at = alarm.event, alarm.raised, alarm.raised_at
            self._telling = set(self._untold)
            self._send("alarm", self._frames.alarm(snapshot), alarm.tries)
            return
        self._timers.pop(Input.RETRY_DUE, None)
        self._timers.pop(Input.RESET_DUE, None)
        if not self._report_frame:
            self._telling = set(self._untold)
            self._report_frame = self._frames.report(self._report_snapshot(now))
            self.attempts = self._busy = 0
        self.attempts += 1
        self._woken_at = now
        self._send("report", self._report_frame, self.attempts)

    def _do_send_again(self, now: int) -> None:
        assert self._current is not None, "only in SENDING"  # noqa: S101 - the table allows no other way here
        self._alarms[0].tries += 1
        self._send("alarm", self._current.payload, self._alarms[0].tries)

    def _do_answered(self, now: int) -> None:
        assert self._current is not None, "only in SENDING"  # noqa: S101 - the table allows no other way here
        self._untold -= self._telling
        self._telling = set()
        if self._if_is_alarm():
            self._alarms.popleft()
        elif self._report_frame:
            self._report_pending, self._report_frame = False, b""
            self._window_from, self._heartbeats_sent = now, 0
            self._timers[Input.WINDOW_ENDS] = self._window_end(now)
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
        if self._if_is_alarm():
            tries, self._alarms[0].busy = self._alarms[0].busy, self._alarms[0].busy + 1
        else:
            tries, self._busy = self._busy, self._busy + 1
        self._timers[Input.RETRY_DUE] = now + self.profile.busy_retries_s[tries]
        self._give_up_message()

    def _do_give_up_busy(self, now: int) -> None:
        # T4.2.2: reset the module and clear the prior frequency; the next report time or event attaches anew
        self.note(now, "module busy")
        self._alarms.clear()  # their state rides on the next report (R1.6)
        self._attached, self._clear_frequency = False, True
        self._give_up_message()

    def _do_send_heartbeat(self, now: int) -> None:
        self._actions.append(self._message_of("heartbeat", self._frames.heartbeat(self.snapshot(now)), 1))

    def _do_listen_on(self, now: int) -> None:
        self._timers[Input.WINDOW_ENDS] = self._window_end(now)

    def _give_up_message(self) -> None:
        self._current = None
        self._actions.append(Sleep())

    def _send(self, kind: str, payload: bytes, attempt: int) -> None:
        self._current = self._message_of(kind, payload, attempt)
        self._actions.append(self._current)

    def _message_of(self, kind: str, payload: bytes, attempt: int) -> Send:
        """A request, paid for whether it is answered or not."""
        self._message += 1
        early = self.profile.early_release
        self.body.battery.spend(exchange_uc(self.body.ecl, early))
        return Send(self._message, kind, payload, attempt, early)

    # -- timers and clock ------------------------------------------------------------------------------------------

    def _window_end(self, now: int) -> int:
        """R1.9: so long after the report; Chongqing: so long after the last command, and not beyond the wake time."""
        if not self.profile.quiet_s:
            return self._window_from + self.profile.window_s
        return min(now + self.profile.quiet_s, max(self._woken_at + self.profile.wake_s, now))

    def _window_closed(self, now: int) -> None:
        self.body.battery.spend(window_uc(now - self._window_from))

    def _schedule_of(self, profile: Profile) -> Schedule:
        delay = profile.spread_start_s + spread_s(profile.scheme, self.number, profile.spread_factor_s)
        return Schedule(profile.period, profile.every_s, profile.report_time_s, delay)

    def _arm_heartbeat(self) -> None:
        if self._heartbeats_sent < len(self.profile.heartbeats_s) and Input.WINDOW_ENDS in self._timers:
            self._timers[Input.HEARTBEAT_DUE] = self._window_from + self.profile.heartbeats_s[self._heartbeats_sent]
            self._heartbeats_sent += 1

    def _arm_report(self, now: int) -> None:
        local = self._clock.device_at(now) + self.profile.utc_offset_s
        if self._done_due < self._due <= local:  # the clock was set ahead over a report time: it comes now
            self._timers[Input.REPORT_DUE] = now
            return
        after = max(local, self._done_due) if self._done_due - local < DAY_S else local  # set back: none comes twice
        self._due = self._schedule.next_due(after)
        self._timers[Input.REPORT_DUE] = max(self._clock.true_of(self._due - self.profile.utc_offset_s), now)


GUARDS: Mapping[str, Callable[[Life], bool]] = {
    "is_attached": Life._if_is_attached,
    "something_to_send": Life._if_something_to_send,
    "attach_tries_left": Life._if_attach_tries_left,
    "is_alarm": Life._if_is_alarm,
    "more_after_answer": Life._if_more_after_answer,
    "alarm_tries_left": Life._if_alarm_tries_left,
    "alarm_was_last": Life._if_alarm_was_last,
    "report_tries_left": Life._if_report_tries_left,
    "busy_tries_left": Life._if_busy_tries_left,
}
ACTIONS: Mapping[str, Callable[[Life, int], None]] = {
    "attach": Life._do_attach,
    "attach_anew": Life._do_attach_anew,
    "wait_for_attach": Life._do_wait_for_attach,
    "give_up_attach": Life._do_give_up_attach,
    "stay": Life._do_stay,
    "send_next": Life._do_send_next,
    "send_again": Life._do_send_again,
    "answered": Life._do_answered,
    "answered_send_next": Life._do_answered_send_next,
    "drop_alarm": Life._do_drop_alarm,
    "drop_alarm_send_next": Life._do_drop_alarm_send_next,
    "wait_for_retry": Life._do_wait_for_retry,
    "wait_for_reset": Life._do_wait_for_reset,
    "wait_for_busy_retry": Life._do_wait_for_busy_retry,
    "give_up_busy": Life._do_give_up_busy,
    "send_heartbeat": Life._do_send_heartbeat,
    "listen_on": Life._do_listen_on,
}
"""What the words of the table in ``states.py`` mean."""
