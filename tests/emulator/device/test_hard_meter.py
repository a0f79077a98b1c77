# SPDX-License-Identifier: Apache-2.0
"""What a meter in the field does and a kind one does not: the crossing, error 513, lost notices, the Chongqing window."""

from typing import Any

import pytest

from openmains.domain.period import DAY_S, HOUR_S
from openmains.drivers.model import Kind
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.frames import immediate_events
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Action, Attach, Profile, Send, Sleep, chongqing
from openmains.emulator.meter.standard_frames import immediate_standard
from openmains.emulator.meter.states import State
from tests.drivers.test_all_drivers import meaning
from tests.emulator.device.terminals import T0, Bench

GAS, WATER = "openmains/gas-1", "openmains/water-1"
PRICE = PriceSet(1, 0, T0, 12, False, (0,), (30_000,))  # 3 CNY/m³: 0.3 fen a litre


def money(fen: int) -> Account:
    return Account(kind=MONEY, balance=fen * UNITS_A_FEN, price=PRICE)


class Radio(Bench):
    """A bench whose radio may refuse: 'busy', 'lost' or ''."""

    trouble = ""
    diary: list[tuple[int, str]]

    def do(self, actions: Any) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []
        todo: list[Action] = list(actions)
        if "diary" not in self.__dict__:
            self.diary = []
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                self.diary.append((self.now, "attach cleared" if action.clear_frequency else "attach"))
                todo += self.terminal.on_attach(True, self.now)
            elif isinstance(action, Sleep):
                self.diary.append((self.now, "sleep"))
            elif isinstance(action, Send):
                self.diary.append((self.now, f"{action.kind} {self.trouble}".strip()))
                if self.trouble:
                    todo += self.terminal.on_failure(action.message, self.now, busy=self.trouble == "busy")
                    continue
                found = meaning(self.terminal._frames.driver, action.payload)
                assert found is not None
                said.append(found)
                answer = self.terminal._frames.driver.answer(action.payload, self.now, 480)
                todo += self.terminal.on_answer(action.message, answer, self.now)
        self.heard += said
        return said

    def since(self, start: int, what: str) -> list[int]:
        return [at - start for at, said in self.diary if at >= start and said == what]


def radio(driver: str = GAS, *, profile: Profile | None = None, **kwargs: Any) -> Radio:
    found = Radio.of(driver, profile=profile or Profile(immediate=immediate_events(driver)), **kwargs)
    assert isinstance(found, Radio)
    found.run(HOUR_S)
    found.heard.clear()
    return found


def test_what_somebody_must_know_now_goes_at_once_whatever_the_format() -> None:
    """R1.5, R6.6, R4.2, S6.1.2.7."""
    everywhere = {"balance_low", "pressure_high", "pressure_low", "valve_fault", "magnetic", "micro_leak"}
    assert immediate_events(WATER) >= everywhere | {"burst"}
    assert immediate_events(GAS) >= everywhere | {"gas_leak", "seal_broken", "under_voltage", "power_loss"}
    assert not immediate_events(WATER) & {"low_battery", "reverse_flow", "sustained_low_flow"}, (
        "T4.2.2: with the report"
    )
    assert immediate_standard(Medium.GAS) == {"micro_leak", "gas_leak"}
    assert immediate_standard(Medium.WATER) == {"micro_leak", "movement"}


class TestCrossing:
    """S6.1.2.7: told when the balance falls to the threshold, not when somebody looks."""

    def test_low_balance_is_told_at_the_step(self) -> None:
        # 60 l/h at 0.3 fen: a step of 10 l each ten minutes costs 3 fen; 1,036 fen last 12 steps, the 13th falls below
        bench = radio(account=money(1_036), litres_per_h=60)
        bench.run(4 * HOUR_S)
        (alarm,) = [m for m in bench.heard if m["kind"] == Kind.ALARM]
        assert alarm["events"] == ["balance_low"]
        assert alarm["raised_at"] == alarm["device_at"] == T0 + 13 * 600
        assert alarm["balance"] == 997

    @pytest.mark.parametrize("litres_per_h", [7, 61, 333, 2_400])
    def test_at_any_flow(self, litres_per_h: int) -> None:
        bench = radio(
            account=money(1_000 + litres_per_h), litres_per_h=litres_per_h
        )  # lasts a little more than three hours
        bench.run(6 * HOUR_S)
        alarm = next(m for m in bench.heard if "balance_low" in m.get("events", ()))
        assert alarm["kind"] == Kind.ALARM
        assert 997 <= alarm["balance"] < 1_000
        assert alarm["register"] % 10 <= litres_per_h // 3_600 + 1, "just after a whole step"

    def test_arrears_close_in_the_same_second(self) -> None:
        bench = radio(account=money(100), litres_per_h=600)
        bench.run(3 * HOUR_S)
        entries = [entry for entry in bench.terminal.diary.entries if entry.name == "arrears"]
        assert entries[0].at == entries[1].at
        assert bench.terminal.store.held.account.balance >= -3 * UNITS_A_FEN


class TestBusy:
    """T4.2.2: +CME ERROR 513 → again after 1, 3, 10 min, then the module is reset without prior frequency."""

    def test_an_alarm_backs_off_as_a_report_does(self) -> None:
        bench = radio()
        bench.run(3 * HOUR_S)  # today's report is over
        start = bench.now
        bench.trouble = "busy"
        bench.do(bench.terminal.set_event("movement", True, bench.now))
        bench.run(HOUR_S)
        assert bench.since(start, "alarm busy") == [0, 60, 60 + 180, 60 + 180 + 600]
        assert bench.terminal.meter.state is State.ASLEEP
        bench.trouble = ""
        bench.heard.clear()
        bench.run(DAY_S)
        assert any(said == "attach cleared" for at, said in bench.diary if at > start)
        report = next(m for m in bench.heard if m["kind"] == Kind.REPORT)
        assert "movement" in report["events"], "its state rides on the next report (R1.6)"

    def test_it_is_told_when_the_module_is_free_again(self) -> None:
        bench = radio()
        bench.run(3 * HOUR_S)  # today's report is over
        start = bench.now
        bench.trouble = "busy"
        bench.do(bench.terminal.set_event("movement", True, bench.now))
        bench.run(100)
        bench.trouble = ""
        said = bench.run(HOUR_S)
        assert bench.since(start, "alarm") == [240]
        assert [m["events"] for m in said if m["kind"] == Kind.ALARM] == [["movement"]]
        assert not [m for m in said if m["kind"] == Kind.REPORT], "no report that was not due"


class TestNotices:
    """Nobody asks for what is said unasked: it is said again after the next report."""

    def test_a_price_that_came_into_force(self) -> None:
        bench = radio(account=money(100_000), litres_per_h=60)
        new = {"version": 2, "period_start": T0, "tiers": 1, "tier_from": [0], "prices": [60_000]}
        bench.command("set_price", new | {"effective_at": bench.now + 7_200})
        effective = bench.now + 7_200
        bench.run(3_600)
        bench.trouble = "lost"
        bench.run(2 * HOUR_S)
        assert [at for at, said in bench.diary if said == "command lost"], "tried at once"
        bench.trouble = ""
        bench.heard.clear()
        bench.run(DAY_S)
        told = [m for m in bench.heard if m["kind"] == Kind.COMMAND_RESULT and m["command_serial"] == 0]
        assert [(m["price_version"], m["price_deferred"]) for m in told] == [(2, 0)]
        assert told[0]["device_at"] > effective


class TestChongqing:
    """C4.2.4: closed 2 min after the last command, and when the wake time is over; no heartbeats."""

    @staticmethod
    def awake() -> Radio:
        """Just after a report."""
        profile = chongqing(Profile(immediate=immediate_events(GAS)), wake_s=600)
        bench = radio(profile=profile, account=money(100_000))
        bench.run(2 * DAY_S)
        last = max(at for at, said in bench.diary if said == "report")
        bench.run(last + DAY_S - bench.now)
        assert bench.diary[-1] == (bench.now, "report") and bench.terminal.reachable
        return bench

    def test_two_minutes_without_a_command(self) -> None:
        bench = self.awake()
        start = bench.now
        bench.run(HOUR_S)
        assert bench.since(start, "sleep") == [120]
        assert not [said for _, said in bench.diary if said.startswith("heartbeat")]

    def test_each_command_keeps_it_open(self) -> None:
        bench = self.awake()
        start = bench.now
        bench.run(100)
        bench.do(bench.terminal.on_command(bench.frame("read_status"), bench.now))
        bench.run(HOUR_S)
        assert bench.since(start, "sleep") == [220]

    def test_not_beyond_the_wake_time(self) -> None:
        bench = self.awake()
        start = bench.now
        for _ in range(20):
            bench.run(60)
            if bench.terminal.reachable:
                bench.do(bench.terminal.on_command(bench.frame("read_status"), bench.now))
        assert bench.since(start, "sleep") == [600]


def test_every_act_of_the_radio_costs_charge() -> None:
    spent = []
    for early in (True, False):
        profile = Profile(immediate=immediate_events(WATER), early_release=early)
        bench = radio(WATER, profile=profile, body=Body())
        before = bench.terminal.body.battery.spent_uc
        bench.diary.clear()
        bench.run(10 * DAY_S)
        sent = sum(said in ("report", "heartbeat", "alarm") for _, said in bench.diary)
        assert sent >= 30
        spent.append((bench.terminal.body.battery.spent_uc - before, sent))
    assert spent[0][1] == spent[1][1]
    assert spent[1][0] - spent[0][0] == spent[0][1] * 270 * 3_600
