# SPDX-License-Identifier: Apache-2.0
"""Model of the commanded meter under loss, repeats, delays and power cuts at every write (R1.11, R4).

Whatever arrives, in whatever order, however often, and wherever the power fails: no command acts twice, none acts after
its validity, none acts without a frame of its own, and the credit is exact to the last unit. What is answered as done
has been done; what is delivered undisturbed, new and valid does act.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from openmains.emulator.meter.authorise import Result
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position, Valve
from tests.emulator.device.terminals import BASE, T0, Bench
from tests.support.properties import counted

RICH = 10_000_000  # fen: nothing closes the valve but commands
FLAT = 25_000
DID = (Result.DONE, Result.ALREADY_DONE)
PRICE = PriceSet(1, 0, T0, 12, False, (0,), (FLAT,))


class PowerCutError(Exception):
    """The meter lost its power in the middle of something."""


class FragileStore(Store):
    """Loses power before or after the n-th write from now."""

    def __init__(self, held: Held) -> None:
        super().__init__(held)
        self.writes_left: int | None = None
        self.kept = False

    def write(self, held: Held) -> None:
        if self.writes_left == 0:
            self.writes_left = None
            if self.kept:
                super().write(held)
            raise PowerCutError
        if self.writes_left is not None:
            self.writes_left -= 1
        super().write(held)


class Meter(RuleBasedStateMachine):
    """The meter, every frame ever made for it, and what each serial number has done so far."""

    def __init__(self) -> None:
        super().__init__()
        self.store = FragileStore(Held(account=Account(kind=MONEY, balance=RICH * UNITS_A_FEN, price=PRICE)))
        self.valve = Valve(travel_s=6)
        self.bench = Bench.of(store=self.store, valve=self.valve, litres_per_h=600)
        self.frames: list[tuple[int, bytes]] = []  # (serial, frame)
        self.asked: dict[int, tuple[str, dict[str, object]]] = {}
        self.effects: dict[int, int] = {}  # serial → times it has acted
        self.newest_not_after: dict[bytes, int] = {}
        self.idle: set[int] = set()  # serial numbers that were done when they came: the valve stood there already
        self.running = 0  # serial number of the newest motion

    # -- the platform ------------------------------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from(["top_up", "top_up", "valve_close", "valve_open", "set_parameters"]),
        amount=st.integers(1, 100_000),
        valid_s=st.sampled_from([-1, 5, 60, 3600]),
    )
    def ask(self, kind: str, amount: int, valid_s: int) -> None:
        params: dict[str, object] = {}
        if kind == "top_up":
            params = {"amount": amount}
        elif kind == "set_parameters":
            params = {"values": {"low_battery": amount % 20_000}}
        self._frame(kind, params, self.bench.serial + 1, valid_s)
        self.asked[self.bench.serial] = (kind, params)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), valid_s=st.sampled_from([5, 60, 3600]))
    def sign_again(self, data: Any, valid_s: int) -> None:
        """No answer came: the same serial number with a new counter and a new validity."""
        serial = data.draw(st.sampled_from(sorted(self.asked)))
        newest = self.bench.serial
        self._frame(*self.asked[serial], serial, valid_s)
        self.bench.serial = newest

    def _frame(self, kind: str, params: dict[str, object], serial: int, valid_s: int) -> None:
        frame = self.bench.frame(kind, params, serial=serial, not_after=self.bench.now + valid_s)
        self.frames.append((serial, frame))
        self.newest_not_after[frame] = self.bench.now + valid_s

    # -- the network and the world -------------------------------------------------------------------------------------

    @precondition(lambda self: self.frames)
    @rule(data=st.data(), copies=st.integers(1, 3), cut=st.none() | st.tuples(st.integers(0, 2), st.booleans()))
    def deliver(self, data: Any, copies: int, cut: tuple[int, bool] | None) -> None:
        """Any frame, new or old, once or more often, with or without a power cut at one of the next writes."""
        serial, frame = self.frames[-1] if data.draw(st.booleans()) else data.draw(st.sampled_from(self.frames))
        for _ in range(copies):
            self._deliver(serial, frame, cut)

    def _deliver(self, serial: int, frame: bytes, cut: tuple[int, bool] | None) -> None:
        kind, params = self.asked[serial]
        fresh = self._fresh(serial, frame)
        before = self._traces()
        if cut is not None:
            self.store.writes_left, self.store.kept = cut
        said: list[dict[str, Any]] = []
        was_cut = False
        moving = self.valve.target is not None
        try:
            said = self.bench.do(self.bench.terminal.on_command(frame, self.bench.now))
        except PowerCutError:
            was_cut = True
            self.bench.do(self.bench.terminal.cut_power(self.bench.now))
        self.store.writes_left = None
        after = self._traces()
        # a power cut stops the motor: that is no act. A start is one only when the valve arrives (``wait``), for a motion
        # that was cut off may be asked for again under its serial number.
        started = after[1] is not None and after[1] != before[1]
        changed = (after[0], after[2]) != (before[0], before[2])
        if changed or started:
            assert self.bench.now <= self.newest_not_after[frame], "acted after its validity"
            self._is_its_own(kind, params, before, after)
        if started:
            self.running = serial
        if changed:
            self._has_acted(serial)
        if fresh and not was_cut and not moving:
            acted = changed or started
            assert acted or self.effects.get(serial) or self._idle(kind, params, before), "did not act"
        for message in said:
            if message.get("command_result") in DID and message["command_serial"]:
                assert serial in self.store.held.done
        self._account_for_the_done()

    def _account_for_the_done(self) -> None:
        """What is kept as done has acted, or there was nothing to do when it came."""
        for serial in self.store.held.done:
            if serial not in self.effects and serial not in self.idle:
                kind, params = self.asked[serial]
                assert self._idle(kind, params, self._traces()), "done without having acted"
                self.idle.add(serial)

    def _has_acted(self, serial: int) -> None:
        self.effects[serial] = self.effects.get(serial, 0) + 1
        assert self.effects[serial] == 1, "acted twice"

    def _fresh(self, serial: int, frame: bytes) -> bool:
        """New and valid: must act."""
        command = self.bench.terminal._frames.driver.read_command(frame)
        held = self.store.held
        counter = held.plain_counter if self.asked[serial][0] == "set_parameters" else held.signed_counter
        return command.counter > counter and self.bench.now <= command.not_after and serial not in held.done

    def _traces(self) -> tuple[int, int | None, object]:
        """What commands can change: credit given so far, where the motor goes, settings."""
        account = self.store.held.account
        given = account.balance + FLAT * (account.settled - BASE)
        return given, self.valve.target, self.store.held.settings

    def _idle(self, kind: str, params: dict[str, object], before: tuple[int, int | None, object]) -> bool:
        """Acting would change nothing that can be seen."""
        if kind.startswith("valve"):
            return self.valve.target is None and (self.valve.position == Position.CLOSED) == (kind == "valve_close")
        return kind == "set_parameters" and before[2] == params["values"]

    def _is_its_own(self, kind: str, params: dict[str, object], before: Any, after: Any) -> None:
        if kind == "top_up":
            assert after[0] - before[0] == params["amount"] * UNITS_A_FEN  # type: ignore[operator]
            assert after[1:] == before[1:] or after[1] is None
        elif kind == "set_parameters":
            assert after[0] == before[0]
            assert after[2] == params["values"]
        else:
            assert after[0] == before[0]

    @rule(seconds=st.sampled_from([1, 3, 7, 100, 4000]))
    def wait(self, seconds: int) -> None:
        moves, target = self.valve.moves, self.valve.target
        self.bench.run(seconds)
        assert self.valve.moves <= moves + (target is not None), "the motor ran without being told"
        if self.valve.moves > moves:
            self._has_acted(self.running)
        self._account_for_the_done()

    @rule()
    def cut_power(self) -> None:
        self.bench.do(self.bench.terminal.cut_power(self.bench.now))
        self._account_for_the_done()

    @rule()
    def press(self) -> None:
        before = self.valve.target
        self.bench.do(self.bench.terminal.press(self.bench.now))
        assert self.valve.target == before, "a press opens nothing on a water meter that a command has closed"

    @invariant()
    def credit_is_exact(self) -> None:
        account = self.store.held.account
        given = sum(
            int(params["amount"])  # type: ignore[call-overload]
            for serial, (kind, params) in self.asked.items()
            if kind == "top_up" and self.effects.get(serial)
        )
        assert account.balance == (RICH + given) * UNITS_A_FEN - FLAT * (account.settled - BASE)
        assert account.settled <= self.bench.terminal.register(self.bench.now)

    @invariant()
    def counters_and_serials_are_kept(self) -> None:
        for serial in self.store.held.done:
            assert serial in self.asked


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Meter,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate),  # shrinking a timeline takes minutes and seldom helps
        ),
    )


def test_no_command_acts_twice_or_late() -> None:
    run(counted(60), 40)


@pytest.mark.usefixtures("takes_minutes")
def test_no_command_acts_twice_or_late_over_a_hundred_thousand_steps() -> None:
    run(int(os.environ.get("OPENMAINS_MODEL_EXAMPLES", "1000")), 100)
