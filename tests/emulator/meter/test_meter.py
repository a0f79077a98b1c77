# SPDX-License-Identifier: Apache-2.0
"""The meter's behaviour second by second (R1.3–R1.9, R1.13, R2.1), under virtual time."""

import json
import random
from typing import Any

import pytest

from openmains.emulator.meter.meter import ACTIONS, GUARDS, UNKNOWN, Action, Attach, Meter, Profile, Send, Sleep
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.emulator.meter.states import TABLE, Input, State
from tests.emulator.plain_frames import PlainFrames, litre_a_minute
from tests.support.properties import counted

_MIDNIGHT = 20_454 * 86_400 - 8 * 3600  # 2026-01-01 00:00 in China
_HOUSE = Profile()
_MIN, _H, _DAY = 60, 3600, 86_400


class Bench:
    """Drives one meter through virtual time and keeps a diary of (seconds since midnight, what)."""

    def __init__(self, profile: Profile = _HOUSE, *, number: int = 0, start: int = _MIDNIGHT, **kwargs: Any) -> None:
        self.meter = Meter(number, profile, litre_a_minute, PlainFrames(), **kwargs)
        self.now = start
        self.diary: list[tuple[int, str]] = []
        self.sent: list[tuple[Send, dict[str, Any]]] = []
        self.attach_ok = True
        self.answer: bytes | None = b""  # None: every message fails
        self.busy = False
        self.time_sync = False

    def do(self, actions: list[Action]) -> None:
        todo = list(actions)
        while todo:
            action = todo.pop(0)
            at = self.now - _MIDNIGHT
            if isinstance(action, Attach):
                self.diary.append((at, "attach cleared" if action.clear_frequency else "attach"))
                todo += self.meter.on_attach(self.attach_ok, self.now)
            elif isinstance(action, Send):
                self.diary.append((at, f"{action.kind} {action.attempt}"))
                self.sent.append((action, json.loads(action.payload)))
                if self.answer is None:
                    todo += self.meter.on_failure(action.message, self.now, busy=self.busy)
                else:
                    answer = str(self.now).encode() if self.time_sync else self.answer
                    todo += self.meter.on_answer(action.message, answer, self.now)
            elif isinstance(action, Sleep):
                self.diary.append((at, "sleep"))

    def on(self, **kwargs: Any) -> "Bench":
        self.do(self.meter.switch_on(self.now, **kwargs))
        return self

    def run(self, seconds: int) -> "Bench":
        end = self.now + seconds
        while (timer := self.meter.next_timer()) is not None and timer <= end:
            assert timer >= self.now
            self.now = timer
            self.do(self.meter.handle(self.now))
        self.now = end
        return self

    def diary_of(self, kind: str) -> list[int]:
        return [at for at, what in self.diary if what.startswith(kind)]


def _installed(**kwargs: Any) -> Bench:
    """A meter that was switched on yesterday at noon, a second before midnight; its diary is empty."""
    bench = Bench(start=_MIDNIGHT - 12 * _H, **kwargs).on(attach_after_s=0).run(12 * _H - 1)
    bench.diary.clear()
    bench.sent.clear()
    return bench


@pytest.mark.parametrize(
    ("scheme", "factor_s", "number", "expected"),
    [
        (Scheme.LAST2, 2 * _MIN, 12345610, 20 * _MIN),  # C4.2.3: number ending 10, delay 2, 00:00 → 00:20
        (Scheme.LAST2, 0, 12345610, 0),  # delay 0: off
        (Scheme.MOD200, 2 * _MIN, 12345678, 78 * 120 + 18),  # T4.1.4: n mod 200 = 78, n mod 60 = 18
        (Scheme.MOD200, 2 * _MIN, 199, 199 * 120 + 19),
        (Scheme.LAST3, 15, 9_876_543, 543 * 15),  # G5.3
        (Scheme.NONE, 120, 12345678, 0),
    ],
)
def test_spreading(scheme: Scheme, factor_s: int, number: int, expected: int) -> None:
    bench = _installed(profile=Profile(scheme=scheme, spread_factor_s=factor_s), number=number).run(_DAY)
    assert bench.diary_of("report") == [expected]


def test_report_time_is_added_to_the_spread() -> None:
    bench = _installed(profile=Profile(report_time_s=4 * _H), number=1).run(_DAY)
    assert bench.diary_of("report") == [4 * _H + 121]


def test_window_two_heartbeats_then_psm() -> None:
    bench = _installed().run(_DAY - 1)
    assert bench.diary == [(0, "report 1"), (60, "heartbeat 1"), (120, "heartbeat 1"), (180, "sleep")]


def test_retransmission_at_once_5_min_1_h_reset_8_h() -> None:
    bench = _installed()
    bench.answer = None
    bench.run(2 * _H)
    assert bench.diary_of("report") == [0, 5 * _MIN, 65 * _MIN]
    assert len({send.payload for send, _ in bench.sent}) == 1, "a retransmission is the same message"
    assert bench.meter.state is State.RESET_WAIT
    bench.answer = b""
    bench.run(8 * _H)
    assert bench.diary_of("attach") == [65 * _MIN + 8 * _H]
    assert bench.diary_of("report")[3:] == [65 * _MIN + 8 * _H]
    assert bench.diary_of("heartbeat") == [65 * _MIN + 8 * _H + 60, 65 * _MIN + 8 * _H + 120]


def test_retransmission_stops_with_the_answer() -> None:
    bench = _installed()
    bench.answer = None
    bench.run(2 * _MIN)
    bench.answer = b""
    bench.run(_DAY - 3 * _MIN)
    assert bench.diary_of("report") == [0, 5 * _MIN]
    assert bench.meter.state is State.ASLEEP


def test_error_513_at_1_3_10_min_then_reset_without_prior_frequency() -> None:
    bench = _installed()
    bench.answer, bench.busy = None, True
    bench.run(_DAY - 2)
    assert bench.diary_of("report") == [0, 60, 60 + 180, 60 + 180 + 600]
    assert bench.meter.state is State.ASLEEP
    bench.answer = b""
    bench.run(_H)
    assert bench.diary[-5:-3] == [(_DAY, "attach cleared"), (_DAY, "report 1")]


def test_attach_protection() -> None:
    bench = Bench(Profile(scheme=Scheme.NONE))
    bench.attach_ok = False
    bench.on().run(_DAY - 1)
    assert bench.diary == [(0, "attach"), (60, "attach cleared"), (120, "attach cleared"), (120, "sleep")]
    assert [what for _, what in bench.meter.pull_log(0)] == ["attach failed"]
    bench.attach_ok = True
    bench.run(2)
    assert bench.diary[4:] == [(_DAY, "attach"), (_DAY, "report 1")], "the next period tries again"


def test_first_attach_of_many_is_spread() -> None:
    first = {Bench(number=n).on().run(_DAY).diary[0][0] for n in range(200)}
    assert len(first) == 200
    assert max(first) == 199 * 120 + 19


@pytest.mark.parametrize(
    ("period", "every_s", "days", "expected"),
    [
        (Period.EVERY, _H, 1, list(range(0, _DAY, _H))),
        (Period.EVERY, 12 * _H, 2, [0, 12 * _H, _DAY, 36 * _H]),
        (Period.WEEK, 0, 21, [4 * _DAY, 11 * _DAY, 18 * _DAY]),  # 2026-01-05 is a Monday
        (Period.TEN_DAYS, 0, 35, [0, 10 * _DAY, 20 * _DAY, 31 * _DAY]),
        (Period.MONTH, 0, 62, [0, 31 * _DAY, 59 * _DAY]),
    ],
)
def test_periods(period: Period, every_s: int, days: int, expected: list[int]) -> None:
    bench = _installed(profile=Profile(period=period, every_s=every_s, scheme=Scheme.NONE)).run(days * _DAY)
    assert bench.diary_of("report") == expected


def test_daily_report_carries_yesterday_and_seven_days() -> None:
    bench = _installed(number=3).run(_H)
    values = bench.sent[0][1]
    assert (values["start_at"], values["interval_s"]) == (_MIDNIGHT - _DAY, 1800)
    assert values["freezes"] == [(_MIDNIGHT - _DAY + 1800 * k) // 60 for k in range(49)]
    assert values["history"] == [(_MIDNIGHT - _DAY - _DAY * k) // 60 for k in range(8)]
    assert values["register"] == bench.sent[0][1]["device_at"] // 60


def test_dense_mode_five_minutes_every_hour() -> None:
    dense = Profile(period=Period.EVERY, every_s=_H, freeze_s=300, scheme=Scheme.NONE)
    values = _installed(profile=dense).run(3 * _H - 60).sent[-3][1]
    assert values["start_at"] == _MIDNIGHT + _H
    assert values["freezes"] == [(_MIDNIGHT + _H + 300 * k) // 60 for k in range(13)]


def test_demo_cadence_covers_today_so_far() -> None:
    demo = Profile(period=Period.EVERY, every_s=60, today=True, scheme=Scheme.NONE)
    bench = _installed(profile=demo).run(95 * _MIN)
    reports = [values for send, values in bench.sent if send.kind == "report"]
    assert len(reports) == 95
    assert reports[-1]["start_at"] == _MIDNIGHT
    assert len(reports[-1]["freezes"]) == 4
    assert reports[-1]["register"] == (_MIDNIGHT + 94 * _MIN) // 60
    assert {len(report["freezes"]) for report in reports[:30]} == {49}, "until the first freezing: all of yesterday"
    assert {report["start_at"] for report in reports[:30]} == {_MIDNIGHT - _DAY}


def test_event_at_once_three_failures_then_rides_on_the_report() -> None:
    bench = _installed(profile=Profile(immediate=frozenset({"micro_leak"})))
    bench.run(6 * _H)
    bench.answer = None
    bench.diary.clear()
    bench.do(bench.meter.set_event("micro_leak", True, bench.now))
    assert [what for _, what in bench.diary] == ["alarm 1", "alarm 2", "alarm 3", "sleep"]
    bench.answer = b""
    bench.run(_DAY)
    report = next(values for send, values in bench.sent[-3:] if send.kind == "report")
    assert report["active"] == ["micro_leak"]
    assert bench.meter.state is State.ASLEEP


def test_recovery_is_an_event() -> None:
    bench = _installed(profile=Profile(immediate=frozenset({"over_flow"}))).run(_H)
    bench.sent.clear()
    for on in (True, True, False):
        bench.do(bench.meter.set_event("over_flow", on, bench.now))
    told = [(values["event"], values["raised"]) for _, values in bench.sent]
    assert told == [("over_flow", True), ("over_flow", False)]


def test_magnetic_at_most_once_a_day() -> None:
    bench = _installed(profile=Profile(immediate=frozenset({"magnetic"}))).run(_H)
    for _ in range(30):
        bench.do(bench.meter.set_event("magnetic", True, bench.now))
        bench.do(bench.meter.set_event("magnetic", False, bench.now))
        bench.run(2 * _H)
    raised = [values["raised_at"] for send, values in bench.sent if send.kind == "alarm" and values["raised"]]
    assert len(raised) == 3, "60 hours touch three days"


def test_water_events_that_wait_for_the_report() -> None:
    bench = _installed(profile=Profile(immediate=frozenset({"magnetic"}))).run(_H)
    bench.sent.clear()
    bench.do(bench.meter.set_event("reverse_flow", True, bench.now))
    assert bench.sent == []
    bench.run(_DAY)
    assert bench.sent[0][1]["active"] == ["reverse_flow"]


def test_event_while_a_report_waits_for_its_retry() -> None:
    bench = _installed(profile=Profile(immediate=frozenset({"movement"})))
    bench.answer = None
    bench.run(10)
    bench.answer = b""
    bench.do(bench.meter.set_event("movement", True, bench.now))
    assert bench.meter.state is State.RETRY_WAIT
    bench.run(_H)
    assert bench.diary_of("report") == [0, 300]


def test_clock_drifts_and_is_set_by_the_answer() -> None:
    bench = _installed(drift_ppm=100)
    bench.run(10 * _DAY)
    assert bench.meter.device_at(bench.now) - bench.now == pytest.approx(10.5 * 86_400 * 100e-6, abs=1)
    bench.time_sync = True
    bench.run(_DAY)
    assert abs(bench.meter.device_at(bench.now) - bench.now) < 10
    bench.diary.clear()
    bench.run(5 * _DAY)
    assert len(bench.diary_of("report")) == 5, "setting the clock neither doubles nor loses a report"


@pytest.mark.parametrize("error_s", [-40 * _DAY, -3 * _H, -700, 700, 3 * _H, 40 * _DAY])
def test_wrong_clock_is_set_and_reports_go_on(error_s: int) -> None:
    bench = Bench(Profile(scheme=Scheme.NONE), start=_MIDNIGHT - 12 * _H)
    bench.time_sync = True
    bench.on(attach_after_s=0, clock_error_s=error_s).run(12 * _H - 1)
    bench.diary.clear()
    bench.run(3 * _DAY)
    assert bench.diary_of("report") == [0, _DAY, 2 * _DAY]
    report = next(values for send, values in reversed(bench.sent) if send.kind == "report")
    assert report["freezes"] == [(_MIDNIGHT + _DAY + 1800 * k) // 60 for k in range(49)]


def test_marks_the_clock_jumped_over_are_unknown() -> None:
    bench = _installed()
    bench.run(6 * _H)
    bench.do(bench.meter.on_answer(0, str(bench.now + 2 * _H).encode(), bench.now))
    mark = (bench.now // 1800 + 1) * 1800
    assert bench.meter.frozen(mark - 1800) == (mark - 1800) // 60
    assert bench.meter.frozen(mark) == UNKNOWN
    assert bench.meter.frozen(mark + 6 * _H) == UNKNOWN, "not frozen yet"


def test_register_reset_starts_at_zero() -> None:
    bench = _installed().run(12 * _H)
    bench.meter.reset_register(bench.now)
    assert bench.meter.register(bench.now) == 0
    bench.run(_DAY)
    freezes = next(values for send, values in reversed(bench.sent) if send.kind == "report")["freezes"]
    assert min(freezes) == freezes[24] == 0 or freezes[25] < freezes[0]


def test_log_keeps_thirty_days() -> None:
    bench = _installed(profile=Profile(immediate=frozenset()))
    for day in range(40):
        bench.do(bench.meter.set_event("reverse_flow", day % 2 == 0, bench.now))
        bench.run(_DAY)
    assert len(bench.meter.log) == 31
    assert len(bench.meter.pull_log(bench.now - 5 * _DAY)) == 5


def test_every_guard_and_action_exists() -> None:
    for row in TABLE:
        assert callable(getattr(Meter, f"_do_{row.action}"))
        assert not row.guard or callable(getattr(Meter, f"_if_{row.guard}"))


@pytest.mark.parametrize("seed", range(counted(200)))
def test_any_input_in_any_order_lands_in_a_known_state(seed: int) -> None:
    """Timers, attaches, outcomes, events and clock jumps in random order: never stuck, never an exception."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    profile = Profile(immediate=frozenset({"magnetic", "over_flow"}), period=Period.EVERY, every_s=_H, freeze_s=300)
    meter = Meter(rng.randrange(10**6), profile, litre_a_minute, PlainFrames(), drift_ppm=rng.choice([-200, 0, 200]))
    now = _MIDNIGHT
    open_messages: list[Send] = []
    attaching = False
    actions = meter.switch_on(now, attach_after_s=rng.randrange(1000))
    for _ in range(600):
        open_messages += [action for action in actions if isinstance(action, Send)]
        attaching |= any(isinstance(action, Attach) for action in actions)
        choice = rng.randrange(8)
        actions = []
        if choice < 3:
            timer = meter.next_timer()
            assert timer is not None
            now = max(now, timer)
            actions = meter.handle(now)
        elif choice < 5 and attaching:
            attaching = False
            actions = meter.on_attach(rng.random() < 0.6, now)
        elif choice < 7 and open_messages:
            message = open_messages.pop(rng.randrange(len(open_messages))).message
            if rng.random() < 0.5:
                answer = str(now + rng.choice([0, 0, 0, -900, 900, 90_000])).encode() if rng.random() < 0.5 else b""
                actions = meter.on_answer(message, answer, now)
            else:
                actions = meter.on_failure(message, now, busy=rng.random() < 0.3)
        else:
            actions = meter.set_event(rng.choice(["magnetic", "over_flow", "reverse_flow"]), rng.random() < 0.5, now)
        assert meter.state is not State.REST
        if meter.state in (State.ASLEEP, State.RETRY_WAIT, State.RESET_WAIT, State.WINDOW):
            assert meter.next_timer() is not None
        if meter.state is State.RETRY_WAIT:
            assert Input.RETRY_DUE in meter._timers


def test_every_word_of_the_table_has_one_meaning() -> None:
    assert {row.guard for row in TABLE if row.guard} == set(GUARDS)
    assert {row.action for row in TABLE} == set(ACTIONS)
